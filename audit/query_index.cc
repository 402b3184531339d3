#include "audit/query_index.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "audit/query_index_state.h"
#include "io/directory.h"

namespace coffer::audit {
namespace {

constexpr std::size_t kMaxBatchBytes = 8U << 20U;
constexpr std::uint64_t kForgetStep = 10'000;  // records
constexpr std::uint32_t kBusyMs = 100;         // for another process that has the file; then later

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool IsOutage(const Error& error) { return error.code() == ErrorCode::kUnavailable; }

std::optional<Month> MonthIn(std::string_view text) {
  Month month = 0;
  const auto [stop, wrong] = std::from_chars(text.data(), text.data() + text.size(), month);
  if (wrong != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return month;
}

Result<std::vector<std::int64_t>> Numbers(SqliteDatabase& database, std::string_view sql) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database.Prepare(sql));
  std::vector<std::int64_t> numbers;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return numbers;
    COFFER_ASSIGN_OR_RETURN(const Datum number, query.Column(0, ValueType::kInt64, false));
    numbers.push_back(std::get<std::int64_t>(number));
  }
}

}  // namespace

// What one step takes. Nothing is decrypted yet.
struct QueryIndex::Batch {
  Frontier after;
  std::vector<EncodedRecord> records;
  std::set<Month> erased;  // months whose keys were destroyed here
  bool more = false;
};

QueryIndex::QueryIndex(Log& log, const Clock& clock, std::string path)
    : log_(log), clock_(clock), path_(std::move(path)) {}
QueryIndex::~QueryIndex() = default;

// A larger cache and a longer WAL than SQLite's: each step touches pages all over the file.
Result<std::unique_ptr<SqliteDatabase>> QueryIndex::OpenFile() const {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database,
                          SqliteDatabase::Open({.path = path_, .vfs = {}, .busy_timeout_ms = kBusyMs}));
  COFFER_TRY(database->Execute("PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=4000"));
  return database;
}

Status QueryIndex::RemoveFiles() {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) COFFER_TRY(RemoveTree(path_ + suffix));
  return SyncDirectory(FolderOf(path_));
}

Status QueryIndex::Make() {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database, OpenFile());
  COFFER_TRY(database->Execute("BEGIN IMMEDIATE"));
  COFFER_TRY(MakeTables(*database));
  const Frontier before = log_.oldest_tree();
  COFFER_TRY(WriteProgress(*database, {.origin = log_.origin(), .frontier = before}));
  COFFER_TRY(database->Execute("COMMIT"));
  state_ = std::make_unique<State>(std::move(database), before);
  return {};
}

// Whether what was indexed is the beginning of the log as it is now.
Result<bool> QueryIndex::Fits(const Frontier& frontier) const {
  const TreeHead indexed = frontier.Head();
  const TreeHead durable = log_.durable();
  if (indexed.size >= durable.size) return indexed == durable;
  if (indexed.size > log_.signed_head().size) COFFER_TRY(log_.PublishNow());
  const TreeHead published = log_.signed_head();
  COFFER_ASSIGN_OR_RETURN(const Proof proof, log_.ProveConsistency({.from = indexed.size, .to = published.size}));
  return VerifyConsistency(indexed, published, proof).ok();
}

Result<bool> QueryIndex::OpenExisting() {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database, OpenFile());
  COFFER_ASSIGN_OR_RETURN(const IndexProgress progress, ReadProgress(*database));
  if (progress.origin != log_.origin()) return false;
  const Result<bool> fits = Fits(progress.frontier);
  if (!fits.ok()) {
    return Error(ErrorCode::kUnavailable, "the audit log's index cannot be compared with the log's tiles now");
  }
  if (!*fits) return false;
  state_ = std::make_unique<State>(std::move(database), progress.frontier);
  COFFER_TRY(ForgetErased());
  return true;
}

Status QueryIndex::Open() {
  COFFER_ASSIGN_OR_RETURN(const bool there, Exists(path_));
  if (there && !discard_) {
    const Result<bool> opened = OpenExisting();
    if (!opened.ok() || !*opened) state_.reset();
    if (!opened.ok() && IsOutage(opened.error())) return opened.error();
  }
  if (state_ == nullptr) {
    made_anew_ = made_anew_ || there;
    COFFER_TRY(RemoveFiles());
    const Status made = Make();
    if (!made.ok()) return made;
    discard_ = false;
  }
  ++opened_;
  size_ = state_->frontier.size();
  return {};
}

void QueryIndex::Close(const Error& error) {
  state_.reset();
  if (IsOutage(error)) return;
  discard_ = true;
  size_ = 0;
}

