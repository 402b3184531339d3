#include "db/sqlite_cipher_rows.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "db/sqlite_patience.h"

namespace coffer::db {
namespace {

// Parts of the primary key in their order; a table without one has none, though it has row ids.
Result<std::vector<std::string>> KeyOf(SqliteWriter& file, const std::string& table) {
  std::vector<std::string> key;
  const std::array<SqliteParameter, 1> name = {std::string_view(table)};
  COFFER_TRY(file.Query("SELECT name FROM pragma_table_info(?1, 'main') WHERE pk > 0 ORDER BY pk", name,
                        [&key](std::span<const std::optional<ByteView>> cells) -> Status {
                          key.emplace_back(AsText(cells[0].value_or(ByteView())));
                          return {};
                        }));
  return key;
}

Status CheckColumn(const SqliteColumns& columns, const std::string& name) {
  const auto is_this = [folded = FoldedName(name)](const std::string& column) { return FoldedName(column) == folded; };
  if (std::any_of(columns.names.begin(), columns.names.end(), is_this)) return {};
  return Error(ErrorCode::kNotFound, "the table has no such column, or it is generated").At(name);
}

Status Describe(SqliteWriter& file, EncryptedColumn& column) {
  const std::string& table = column.place.table.table;
  if (!column.place.table.schema.empty()) {
    return Error(ErrorCode::kInvalidArgument, "a SQLite file has no schemas").At(column.place.ToText());
  }
  COFFER_ASSIGN_OR_RETURN(const std::optional<SqliteColumns> columns, file.ColumnsOf(table));
  if (!columns) return Error(ErrorCode::kNotFound, "the database has no such table").At(table);
  if (!columns->has_row_ids) {
    return Error(ErrorCode::kInvalidArgument, "the table is one WITHOUT ROWID, which is not supported").At(table);
  }
  COFFER_TRY(CheckColumn(*columns, column.place.column));
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> key, KeyOf(file, table));
  COFFER_TRY(NameRow(column, key));
  for (const TypedColumn& part : column.row) COFFER_TRY(CheckColumn(*columns, part.column));
  for (const BoundName& bound : column.context) COFFER_TRY(CheckColumn(*columns, bound.value.column));
  return column.tenant_column.empty() ? Status() : CheckColumn(*columns, column.tenant_column);
}

// Bytes of blobs, the text of all else.
std::string Bounded(const std::string& column) {
  return ", substr(CAST(" + QuotedName(column) + " AS BLOB), 1, " + std::to_string(kMaxBound) + ")";
}

std::string SelectedOf(const EncryptedColumn& column, const Headers& known) {
  const std::string value = QuotedName(column.place.column);
  std::string headers;
  for (const std::string& header : known) {
    headers.append(headers.empty() ? "X'" : ", X'").append(ToHex(AsBytes(header))).append("'");
  }
  std::string selected = "_rowid_, CASE WHEN typeof(" + value + ") = 'blob' AND substr(" + value + ", 1, " +
                         std::to_string(kFieldHeaderSize) + ") IN (" + headers + ") THEN NULL ELSE substr(CAST(" +
                         value + " AS BLOB), 1, " + std::to_string(kMaxStored) + ") END";
  for (const TypedColumn& part : column.row) selected += Bounded(part.column);
  for (const BoundName& bound : column.context) selected += Bounded(bound.value.column);
  return selected + (column.tenant_column.empty() ? std::string(", NULL") : Bounded(column.tenant_column));
}

// Row ids came from this class; what is none would not be SQL.
Result<std::int64_t> RowIdOf(const RowKey& key) {
  std::int64_t id = 0;
  const std::string_view text = key.size() == 1 ? std::string_view(key.front()) : std::string_view();
  const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return Error(ErrorCode::kInternal, "a row's id is not SQLite's");
  }
  return id;
}

Status TakeCell(const SqliteQuery& query, int place, Cell& cell) {
  COFFER_ASSIGN_OR_RETURN(const auto bytes, query.Cell(place));
  if (bytes) cell.emplace(AsText(*bytes));
  return {};
}

