#include "plugins/grafana/cells/sqlite_cells.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "plugins/grafana/database/sql_names.h"
#include "plugins/grafana/database/sqlite_rows.h"

namespace coffer::grafana {
namespace {

// As Grafana writes it. What is no time counts as none.
constexpr std::string_view kStamp =
    "\"updated\" = datetime(max(CAST(strftime('%s', 'now') AS INTEGER),"
    " coalesce(CAST(strftime('%s', \"updated\") AS INTEGER), 0) + 1), 'unixepoch')";

bool HasColumn(const SqliteColumns& columns, std::string_view wanted) {
  return std::any_of(columns.names.begin(), columns.names.end(),
                     [wanted](const std::string& name) { return FoldedName(name) == wanted; });
}

Result<std::int64_t> RowIdOf(std::string_view text) {
  std::int64_t id = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return Error(ErrorCode::kInternal, "a row's id is not SQLite's");
  }
  return id;
}

std::string Parameter(std::size_t number) { return "?" + std::to_string(number); }

}  // namespace

Result<std::unique_ptr<SqliteCells>> SqliteCells::Open(const SqliteWriterOptions& options) {
  COFFER_ASSIGN_OR_RETURN(auto file, SqliteWriter::Open(options));
  return std::make_unique<SqliteCells>(std::move(file));
}

Result<std::vector<FoundTable>> SqliteCells::Read(std::span<const WantedTable> wanted, const OnLockedRow& on_row) {
  std::vector<FoundTable> found;
  ReadRow row;
  for (std::size_t table = 0; table < wanted.size(); ++table) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<SqliteColumns> columns, file_->ColumnsOf(wanted[table].name));
    if (!columns) {
      COFFER_TRY(NoteOther(wanted, table, found));
      continue;
    }
    if (!columns->has_row_ids) {
      return Error(ErrorCode::kInvalidArgument, "a table has no row ids, which Grafana's have").At(wanted[table].name);
    }
    FoundTable& one = found.emplace_back();
    one.table = row.table = table;
    std::string selected = "_rowid_";
    for (const std::string_view name : wanted[table].columns) {
      one.has_column.push_back(HasColumn(*columns, name));
      selected += one.has_column.back() ? ", " + QuotedName(name) : ", NULL";
    }
    const std::string sql = "SELECT " + selected + " FROM main." + QuotedName(wanted[table].name) + " ORDER BY _rowid_";
    COFFER_TRY(file_->Query(sql, {}, [&](std::span<const std::optional<ByteView>> cells) -> Status {
      ++one.rows;
      row.cells.assign(cells.begin() + 1, cells.end());
      return on_row(AsText(cells[0].value_or(ByteView())), row);
    }));
  }
  return found;
}

Status SqliteCells::NoteOther(std::span<const WantedTable> wanted, std::size_t table, std::vector<FoundTable>& found) {
  const std::array<SqliteParameter, 1> name = {wanted[table].name};
  return file_->Query(kSqliteTypeOf, name, [&](std::span<const std::optional<ByteView>> cells) -> Status {
    const TableKind kind = SqliteKind(AsText(cells[0].value_or(ByteView())));
    COFFER_ASSIGN_OR_RETURN(FoundTable other, FoundOther(wanted, table, kind));
    found.push_back(std::move(other));
    return {};
  });
}

Status SqliteCells::BackUp(const std::string& path, std::span<const RowChange>) { return file_->BackUp(path); }

// A cell keeps its storage class: Grafana reads text where it wrote text.
Status SqliteCells::Update(const RowChange& change) {
  std::vector<SqliteParameter> parameters;
  const auto add = [&parameters](SqliteParameter parameter) {
    parameters.push_back(parameter);
    return Parameter(parameters.size());
  };
  std::string set;
  std::string where;
  for (const CellChange& cell : change.cells) {
    const std::string column = QuotedName(cell.column);
    const std::string after = add(ByteView(cell.after));
    if (!set.empty()) set += ", ";
    set +=
        column + " = CASE typeof(" + column + ") WHEN 'blob' THEN " + after + " ELSE CAST(" + after + " AS TEXT) END";
    where += " AND CAST(" + column + " AS BLOB) = " + add(ByteView(cell.before));
  }
  if (change.stamps) set.append(", ").append(kStamp);
  COFFER_ASSIGN_OR_RETURN(const std::int64_t id, RowIdOf(change.row_id));
  const std::string sql =
      "UPDATE main." + QuotedName(change.table) + " SET " + set + " WHERE _rowid_ = " + add(id) + where;
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t changed, file_->Change(sql, parameters));
  if (changed != 1) return Error(ErrorCode::kConflict, "a row is not what it was a moment ago").At(change.table);
  return {};
}

}  // namespace coffer::grafana
