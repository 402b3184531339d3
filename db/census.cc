#include "db/census.h"

#include <algorithm>
#include <numeric>

#include "crypto/field_header.h"
#include "db/postgres_session.h"
#include "db/postgres_value.h"
#include "db/sqlite_patience.h"
#include "db/whole_number.h"
#include "io/sqlite_reader.h"

namespace coffer::db {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

// Sizes matter up to the least one of the longest form.
constexpr std::size_t kSizesTold = 83;

Error TooManyKeys() {
  return Error(ErrorCode::kInvalidArgument, "the columns name more different keys than a census may have")
      .WithLimit(kMaxCensusKeys);
}

// One group of values: the first ten bytes of them and their size, of at most kSizesTold.
Status AddGroup(std::optional<ByteView> header, std::uint64_t size, std::uint64_t count, ColumnCensus& census) {
  Bytes sample(std::min<std::uint64_t>(size, kSizesTold));
  if (header) std::copy_n(header->begin(), std::min(header->size(), sample.size()), sample.begin());
  const auto parsed = header && IsFieldCiphertext(sample) ? FieldHeader::Parse(sample) : std::nullopt;
  if (!parsed) {
    census.no_ciphertext += count;
    return {};
  }
  census.keys[parsed->key_id.value] += count;
  return census.keys.size() <= kMaxCensusKeys ? Status() : TooManyKeys();
}

// What does not begin as a ciphertext is one group, so that no plaintext is asked for.
std::string PostgresCount(const PostgresTable& table, const PostgresColumn& column, std::size_t place) {
  const std::string value = BytesOf(column);
  return "SELECT '" + std::to_string(place) + "'::text, h, s::text, count(*)::text FROM (SELECT CASE WHEN substring(" +
         value + ", 1, 1) = '\\xc1'::bytea THEN substring(" + value + ", 1, " + std::to_string(kFieldHeaderSize) +
         ") END, least(octet_length(" + value + "), " + std::to_string(kSizesTold) + ") FROM " + table.name +
         " t WHERE t." + QuotedName(column.name) + " IS NOT NULL) AS g(h, s) GROUP BY h, s";
}

Result<const PostgresColumn*> CountedColumn(const PostgresTable& table, const ColumnPlace& place) {
  const PostgresColumn* const column = table.Find(place.column);
  if (column == nullptr) return Error(ErrorCode::kNotFound, "the table has no such column").At(place.ToText());
  if (!column->generated && (column->is_bytes || column->is_ciphertext)) return column;
  return Error(ErrorCode::kInvalidArgument, "is no bytea or coffer.ciphertext").At(place.ToText());
}

// One statement after all locks: it has one snapshot, which sees what is locked.
Status CountOnServer(const Source& source, const Clock& clock, DatabaseCensus& census) {
  COFFER_ASSIGN_OR_RETURN(const auto session, PostgresSession::Open(source));
  COFFER_TRY(session->server().Execute("BEGIN READ ONLY"));
  std::string sql;
  for (std::size_t i = 0; i < census.columns.size(); ++i) {
    const ColumnPlace& place = census.columns[i].place;
    COFFER_ASSIGN_OR_RETURN(const PostgresTable table, session->Lock(place.table));
    COFFER_ASSIGN_OR_RETURN(const PostgresColumn* const column, CountedColumn(table, place));
    sql += (i == 0 ? "" : " UNION ALL ") + PostgresCount(table, *column, i);
  }
  census.as_of_unix_micros = clock.UnixMicros();
  COFFER_TRY(session->server().Query(sql, {}, [&census](Cells cells) -> Status {
    if (cells.size() != 4) return Error(ErrorCode::kInternal, "the PostgreSQL server counts in another way");
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t place, WholeNumber(cells[0]));
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t size, WholeNumber(cells[2]));
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t count, WholeNumber(cells[3]));
    return AddGroup(cells[1], size, count, census.columns.at(place));
  }));
  return session->server().Execute("COMMIT");
}

Status CheckSqliteColumn(SqliteReader& file, const ColumnPlace& place) {
  if (!place.table.schema.empty()) {
    return Error(ErrorCode::kInvalidArgument, "a SQLite file has no schemas").At(place.ToText());
  }
  COFFER_ASSIGN_OR_RETURN(const std::optional<SqliteColumns> columns, file.ColumnsOf(place.table.table));
  if (!columns) return Error(ErrorCode::kNotFound, "the database has no such table").At(place.table.table);
  const auto is_this = [folded = FoldedName(place.column)](const std::string& name) {
    return FoldedName(name) == folded;
  };
  if (std::any_of(columns->names.begin(), columns->names.end(), is_this)) return {};
  return Error(ErrorCode::kNotFound, "the table has no such column").At(place.ToText());
}

Status CountInFile(SqliteReader& file, ColumnCensus& census) {
  COFFER_TRY(CheckSqliteColumn(file, census.place));
  const std::string value = QuotedName(census.place.column);
  COFFER_ASSIGN_OR_RETURN(
      SqliteQuery query,
      file.Prepare("SELECT CASE WHEN typeof(" + value + ") = 'blob' AND substr(" + value +
                   ", 1, 1) = X'C1' THEN substr(" + value + ", 1, " + std::to_string(kFieldHeaderSize) +
                   ") END AS h, min(length(" + value + "), " + std::to_string(kSizesTold) +
                   ") AS s, count(*) FROM main." + QuotedName(census.place.table.table) + " WHERE " + value +
                   " IS NOT NULL GROUP BY h, s"));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return {};
    COFFER_ASSIGN_OR_RETURN(const std::optional<ByteView> header, query.Cell(0));
    COFFER_TRY(AddGroup(header, static_cast<std::uint64_t>(query.Integer(1)),
                        static_cast<std::uint64_t>(query.Integer(2)), census));
  }
}

Status CountInFile(const Source& source, const Clock& clock, DatabaseCensus& census) {
  census.as_of_unix_micros = clock.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(const auto file, SqliteReader::Open(source.location));
  for (ColumnCensus& column : census.columns) {
    column = {column.place, {}, 0};
    COFFER_TRY(CountInFile(*file, column));
  }
  return file->Check();
}

}  // namespace

std::uint64_t ColumnCensus::Values() const {
  return std::accumulate(keys.begin(), keys.end(), no_ciphertext,
                         [](std::uint64_t sum, const auto& key) { return sum + key.second; });
}

KeyCounts DatabaseCensus::Keys() const {
  KeyCounts all;
  for (const ColumnCensus& column : columns) {
    for (const auto& [key, count] : column.keys) all[key] += count;
  }
  return all;
}

std::uint64_t DatabaseCensus::NoCiphertext() const {
  return std::accumulate(columns.begin(), columns.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const ColumnCensus& column) { return sum + column.no_ciphertext; });
}

Result<DatabaseCensus> TakeCensus(const Source& source, std::span<const ColumnPlace> columns, const Clock& clock) {
  if (columns.empty() || columns.size() > kMaxCensusColumns) {
    return Error(ErrorCode::kInvalidArgument, "a census is of one column or more").WithLimit(kMaxCensusColumns);
  }
  DatabaseCensus census;
  for (const ColumnPlace& place : columns) census.columns.push_back({place, {}, 0});
  const bool on_server = source.engine == Engine::kPostgres;
  if (on_server) {
    COFFER_TRY(CountOnServer(source, clock, census));
  } else {
    COFFER_TRY(ReadPatiently([&] { return CountInFile(source, clock, census); }));
  }
  if (census.Keys().size() > kMaxCensusKeys) return TooManyKeys();
  return census;
}

}  // namespace coffer::db
