// Record: one entry of the audit log (docs/FORMAT.md section 11). What is written down about an act, never what the act
// was about: no plaintext, ciphertext, key, index token or search term has a field here.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "audit/tree.h"
#include "crypto/audit_key.h"
#include "crypto/ids.h"

namespace coffer::audit {

enum class RecordType : std::uint8_t {
  kCall = 1,      // a read, with its outcome
  kBegin = 2,     // a mutation that is about to run
  kResult = 3,    // and what came of it
  kDenied = 4,    // several refusals of the same act to the same caller
  kBoot = 5,      // the service started
  kStop = 6,      // and stopped in good order
  kRecovery = 7,  // the log was opened after a stop in no good order; `begin` is the oldest begin without a result
  kErased = 8,    // a month's key was destroyed
  kPruned = 9,    // records before `begin` were dropped
  kUpkeep = 10,   // the service noticed something by itself: its clock was set
};
std::string_view RecordTypeName(RecordType type);

enum class Authentication : std::uint8_t {
  kNone = 0,
  kUnixSocket = 1,
  kCertificate = 2,
  kService = 3,  // the service itself
  kJwt = 4,
  kToken = 5,  // a token of the service's own
};
std::string_view AuthenticationName(Authentication authentication);

// Why a value did not come out. For auditors: a caller is told less.
enum class ItemReason : std::uint8_t {
  kMalformed = 1,     // no field ciphertext, or longer than any
  kUnknownKey = 2,    // its key id is none of the field's keyrings and the tenant
  kOtherForm = 3,     // in a form that the catalog does not accept (below its minimum)
  kKeyDisabled = 4,   // its key version is disabled, or about to be destroyed
  kNotAuthentic = 5,  // changed, or brought from another row, column, tenant or scope
  kOtherBinding = 6,  // it binds what the request does not say
  kNoMatch = 7,       // decrypted, and not what was searched for
};
std::string_view ItemReasonName(ItemReason reason);

using RecordId = std::array<std::byte, 16>;  // a UUIDv7 (RFC 9562), ours
using RowTag = std::array<std::byte, 8>;     // the first bytes of a row id's MAC

// The year and month, in UTC, whose key a record's personal parts are under: 202611.
using Month = std::uint32_t;
Month MonthOf(std::int64_t unix_us);
// The first moment that is not in the month any more, since 1970.
std::int64_t EndOfMonth(Month month);

inline constexpr std::size_t kMaxNamesBytes = 8'192;  // object, and tenant; a longer one is no record
inline constexpr std::size_t kMaxRowTags = 16;
inline constexpr std::size_t kMaxKeyIds = 16;

// Names people, so it is encrypted under the month's key.
struct Personal {
  std::string principal;     // "unix:admin:0", "spiffe://..."
  std::string peer;          // address of the caller
  std::string on_behalf_of;  // a claim of the caller
  std::string reason;        // why one person did what asks two

  bool operator==(const Personal&) const = default;
};

struct Record {
  std::int64_t time_us = 0;  // since 1970; never smaller than the record's before
  RecordId id{};
  RecordType type = RecordType::kCall;
  Authentication authentication = Authentication::kNone;
  std::string role;
  std::string operation;  // "DecryptFields"
  std::string object;     // fields, keyring, tenant, secret's path or scope, by name; several are split by ','
  std::string tenant;
  std::vector<std::uint64_t> keys;  // ids of the data keys used, ascending; the first kMaxKeyIds are written
  std::uint64_t more_keys = 0;      // and how many more there were, of a record that was read
  std::uint64_t items = 0;          // values, or refusals of a kDenied
  std::uint64_t failed = 0;
  std::uint64_t unmatched = 0;
  std::map<ItemReason, std::uint64_t> reasons;
  std::vector<RowTag> row_tags;  // of the rows, when they are few
  std::optional<Digest> rows;    // MAC over all of them
  std::string purpose;           // a claim of the caller
  std::string request_id;        // a claim of the caller
  bool allowed = false;
  std::string rule;
  std::uint64_t policy_serial = 0;
  std::string outcome;  // "ok", or an error code's name
  std::string failure;  // the error's sentence
  StoreUuid store;      // zeros: none is known
  std::uint64_t store_epoch = 0;
  std::uint64_t latency_us = 0;
  std::optional<std::uint64_t> begin;  // index of the begin that a result belongs to
  Personal personal;

  bool operator==(const Record&) const = default;
};

// Deterministic CBOR of at most kMaxRecordBytes. `key` is that of MonthOf(record.time_us); the personal part is empty,
// whatever it holds, when it is null. kInvalidArgument: the names of its objects or tenants are longer than
// kMaxNamesBytes: half a list would hide what was done. kInternal: a library fails.
Result<Bytes> EncodeRecord(const Record& record, const AuditKey* key);

// A record's bytes with its personal part still encrypted.
struct EncodedRecord {
  Record record;  // without `personal`
  Month month = 0;
  Bytes personal;
};
// kInvalidArgument for whatever is not exactly what EncodeRecord writes.
Result<EncodedRecord> DecodeRecord(ByteView bytes);
// kDecryptFailed: not under this key.
Result<Personal> DecryptPersonal(const EncodedRecord& encoded, const AuditKey& key);

// Where a record's time stands in its bytes, so that a writer can put it in last, in the order of the log. The time is
// always written as eight bytes.
inline constexpr std::size_t kTimeOffset = 5;
// Earlier times, of a clock that was never set, are written as this, so that every time takes eight bytes.
inline constexpr std::int64_t kLeastRecordTime = std::int64_t{1} << 32;

}  // namespace coffer::audit
