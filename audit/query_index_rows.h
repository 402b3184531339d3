// The rows of a QueryIndex: its tables, a record as a row, and a row as a record. Not thread-safe.
#pragma once

#include <unordered_map>

#include "audit/query_index.h"
#include "io/sqlite.h"

namespace coffer::audit {

// What became of a call, as a bit: 0 is neither.
inline constexpr std::int64_t kFailedStanding = 1;
inline constexpr std::int64_t kRefusedStanding = 2;
std::int64_t StandingOf(const Record& record);

// The first bytes of a row id's MAC as a column keeps them.
std::int64_t TagNumber(const RowTag& tag);
inline std::int64_t Signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }
inline std::uint64_t Unsigned(std::int64_t number) { return static_cast<std::uint64_t>(number); }

// Makes all tables, empty. Within a transaction.
Status MakeTables(SqliteDatabase& database);

// The tables and indexes are those of MakeTables, and there are no others.
Result<bool> HasOurTables(SqliteDatabase& database);

// How far the index is, and of which log.
struct IndexProgress {
  std::string origin;
  Frontier frontier;
};
// kInternal or kIntegrity: this is no index of ours.
Result<IndexProgress> ReadProgress(SqliteDatabase& database);
Status WriteProgress(SqliteDatabase& database, const IndexProgress& progress);

// Removes the rows of records in that range, with what was derived from them. Names stay.
Status EraseRows(SqliteDatabase& database, std::uint64_t from, std::uint64_t to);

// Writes records in the order of their indexes, within the caller's transactions.
class RowWriter {
 public:
  explicit RowWriter(SqliteDatabase& database) : database_(database) {}
  // `month` is the one whose key the personal part is under.
  Status Write(std::uint64_t index, const Record& record, Month month);
  // Names are read anew: to be called when a transaction was not committed, or people were removed.
  void ForgetNames();

 private:
  using Ids = std::unordered_map<std::string, std::int64_t>;
  static constexpr std::size_t kMaxNames = 20'000;
  Result<Datum> NameId(std::string_view name);
  Result<Datum> PersonId(const std::string& person, Month month);
  Status Link(std::string_view sql, std::int64_t what, std::uint64_t index);
  Status LinkNames(std::string_view sql, std::string_view list, std::uint64_t index);
  Status WriteLinks(std::uint64_t index, const Record& record);
  Status NoteMonth(std::uint64_t index, Month month);

  SqliteDatabase& database_;
  Ids names_;
  Ids people_;  // of people_month_
  Month people_month_ = 0;
  Month last_month_ = 0;  // 0: not read yet
};

// Reads names by id, and keeps them as long as it lives: for one answer.
class NameReader {
 public:
  explicit NameReader(SqliteDatabase& database) : database_(database) {}
  // Empty for NULL.
  Result<std::string> Name(const Datum& id);
  Result<std::string> Person(const Datum& id);

 private:
  using Texts = std::unordered_map<std::int64_t, std::string>;
  Result<std::string> Read(std::string_view sql, const Datum& id, Texts& texts);
  SqliteDatabase& database_;
  Texts names_;
  Texts people_;
};

// The columns that RecordOf takes, of "records r".
extern const std::string_view kRecordColumns;
Result<IndexedRecord> RecordOf(const SqliteStatement& row, NameReader& names);

}  // namespace coffer::audit
