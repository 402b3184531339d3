#include "audit/verifier_index.h"

#include "audit/verifier_index_links.h"
#include "io/directory.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kDamaged = "is damaged";
constexpr std::string_view kForeign = "is no index of this log";
constexpr std::string_view kErasedNames =
    "still names people of a month whose key was destroyed; the next start removes them";
constexpr std::size_t kMaxKeyFiles = 10'000;

// All of it, its own indexes included: a search goes through them.
bool IsWhole(SqliteDatabase& database) {
  Result<SqliteStatement> query = database.Prepare("PRAGMA integrity_check(1)");
  if (!query.ok()) return false;
  const Result<bool> row = query->Step();
  if (!row.ok() || !*row) return false;
  const Result<Datum> said = query->Column(0, ValueType::kText, false);
  return said.ok() && std::get<std::string>(*said) == "ok";
}

// Where the index has the people's names of a month.
Result<std::vector<Month>> MonthsOfPeople(SqliteDatabase& database) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database.Prepare("SELECT DISTINCT month FROM people"));
  std::vector<Month> months;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return months;
    COFFER_ASSIGN_OR_RETURN(const Datum month, query.Column(0, ValueType::kInt64, false));
    months.push_back(static_cast<Month>(std::get<std::int64_t>(month)));
  }
}

}  // namespace

struct IndexComparison::State {
  State(std::unique_ptr<SqliteDatabase> opened, SqliteStatement row_query, SqliteStatement standing_query,
        const TreeHead& head_in)
      : database(std::move(opened)),
        names(*database),
        links(*database),
        rows(std::move(row_query)),
        standings(std::move(standing_query)),
        head(head_in) {}

  std::unique_ptr<SqliteDatabase> database;
  NameReader names;
  IndexLinks links;
  SqliteStatement rows;       // by index
  SqliteStatement standings;  // the same rows
  TreeHead head;              // how far the index says that it is
  Frontier tree;              // of the records up to there
};

IndexComparison::IndexComparison(std::string path, std::string origin, std::string keys)
    : path_(std::move(path)), origin_(std::move(origin)) {
  Open();
  if (state_ != nullptr) OpenKeys(keys);
}

IndexComparison::~IndexComparison() = default;

void IndexComparison::Give(std::string_view sentence, std::optional<std::uint64_t> record) {
  found_.push_back({sentence, record});
  state_.reset();
}

void IndexComparison::Open() {
  const Result<bool> there = Exists(path_);
  if (there.ok() && !*there) {
    skipped_ = "there is no index";
    return;
  }
  auto opened = SqliteDatabase::Open({.path = path_, .vfs = {}, .busy_timeout_ms = 100});
  if (!opened.ok() && opened.error().code() == ErrorCode::kUnavailable) {
    skipped_ = "another process has the index open, or it cannot be read";
    return;
  }
  if (!opened.ok()) return Give(kDamaged);
  std::unique_ptr<SqliteDatabase> database = std::move(opened).value();
  if (!IsWhole(*database)) return Give(kDamaged);
  const Result<bool> ours = HasOurTables(*database);
  if (!ours.ok() || !*ours) return Give("has other tables than the service makes");
  const Result<IndexProgress> progress = ReadProgress(*database);
  if (!progress.ok() || progress->origin != origin_) return Give(kForeign);
  auto rows =
      database->Prepare("SELECT " + std::string(kRecordColumns) + " FROM records r WHERE r.idx >= ?1 ORDER BY r.idx");
  auto standings = database->Prepare(
      "SELECT r.standing, r.principal, p.month FROM records r LEFT JOIN people p ON p.id = r.principal "
      "WHERE r.idx >= ?1 ORDER BY r.idx");
  if (!rows.ok() || !standings.ok()) return Give(kForeign);
  state_ = std::make_unique<State>(std::move(database), std::move(rows).value(), std::move(standings).value(),
                                   progress->frontier.Head());
}

void IndexComparison::OpenKeys(const std::string& folder) {
  if (ListDirectory(folder, kMaxKeyFiles).ok()) {
    keys_ = std::make_unique<MonthKeys>(folder);
  } else {
    remark_ = "but for people's names: the months' keys cannot be read";
  }
}

Result<std::optional<Personal>> IndexComparison::PersonalOf(const EncodedRecord& encoded) {
  if (keys_ == nullptr) return std::optional<Personal>();
  const Result<std::shared_ptr<const AuditKey>> key = keys_->Find(encoded.month);
  if (key.ok() && *key != nullptr) {
    if (encoded.personal.empty()) return std::optional(Personal());
    Result<Personal> personal = DecryptPersonal(encoded, **key);
    // Under another key than is here there is no name.
    return std::optional(personal.ok() ? std::move(personal).value() : Personal());
  }
  const Result<bool> erased = keys_->IsErased(encoded.month);
  if (key.ok() && erased.ok() && *erased) return std::optional(Personal());
  remark_ = "but for people's names of some months: their keys are not there, or cannot be read";
  return std::optional<Personal>();
}