Error QueryIndex::Failed(const Error& error) {
  if (error.code() == ErrorCode::kResourceExhausted || error.code() == ErrorCode::kInvalidArgument) return error;
  if (state_ != nullptr) Close(error);
  if (IsOutage(error)) return error;
  return {ErrorCode::kUnavailable, "the audit log's index is damaged and is made anew: try again later"};
}

// Null where there is none to decrypt with: erased, or no key any more.
Result<std::shared_ptr<const AuditKey>> QueryIndex::KeyOf(Month month) const {
  Result<std::shared_ptr<const AuditKey>> key = log_.month_keys().Find(month);
  if (!key.ok() && !IsOutage(key.error())) return std::shared_ptr<const AuditKey>();
  return key;
}

Result<QueryIndex::Batch> QueryIndex::ReadBatch(const Frontier& before) const {
  const std::uint64_t durable = log_.durable().size;
  Batch batch;
  batch.after = before;
  std::size_t bytes = 0;
  const auto take = [&](std::uint64_t index, ByteView record) -> Result<bool> {
    if (index != batch.after.size()) return false;  // Dropped since: the next step passes over what is gone.
    Result<EncodedRecord> decoded = DecodeRecord(record);
    if (!decoded.ok()) return Error(ErrorCode::kIntegrity, "the audit journal holds a record that is none of ours");
    batch.after.Append(LeafHash(record));
    if (decoded->record.type == RecordType::kErased) {
      const std::optional<Month> month = MonthIn(decoded->record.object);
      if (month) batch.erased.insert(*month);
    }
    batch.records.push_back(std::move(decoded).value());
    bytes += record.size();
    return batch.records.size() < kStep && bytes < kMaxBatchBytes;
  };
  COFFER_TRY(log_.ReadRecords({.from = before.size(), .to = durable}, take));
  batch.more = batch.after.size() < durable;
  return batch;
}

Status QueryIndex::Take(const Batch& batch) {
  SqliteDatabase& database = *state_->database;
  std::map<Month, std::shared_ptr<const AuditKey>> keys;
  std::uint64_t index = state_->frontier.size();
  COFFER_TRY(database.Execute("BEGIN IMMEDIATE"));
  for (const EncodedRecord& encoded : batch.records) {
    if (!keys.contains(encoded.month)) {
      COFFER_ASSIGN_OR_RETURN(keys[encoded.month], KeyOf(encoded.month));
    }
    Record record = encoded.record;
    const AuditKey* const key = keys[encoded.month].get();
    if (key != nullptr && !encoded.personal.empty()) {
      // Under another key than is here now there is no name; the record counts all the same.
      Result<Personal> personal = DecryptPersonal(encoded, *key);
      if (personal.ok()) record.personal = std::move(personal).value();
    }
    COFFER_TRY(state_->writer.Write(index++, record, encoded.month));
  }
  COFFER_TRY(WriteProgress(database, {.origin = log_.origin(), .frontier = batch.after}));
  return database.Execute("COMMIT");
}

Status QueryIndex::TakeAll(const Batch& batch) {
  if (batch.records.empty()) return {};
  COFFER_TRY(Take(batch));
  state_->frontier = batch.after;
  size_ = batch.after.size();
  for (const Month month : batch.erased) COFFER_TRY(Forget(month));
  return {};
}

// Records that were dropped before the index had them.
Status QueryIndex::PassOver(const Frontier& dropped) {
  if (state_->frontier.size() >= dropped.size()) return {};
  COFFER_TRY(WriteProgress(*state_->database, {.origin = log_.origin(), .frontier = dropped}));
  state_->frontier = dropped;
  size_ = dropped.size();
  return {};
}

// In steps, as Forget. True: there are more.
Result<bool> QueryIndex::Drop() {
  SqliteDatabase& database = *state_->database;
  const std::uint64_t oldest = std::min(log_.oldest(), state_->frontier.size());
  if (state_->dropped >= oldest) return false;
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::int64_t> first,
                          Numbers(database, "SELECT idx FROM records ORDER BY idx LIMIT 1"));
  const std::uint64_t from = first.empty() ? oldest : Unsigned(first.front());
  const std::uint64_t to = std::min(from + kDropStep, oldest);
  COFFER_TRY(database.Execute("BEGIN IMMEDIATE"));
  if (from < to) COFFER_TRY(EraseRows(database, from, to));
  if (to == oldest) {
    // Months of which nothing is left take their people along.
    const std::string below = std::to_string(oldest);
    COFFER_TRY(database.Execute("DELETE FROM segments WHERE first < (SELECT max(first) FROM segments WHERE first <= " +
                                below + "); DELETE FROM people WHERE month NOT IN (SELECT month FROM segments)"));
  }
  COFFER_TRY(database.Execute("COMMIT"));
  if (to < oldest) return true;
  state_->writer.ForgetNames();
  COFFER_TRY(database.TruncateLog());
  state_->dropped = oldest;
  return false;
}

