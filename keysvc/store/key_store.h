// KeyStore: where wrapped keys, tenants, catalogs and secrets' ciphertexts are kept. Rows in, rows out: what they mean
// is records.h, whether they may be believed is authenticated_store.h. Implementations: MemoryStore, SqliteStore; one
// conformance suite holds for both (tests/keysvc/store/conformance_test.cc).
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "crypto/store_integrity.h"
#include "io/sqlite.h"
#include "keysvc/store/schema.h"

namespace coffer::keysvc {

struct StoredRow {
  Row columns;  // all of SpecOf(table).columns, in order
  std::uint64_t row_epoch = 0;
  Digest mac{};
};

struct StoredHead {
  StoreEpoch epoch;
  Digest sum{};
  Digest mac{};
};

// Rows in the order of their primary key (integers ascending, texts and blobs by bytes).
struct ScanRequest {
  Table table = Table::kStore;
  Row equals = {};                  // values of the first columns of the primary key; empty: the whole table
  std::string text_prefix = {};     // of the next primary-key column, which must be text when this is used
  std::optional<Datum> after = {};  // that next column's value is greater than this
  std::size_t limit = 0;            // 0: no limit
};

// One transaction. Destroying it without Commit rolls back. Not thread-safe; ended by the thread that began it, which
// must not begin a second one meanwhile. After kUnavailable, kIntegrity or kInternal nothing more can be done with it,
// and after Commit neither: every call is refused. kInternal: a row or a key that is not of the schema's shape.
class StoreTransaction {
 public:
  virtual ~StoreTransaction() = default;
  virtual Result<std::optional<StoredRow>> Get(Table table, const Row& primary_key) = 0;
  virtual Result<std::vector<StoredRow>> Scan(const ScanRequest& request) = 0;
  // kAlreadyExists when the primary key or the further unique key is taken.
  virtual Status Insert(Table table, const StoredRow& row) = 0;
  // Replaces the row of this primary key. kNotFound when there is none, kAlreadyExists as for Insert.
  virtual Status Update(Table table, const StoredRow& row) = 0;
  // kNotFound when there is none.
  virtual Status Erase(Table table, const Row& primary_key) = 0;
  // Primary key and MAC of every row of every table, without the rest; table by table, in the order in which the store
  // holds them: whoever needs that to be the order of the keys checks it. For the check at start.
  virtual Status ForEachMac(const std::function<void(Table, const Row& primary_key, const Digest& mac)>& visit) = 0;
  virtual Result<std::optional<StoredHead>> GetHead() = 0;
  virtual Status PutHead(const StoredHead& head) = 0;
  // Durable when it returns ok. On an error the outcome is unknown until the next transaction reads it; what that one
  // reads is durable.
  virtual Status Commit() = 0;
};

// Thread-safe; transactions run one at a time, a second Begin waits. Errors: kUnavailable for outages (full, locked,
// I/O), kIntegrity for what cannot have been written by us.
class KeyStore {
 public:
  virtual ~KeyStore() = default;
  virtual Result<std::unique_ptr<StoreTransaction>> Begin() = 0;
  // When ok, nothing that a commit erased or replaced is in any of the store's files. kUnavailable: some of it may be,
  // until a later commit or PurgeErased manages, each of which tries again. Not for a thread that has a transaction.
  virtual Status PurgeErased() = 0;
};

// What implementations check alike; kInternal when it does not fit the schema.
Status CheckColumns(const TableSpec& spec, const Row& columns);
Status CheckPrimaryKey(const TableSpec& spec, const Row& primary_key);
Status CheckScan(const TableSpec& spec, const ScanRequest& request);
// What a scan found, against attackers who can reorder the store's pages: every row is in the range that was asked for
// and the primary keys ascend; kIntegrity otherwise. `request` has passed CheckScan.
Status CheckFound(const TableSpec& spec, const ScanRequest& request, const std::vector<StoredRow>& found);
std::vector<ScalarView> ViewsOf(const Row& row);
// The MAC of a row (docs/FORMAT.md section 4). kInvalidArgument: a value that cannot be encoded.
Result<Digest> StoredRowMac(const SecretBytes& rows_key, StoreUuid store, const TableSpec& spec, const Row& columns,
                            std::uint64_t row_epoch);
Result<Digest> StoredRowMac(const ManyMacs& macs, const TableSpec& spec, const Row& columns, std::uint64_t row_epoch);
// The MAC of "there is no such row any more", as of an epoch.
Result<Digest> ErasedRowMac(const SecretBytes& rows_key, StoreUuid store, const TableSpec& spec, const Row& primary_key,
                            std::uint64_t row_epoch);
// The primary key of a row that CheckColumns has passed.
Row PrimaryKeyOf(const TableSpec& spec, const Row& columns);

}  // namespace coffer::keysvc