std::string_view IndexComparison::Compare(std::uint64_t index, const EncodedRecord& encoded) {
  const Result<IndexedRecord> found = RecordOf(state_->rows, state_->names);
  const Result<Datum> standing = state_->standings.Column(0, ValueType::kInt64, false);
  const Result<Datum> principal = state_->standings.Column(1, ValueType::kInt64, true);
  const Result<Datum> month = state_->standings.Column(2, ValueType::kInt64, true);
  if (!found.ok() || !standing.ok() || !principal.ok() || !month.ok()) return kDamaged;
  if (found->index != index) return "lacks a record, or has one twice";
  const Result<std::optional<Personal>> personal = PersonalOf(encoded);
  if (!personal.ok()) return kDamaged;
  // What the index does not keep.
  Record expected = encoded.record;
  expected.id = found->record.id;
  expected.rows = found->record.rows;
  expected.personal = *personal ? **personal : found->record.personal;
  if (expected != found->record || std::get<std::int64_t>(*standing) != StandingOf(expected)) {
    const bool names_only = expected.personal != found->record.personal && expected.personal == Personal();
    return names_only ? kErasedNames : "says of a record what the journal does not";
  }
  // People are looked for month by month.
  const bool named = std::holds_alternative<std::int64_t>(*principal);
  const auto* of_month = std::get_if<std::int64_t>(&*month);
  if (named && (of_month == nullptr || *of_month != std::int64_t{encoded.month})) {
    return "names somebody of another month than the record's";
  }
  const Result<bool> linked = state_->links.Take(index, expected, encoded.month);
  if (!linked.ok()) return kDamaged;
  return *linked ? "" : "does not find a record by a name, a key or a row that it has";
}

// Rows of records that were dropped may still be there, or be missing.
void IndexComparison::Begin(const Frontier& before) {
  if (state_ == nullptr) return;
  if (state_->head.size < before.size()) {
    skipped_ = "the index has none of the records that are left; the service makes it go on";
    state_.reset();
    return;
  }
  state_->tree = before;
  const bool bound =
      state_->rows.Bind(1, Signed(before.size())).ok() && state_->standings.Bind(1, Signed(before.size())).ok();
  if (!bound) return Give(kDamaged);
  state_->links.Begin(before.size());
}

void IndexComparison::Take(std::uint64_t index, ByteView bytes) {
  if (state_ == nullptr || index >= state_->head.size) return;
  state_->tree.Append(LeafHash(bytes));
  const Result<bool> row = state_->rows.Step();
  const Result<bool> standing_row = state_->standings.Step();
  if (!row.ok() || !standing_row.ok()) return Give(kDamaged, index);
  if (!*row || !*standing_row) return Give("ends before the record that it says it has", index);
  const Result<EncodedRecord> decoded = DecodeRecord(bytes);
  if (!decoded.ok()) return;  // The journal's own finding.
  const std::string_view wrong = Compare(index, *decoded);
  if (!wrong.empty()) Give(wrong, index);
}

std::string_view IndexComparison::CompareEnd() {
  const Result<bool> more = state_->rows.Step();
  if (!more.ok()) return kDamaged;
  if (*more) return "has records behind the end that it says it has";
  if (state_->tree.Head() != state_->head) return "says that it is of other records than the journal's";
  const Result<bool> linked = state_->links.Finish();
  if (!linked.ok()) return kDamaged;
  if (!*linked) return "finds records by names, keys or rows that they do not have, or in other months";
  const Result<std::vector<Month>> months = MonthsOfPeople(*state_->database);
  if (!months.ok()) return kDamaged;
  for (const Month month : *months) {
    if (keys_ == nullptr) break;
    const Result<bool> erased = keys_->IsErased(month);
    if (erased.ok() && *erased) return kErasedNames;
  }
  return "";
}

void IndexComparison::Finish(VerifyReport& report) {
  if (state_ != nullptr) {
    const std::uint64_t end = state_->tree.size();
    const std::string_view wrong = CompareEnd();
    if (!wrong.empty()) Give(wrong, end);
  }
  if (!skipped_.empty()) report.Skip(Check::kIndex, skipped_);
  if (!remark_.empty()) report.Remark(Check::kIndex, remark_);
  for (const Difference& difference : found_) {
    report.Find(Check::kIndex, path_.substr(path_.rfind('/') + 1), difference.sentence, difference.record);
  }
  state_.reset();
}

}  // namespace coffer::audit