// The columns of SelectedOf.
Status TakeRow(const SqliteQuery& query, const EncryptedColumn& column, StoredValue& value) {
  int place = 0;
  value.key = {std::to_string(query.Integer(place++))};
  COFFER_ASSIGN_OR_RETURN(const auto ciphertext, query.Cell(place++));
  value.is_current = !ciphertext;
  if (value.is_current) return {};
  value.ciphertext = AsText(*ciphertext);
  value.row.resize(column.row.size());
  value.context.resize(column.context.size());
  for (Cell& cell : value.row) COFFER_TRY(TakeCell(query, place++, cell));
  for (Cell& cell : value.context) COFFER_TRY(TakeCell(query, place++, cell));
  return TakeCell(query, place, value.tenant);
}

}  // namespace

Result<std::unique_ptr<CipherRows>> SqliteCipherRows::Open(const Source& source, const EncryptedColumn& column,
                                                           const std::string& vfs) {
  SqliteWriterOptions options;
  options.path = source.location;
  options.vfs = vfs;
  EncryptedColumn named = column;
  {
    COFFER_ASSIGN_OR_RETURN(const auto file, SqliteWriter::Open(options));
    COFFER_TRY(Describe(*file, named));
  }
  return std::unique_ptr<CipherRows>(std::make_unique<SqliteCipherRows>(std::move(options), std::move(named)));
}

Result<std::vector<StoredValue>> SqliteCipherRows::Select(const std::string& rest, const Headers& known) const {
  const std::string sql = "SELECT " + SelectedOf(column_, known) + " FROM main." +
                          QuotedName(column_.place.table.table) + " WHERE " + QuotedName(column_.place.column) +
                          " IS NOT NULL AND " + rest;
  return ReadPatiently([&] { return Read(sql); });
}

Result<std::vector<StoredValue>> SqliteCipherRows::Read(const std::string& sql) const {
  COFFER_ASSIGN_OR_RETURN(const auto file, SqliteReader::Open(options_.path, options_.busy_timeout_ms));
  std::vector<StoredValue> values;
  COFFER_ASSIGN_OR_RETURN(SqliteQuery query, file->Prepare(sql));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) break;
    COFFER_TRY(TakeRow(query, column_, values.emplace_back()));
  }
  COFFER_TRY(file->Check());
  return values;
}

Result<Page> SqliteCipherRows::ReadPage(const RowKey* after, std::size_t limit, const Headers& known) {
  std::string rest = "1";
  if (after != nullptr) {
    COFFER_ASSIGN_OR_RETURN(const std::int64_t id, RowIdOf(*after));
    rest = "_rowid_ > " + std::to_string(id);
  }
  Page page;
  COFFER_ASSIGN_OR_RETURN(page.values, Select(rest + " ORDER BY _rowid_ LIMIT " + std::to_string(limit), known));
  page.is_last = page.values.size() < limit;
  return page;
}

Result<std::vector<StoredValue>> SqliteCipherRows::ReadRows(std::span<const RowKey> keys, const Headers& known) {
  std::string ids;
  for (const RowKey& key : keys) {
    COFFER_ASSIGN_OR_RETURN(const std::int64_t id, RowIdOf(key));
    ids += (ids.empty() ? "" : ", ") + std::to_string(id);
  }
  return Select("_rowid_ IN (" + ids + ") ORDER BY _rowid_", known);
}

Result<std::vector<bool>> SqliteCipherRows::Replace(std::span<const Replacement> replacements) {
  std::vector<bool> replaced;
  COFFER_ASSIGN_OR_RETURN(const auto file, SqliteWriter::Open(options_));
  const std::string value = QuotedName(column_.place.column);
  const std::string sql = "UPDATE main." + QuotedName(column_.place.table.table) + " SET " + value +
                          " = ?1 WHERE _rowid_ = ?2 AND typeof(" + value + ") = 'blob' AND " + value + " = ?3";
  for (const Replacement& replacement : replacements) {
    COFFER_ASSIGN_OR_RETURN(const std::int64_t id, RowIdOf(*replacement.key));
    const std::array<SqliteParameter, 3> parameters = {AsBytes(replacement.new_ciphertext), id,
                                                       AsBytes(replacement.old_ciphertext)};
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t changed, file->Change(sql, parameters));
    replaced.push_back(changed == 1);
  }
  COFFER_TRY(file->Commit());
  return replaced;
}

}  // namespace coffer::db
