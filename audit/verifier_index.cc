#include "audit/verifier_index.h"

#include "audit/query_index_rows.h"
#include "io/directory.h"

namespace coffer::audit {

struct IndexComparison::State {
  State(std::unique_ptr<SqliteDatabase> opened, SqliteStatement row_query, SqliteStatement standing_query,
        const TreeHead& head_in)
      : database(std::move(opened)),
        names(*database),
        rows(std::move(row_query)),
        standings(std::move(standing_query)),
        head(head_in) {}

  std::unique_ptr<SqliteDatabase> database;
  NameReader names;
  SqliteStatement rows;       // by index
  SqliteStatement standings;  // the same rows
  TreeHead head;              // how far the index says that it is
  Frontier tree;              // of the records up to there
};

IndexComparison::IndexComparison(std::string path, std::string origin)
    : path_(std::move(path)), origin_(std::move(origin)) {
  Open();
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
  if (!opened.ok()) return Give("is damaged");
  std::unique_ptr<SqliteDatabase> database = std::move(opened).value();
  const Result<IndexProgress> progress = ReadProgress(*database);
  if (!progress.ok() || progress->origin != origin_) return Give("is no index of this log");
  auto rows = database->Prepare("SELECT " + std::string(kRecordColumns) + " FROM records r ORDER BY r.idx");
  auto standings = database->Prepare("SELECT standing FROM records ORDER BY idx");
  if (!rows.ok() || !standings.ok()) return Give("is no index of this log");
  state_ = std::make_unique<State>(std::move(database), std::move(rows).value(), std::move(standings).value(),
                                   progress->frontier.Head());
}

void IndexComparison::Take(std::uint64_t index, ByteView bytes) {
  if (state_ == nullptr || index >= state_->head.size) return;
  state_->tree.Append(LeafHash(bytes));
  const Result<bool> row = state_->rows.Step();
  const Result<bool> standing_row = state_->standings.Step();
  if (!row.ok() || !standing_row.ok()) return Give("is damaged", index);
  if (!*row || !*standing_row) return Give("ends before the record that it says it has", index);
  const Result<IndexedRecord> found = RecordOf(state_->rows, state_->names);
  const Result<Datum> standing = state_->standings.Column(0, ValueType::kInt64, false);
  if (!found.ok() || !standing.ok()) return Give("is damaged", index);
  if (found->index != index) return Give("lacks a record, or has one twice", index);
  const Result<EncodedRecord> decoded = DecodeRecord(bytes);
  if (!decoded.ok()) return;  // The journal's own finding.
  // What the index does not keep, and what it decrypted.
  Record expected = decoded->record;
  Record indexed = found->record;
  expected.id = indexed.id;
  expected.rows = indexed.rows;
  expected.personal = indexed.personal;
  if (expected != indexed || std::get<std::int64_t>(*standing) != StandingOf(expected)) {
    Give("says of a record what the journal does not", index);
  }
}

void IndexComparison::Finish(VerifyReport& report) {
  if (state_ != nullptr) {
    const Result<bool> more = state_->rows.Step();
    if (!more.ok()) {
      Give("is damaged");
    } else if (*more) {
      Give("has records behind the end that it says it has", state_->head.size);
    } else if (state_->tree.Head() != state_->head) {
      Give("says that it is of other records than the journal's", state_->tree.size());
    }
  }
  if (!skipped_.empty()) report.Skip(Check::kIndex, skipped_);
  for (const Difference& difference : found_) {
    report.Find(Check::kIndex, path_.substr(path_.rfind('/') + 1), difference.sentence, difference.record);
  }
  state_.reset();
}

}  // namespace coffer::audit
