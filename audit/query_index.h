// QueryIndex: an audit log's records in a table that can be asked who did what and when. One SQLite file, made out of
// the journal alone: it can be deleted at any time and comes back the same. It is for finding; what it says is proved
// by the log's own proofs, which do not need it.
//
// Columns are the record's fields. What names people is decrypted with the months' keys and stands in columns of its
// own, which go when a month is erased. A month's row tags stay; without its key nobody can make them from a row.
#pragma once

#include <atomic>
#include <memory>

#include "audit/log.h"

namespace coffer {
class SqliteDatabase;
}  // namespace coffer

namespace coffer::audit {

// A record as the index keeps it: without its id and without the MAC over all rows.
struct IndexedRecord {
  std::uint64_t index = 0;
  Record record;
};

// The names of a list in a record: its objects, its tenants.
std::vector<std::string_view> PartsOf(std::string_view list);

// Which records; what is empty or unset asks for nothing. Names are compared as they are, and with each one of a list.
struct RecordFilter {
  std::optional<std::int64_t> from_us;  // the first moment, since 1970
  std::optional<std::int64_t> to_us;    // the first one that is not meant
  std::uint64_t from = 0;               // the first index
  std::uint64_t to = RecordRange::kToTheEnd;
  std::optional<RecordType> type;
  std::string role;
  std::string principal;
  std::string operation;
  std::string object;
  std::string tenant;
  std::string outcome;
  std::string request_id;
  std::optional<std::uint64_t> key;  // id of a data key
  Bytes row;                         // an encoded row id (crypto/value.h); found where a call had few rows
  bool refused = false;              // the policy said no
  bool failed = false;               // allowed, and the call or some of its values failed; with `refused`: either
};

struct RecordQuery {
  RecordFilter filter = {};
  bool oldest_first = false;
  std::size_t max_records = 100;
  std::int64_t max_us = 2'000'000;  // then the page ends as it is
};

struct RecordPage {
  std::vector<IndexedRecord> records;
  // Where the next page begins, as RecordFilter::from when the oldest come first, else as RecordFilter::to. Unset: this
  // was the last one.
  std::optional<std::uint64_t> next;
};

enum class GroupBy : std::uint8_t { kPrincipal, kRole, kOperation, kObject, kTenant, kOutcome, kHour, kDay };

struct GroupKey {
  std::string text;
  std::int64_t start_us = 0;  // of an hour or a day, in UTC
  auto operator<=>(const GroupKey&) const = default;
};

struct RecordGroup {
  std::vector<GroupKey> keys;  // one a dimension
  std::uint64_t records = 0;
  std::uint64_t values = 0;
  std::uint64_t failed_values = 0;
  std::uint64_t refused = 0;  // calls that the policy refused, also those that share a record
  std::uint64_t failed = 0;   // records of calls that were allowed and failed, or whose values did
};

struct RecordGroups {
  std::vector<RecordGroup> groups;  // by time when the first dimension is one, else the most records first
  bool more = false;                // there are groups behind the last one
};

// Thread-safe, but for Follow: one thread at a time. What asks and what follows take turns of a fraction of a second.
class QueryIndex {
 public:
  static constexpr std::size_t kMaxPage = 1'000;           // records
  static constexpr std::size_t kMaxPageBytes = 4U << 20U;  // about; then a page ends early
  static constexpr std::size_t kMaxGroups = 1'000;
  static constexpr std::uint64_t kStep = 10'000;     // records that are taken at once
  static constexpr std::uint64_t kDropStep = 5'000;  // that are removed at once

  // `path` is the file's. All must outlive it. Nothing is opened before the first Follow.
  QueryIndex(Log& log, const Clock& clock, std::string path);
  ~QueryIndex();
  QueryIndex(const QueryIndex&) = delete;
  QueryIndex& operator=(const QueryIndex&) = delete;

  struct Progress {
    bool more = false;       // the log has records that are not taken yet, or has dropped some that are still here
    bool made_anew = false;  // the file was missing parts, damaged, or not this log's, and is gone
  };
  // Opens the file, or makes it; then takes the next records that are durable, in one transaction, and removes some of
  // those that the log's retention has dropped, in another. kUnavailable: the disk, or another process has the file.
  // kIntegrity: the log. Either way a later call tries again.
  Result<Progress> Follow() COFFER_EXCLUDES(mutex_);

  // How many records can be found: all below this index.
  std::uint64_t size() const { return size_.load(); }

  // kUnavailable: the index is not open, or is being made anew.
  Result<RecordPage> Search(const RecordQuery& query) COFFER_EXCLUDES(mutex_);
  // `by` has one or two different dimensions. A record about several objects or tenants counts for each. kUnavailable
  // as Search. kResourceExhausted: more records or groups than can be counted in `max_us`.
  Result<RecordGroups> Count(const RecordFilter& filter, const std::vector<GroupBy>& by,
                             std::int64_t max_us = 10'000'000) COFFER_EXCLUDES(mutex_);

  // Log::EraseMonth, and the month's people are in none of the index's files any more. On an error some may be: again.
  Status EraseMonth(Month month) COFFER_EXCLUDES(mutex_);

 private:
  struct State;
  struct Batch;
  Status Open() COFFER_REQUIRES(mutex_);
  Result<std::unique_ptr<SqliteDatabase>> OpenFile() const;
  Result<bool> OpenExisting() COFFER_REQUIRES(mutex_);
  Status Make() COFFER_REQUIRES(mutex_);
  Status RemoveFiles() COFFER_REQUIRES(mutex_);
  Result<bool> Fits(const Frontier& frontier) const;
  Result<std::shared_ptr<const AuditKey>> KeyOf(Month month) const;
  Result<Batch> ReadBatch(const Frontier& before) const;
  Status Take(const Batch& batch) COFFER_REQUIRES(mutex_);
  Status TakeAll(const Batch& batch) COFFER_REQUIRES(mutex_);
  Status PassOver(const Frontier& dropped) COFFER_REQUIRES(mutex_);
  Result<bool> Drop() COFFER_REQUIRES(mutex_);
  Status Forget(Month month) COFFER_REQUIRES(mutex_);
  Status ForgetErased() COFFER_REQUIRES(mutex_);
  void Close(const Error& error) COFFER_REQUIRES(mutex_);
  // What a caller is told instead of the database's own words.
  Error Failed(const Error& error) COFFER_REQUIRES(mutex_);
  struct Plan;
  Result<Plan> MakePlan(const RecordFilter& filter) COFFER_EXCLUDES(mutex_);
  Result<Plan> MakeRanges(const RecordFilter& filter) COFFER_REQUIRES(mutex_);
  template <typename Look>
  Status LookAt(const Plan& plan, Look look) COFFER_EXCLUDES(mutex_);

  Log& log_;
  const Clock& clock_;
  const std::string path_;
  std::atomic<std::uint64_t> size_{0};
  Mutex mutex_;
  std::unique_ptr<State> state_ COFFER_GUARDED_BY(mutex_);  // null: not open
  bool discard_ COFFER_GUARDED_BY(mutex_) = false;          // the file is no good
  bool made_anew_ COFFER_GUARDED_BY(mutex_) = false;        // since the last Follow
  bool stuck_ COFFER_GUARDED_BY(mutex_) = false;            // the log's records could not be read the last time
  std::uint64_t opened_ COFFER_GUARDED_BY(mutex_) = 0;      // times; tells a search that the file is another
};

}  // namespace coffer::audit