Result<QueryIndex::Progress> QueryIndex::Follow() {
  Frontier before;
  {
    const Lock held(mutex_);
    if (state_ == nullptr) COFFER_TRY(Open());
    const Status passed = PassOver(log_.oldest_tree());
    if (!passed.ok()) {
      Close(passed.error());
      return passed.error();
    }
    before = state_->frontier;
  }
  Result<Batch> read = ReadBatch(before);
  const Lock held(mutex_);
  stuck_ = !read.ok();
  COFFER_ASSIGN_OR_RETURN(const Batch batch, std::move(read));
  Progress progress{.more = batch.more, .made_anew = std::exchange(made_anew_, false)};
  if (state_ == nullptr || state_->frontier != before) {  // A search found it damaged meanwhile.
    progress.more = true;
    return progress;
  }
  const Status taken = TakeAll(batch);
  const Result<bool> dropped = taken.ok() ? Drop() : taken.error();
  if (dropped.ok()) {
    progress.more = progress.more || *dropped;
    return progress;
  }
  made_anew_ = progress.made_anew;
  Close(dropped.error());
  return dropped.error();
}

Result<std::vector<MonthSegment>> SegmentsOf(SqliteDatabase& database, std::uint64_t size) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database.Prepare("SELECT first, month FROM segments ORDER BY first"));
  std::vector<MonthSegment> segments;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return segments;
    COFFER_ASSIGN_OR_RETURN(const Datum first, query.Column(0, ValueType::kInt64, false));
    COFFER_ASSIGN_OR_RETURN(const Datum month, query.Column(1, ValueType::kInt64, false));
    const std::uint64_t from = Unsigned(std::get<std::int64_t>(first));
    if (!segments.empty()) segments.back().to = from;
    segments.push_back({.from = from, .to = size, .month = static_cast<Month>(std::get<std::int64_t>(month))});
  }
}

// In steps, so that no transaction is larger than the others; the names last, so that a stop in between is seen.
Status QueryIndex::Forget(Month month) {
  SqliteDatabase& database = *state_->database;
  COFFER_ASSIGN_OR_RETURN(const std::vector<MonthSegment> segments, SegmentsOf(database, state_->frontier.size()));
  state_->writer.ForgetNames();
  for (const MonthSegment& segment : segments) {
    if (segment.month != month) continue;
    for (std::uint64_t from = segment.from; from < segment.to; from += kForgetStep) {
      COFFER_ASSIGN_OR_RETURN(
          SqliteStatement forget,
          database.Prepare("UPDATE records SET principal = NULL, peer = NULL, on_behalf_of = NULL, reason = NULL WHERE "
                           "idx >= ?1 AND idx < ?2 AND coalesce(principal, peer, on_behalf_of, reason) IS NOT NULL"));
      COFFER_TRY(forget.Bind(1, Signed(from)));
      COFFER_TRY(forget.Bind(2, Signed(std::min(from + kForgetStep, segment.to))));
      COFFER_TRY(forget.Step());
    }
  }
  {
    COFFER_ASSIGN_OR_RETURN(SqliteStatement forget, database.Prepare("DELETE FROM people WHERE month = ?1"));
    COFFER_TRY(forget.Bind(1, std::int64_t{month}));
    COFFER_TRY(forget.Step());
  }
  return database.TruncateLog();
}

// Months that were erased while the index did not look, or when it could not finish.
Status QueryIndex::ForgetErased() {
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::int64_t> months,
                          Numbers(*state_->database, "SELECT DISTINCT month FROM people"));
  for (const std::int64_t month : months) {
    COFFER_ASSIGN_OR_RETURN(const auto key, KeyOf(static_cast<Month>(month)));
    if (key == nullptr) COFFER_TRY(Forget(static_cast<Month>(month)));
  }
  return state_->database->TruncateLog();
}

Status QueryIndex::EraseMonth(Month month) {
  COFFER_TRY(log_.EraseMonth(month));
  const Lock held(mutex_);
  if (state_ == nullptr) {
    return Error(ErrorCode::kUnavailable,
                 "the month's key is gone; its names may still be in the audit log's index, which is not open");
  }
  const Status forgotten = Forget(month);
  if (!forgotten.ok()) Close(forgotten.error());
  return forgotten;
}

}  // namespace coffer::audit
