#include "db/plan_figures.h"

#include <algorithm>
#include <array>

#include "db/postgres_session.h"
#include "db/whole_number.h"
#include "io/sqlite_reader.h"

namespace coffer::db {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

bool IsText(const SchemaColumn& column) {
  constexpr std::array<std::string_view, 5> kTexts = {"text", "varchar", "bpchar", "blob", "name"};
  return std::find(kTexts.begin(), kTexts.end(), column.base_type) != kTexts.end();
}

// What is read of one table, on either engine, as rows of text.
class TableQueries {
 public:
  using OnRow = std::function<Status(Cells)>;

  static Result<TableQueries> Open(const Source& source, const TableName& table) {
    TableQueries queries;
    if (source.engine == Engine::kSqlite) {
      COFFER_ASSIGN_OR_RETURN(queries.file_, SqliteReader::Open(source.location));
      queries.from_ = QuotedName(table.table);
      return queries;
    }
    COFFER_ASSIGN_OR_RETURN(queries.session_, PostgresSession::Open(source));
    COFFER_TRY(queries.session_->server().Execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    COFFER_ASSIGN_OR_RETURN(queries.table_, queries.session_->Lock(table));
    queries.from_ = queries.table_.name;
    return queries;
  }

  // Whether comparing and casting its values runs no code but the engine's.
  bool IsOwn(std::string_view column) const {
    if (file_ != nullptr) return true;
    const PostgresColumn* const found = table_.Find(column);
    return found != nullptr && found->is_own_type && !found->generated;
  }
  const std::string& from() const { return from_; }
  std::string AsTextOf(const std::string& column) const {
    return file_ != nullptr ? column : "pg_catalog.format('%s', " + column + ")";
  }
  std::string Integer(const std::string& expression) const {
    return file_ != nullptr ? expression : "(" + expression + ")::text";
  }

  Status Each(const std::string& sql, const OnRow& on_row) {
    if (file_ == nullptr) {
      return session_->server().Query(sql, {}, on_row);
    }
    COFFER_ASSIGN_OR_RETURN(SqliteQuery query, file_->Prepare(sql));
    std::vector<std::optional<ByteView>> cells(2);
    for (;;) {
      COFFER_ASSIGN_OR_RETURN(const bool more, query.Step());
      if (!more) return file_->Check();
      COFFER_ASSIGN_OR_RETURN(cells[0], query.Cell(0));
      COFFER_ASSIGN_OR_RETURN(cells[1], query.Cell(1));
      COFFER_TRY(on_row(cells));
    }
  }

 private:
  TableQueries() = default;

  std::unique_ptr<SqliteReader> file_;
  std::unique_ptr<PostgresSession> session_;
  PostgresTable table_;
  std::string from_;
};

Status CountColumn(TableQueries& queries, SchemaColumn& column) {
  const std::string name = QuotedName(column.name);
  ColumnFigures figures;
  figures.counted = true;
  std::uint64_t most = 0;
  const std::string groups =
      "(SELECT count(*) AS c FROM " + queries.from() + " WHERE " + name + " IS NOT NULL GROUP BY " + name + ") AS g";
  const std::string sql =
      "SELECT " + queries.Integer("coalesce(sum(c), 0)") + ", " + queries.Integer("count(*)") + " FROM " + groups;
  COFFER_TRY(queries.Each(sql, [&figures](Cells cells) -> Status {
    COFFER_ASSIGN_OR_RETURN(figures.rows, WholeNumber(cells[0]));
    COFFER_ASSIGN_OR_RETURN(figures.distinct, WholeNumber(cells[1]));
    return {};
  }));
  COFFER_TRY(queries.Each("SELECT " + queries.Integer("coalesce(max(c), 0)") + ", 0 FROM " + groups,
                          [&most](Cells cells) -> Status {
                            COFFER_ASSIGN_OR_RETURN(most, WholeNumber(cells[0]));
                            return {};
                          }));
  if (figures.rows == 0) return {};
  figures.top_share = static_cast<double>(most) / static_cast<double>(figures.rows);
  column.figures = figures;
  return {};
}

}  // namespace

Status CountFigures(const Source& source, SchemaTable& table, const std::vector<std::string>& columns) {
  COFFER_ASSIGN_OR_RETURN(TableQueries queries, TableQueries::Open(source, table.name));
  COFFER_TRY(queries.Each("SELECT " + queries.Integer("count(*)") + ", 0 FROM " + queries.from(),
                          [&table](Cells cells) -> Status {
                            COFFER_ASSIGN_OR_RETURN(table.rows, WholeNumber(cells[0]));
                            return {};
                          }));
  table.rows_are_known = table.rows_are_counted = true;
  for (SchemaColumn& column : table.columns) {
    const bool wanted = std::find(columns.begin(), columns.end(), column.name) != columns.end();
    const bool comparable = column.base_type != "json" && column.base_type != "xml";  // they have no equality
    if (wanted && comparable && queries.IsOwn(column.name)) COFFER_TRY(CountColumn(queries, column));
  }
  return {};
}

Result<std::map<std::string, Content>> SampleForms(const Source& source, const SchemaTable& table,
                                                   std::uint32_t limit) {
  std::map<std::string, Content> forms;
  COFFER_ASSIGN_OR_RETURN(TableQueries queries, TableQueries::Open(source, table.name));
  for (const SchemaColumn& column : table.columns) {
    if (!IsText(column) || column.generated || !queries.IsOwn(column.name)) continue;
    const std::string name = QuotedName(column.name);
    FormCounter counter;
    COFFER_TRY(queries.Each("SELECT " + queries.AsTextOf(name) + ", 0 FROM " + queries.from() + " WHERE " + name +
                                " IS NOT NULL LIMIT " + std::to_string(limit),
                            [&counter](Cells cells) -> Status {
                              if (cells[0]) counter.Add(*cells[0]);
                              return {};
                            }));
    const std::optional<Content> guess = counter.Guess();
    if (guess) forms.emplace(column.name, *guess);
  }
  return forms;
}

}  // namespace coffer::db
