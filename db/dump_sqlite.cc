// SQLite: statements as they were written, and a row an INSERT. CHECKs are not asked while it is restored.
#include <algorithm>
#include <optional>

#include "db/dump.h"
#include "db/mask.h"
#include "io/sqlite_reader.h"

namespace coffer::db {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr std::uint64_t kMostInteger = 9'223'372'036'854'775'807;

// The shell ends a statement's text at a NUL.
std::string CellText(std::string_view text) {
  if (text.find('\0') != text.npos) return "CAST(x'" + ToHex(AsBytes(text)) + "' AS TEXT)";
  return SqlText(text);
}

class SqliteDump {
 public:
  SqliteDump(SqliteReader& reader, const Schema& schema, const DumpOptions& options, const DumpSink& sink)
      : reader_(reader), schema_(schema), options_(options), sink_(sink) {}

  Result<DumpReport> Run();

 private:
  static Result<std::string> Text(const SqliteQuery& row, int column);
  Status Write(std::string_view text);
  Status WriteTables();
  Status WriteRows(const SchemaTable& table, const TableRedaction& redaction);
  Status WriteSequence();
  Status WriteOthers();
  Status NameVirtualTables();
  Status WriteStatement(const SqliteQuery& row, int name, int sql);
  std::string Cell(std::string_view type, ByteView value, const ColumnMask* mask);

  SqliteReader& reader_;
  const Schema& schema_;
  const DumpOptions& options_;
  const DumpSink& sink_;
  Redaction redaction_;
  Masker masker_;
  DumpReport report_;
  std::string waiting_;
  std::uint64_t placeholders_ = 0;
};

Result<std::string> SqliteDump::Text(const SqliteQuery& row, int column) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<ByteView> cell, row.Cell(column));
  return std::string(AsText(cell.value_or(ByteView())));
}

Status SqliteDump::Write(std::string_view text) {
  waiting_ += text;
  if (waiting_.size() < kPiece) return {};
  COFFER_TRY(sink_(waiting_));
  waiting_.clear();
  if (options_.on_progress) options_.on_progress(report_.rows);
  return {};
}

// A statement of the file could end early and go on with the shell's own commands, which begin with a dot.
Status SqliteDump::WriteStatement(const SqliteQuery& row, int name, int sql) {
  COFFER_ASSIGN_OR_RETURN(const std::string shown, Text(row, name));
  COFFER_ASSIGN_OR_RETURN(const std::string statement, Text(row, sql));
  if (statement.find("\n.") != std::string::npos || statement.find('\0') != std::string::npos) {
    return Error(ErrorCode::kInvalidArgument,
                 "its statement has a line that a shell would take for a command of its own")
        .At(shown);
  }
  return Write(statement + ";\n");
}

// `value` is SQLite's text of it, of a REAL the shortest that reads back.
std::string SqliteDump::Cell(std::string_view type, ByteView value, const ColumnMask* mask) {
  const std::string_view text = AsText(value);
  if (mask == nullptr) {
    if (type == "blob") return "x'" + ToHex(value) + "'";
    return type == "text" ? CellText(text) : std::string(text);
  }
  if (mask->kind == MaskKind::kNull) return "NULL";
  if (type == "integer") return masker_.Number(text, kMostInteger);
  if (type == "real") {
    const std::string number = masker_.Number(text, kMostInteger);
    return number.find_first_not_of("0123456789.eE+-") == number.npos ? number : "0.0";
  }
  if (type == "text") {
    return CellText(mask->kind == MaskKind::kByValue ? masker_.Text(text, mask->length_max) : masker_.Opaque(text, 0));
  }
  const bool placeholder = mask->kind == MaskKind::kCiphertext;
  return "x'" + ToHex(AsBytes(placeholder ? PlaceholderCiphertext(++placeholders_) : masker_.Bytes(value))) + "'";
}

Status SqliteDump::WriteRows(const SchemaTable& table, const TableRedaction& redaction) {
  std::string columns;
  std::string cells;
  std::vector<const ColumnMask*> masks;
  for (const SchemaColumn& column : table.columns) {
    if (column.generated) continue;
    const std::string name = QuotedName(column.name);
    masks.push_back(redaction.Find(column.name));
    columns += (columns.empty() ? "" : ", ") + name;
    cells += (cells.empty() ? "" : ", ") + ("typeof(" + name + "), CASE typeof(" + name + ") WHEN 'real' THEN quote(" +
                                            name + ") ELSE " + name + " END");
  }
  const std::string table_name = QuotedName(table.name.table);
  COFFER_ASSIGN_OR_RETURN(SqliteQuery query, reader_.Prepare("SELECT " + cells + " FROM " + table_name));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return {};
    std::string row = "INSERT INTO " + table_name + " (" + columns + ") VALUES (";
    for (std::size_t i = 0; i < masks.size(); ++i) {
      COFFER_ASSIGN_OR_RETURN(const std::string type, Text(query, static_cast<int>(2 * i)));
      COFFER_ASSIGN_OR_RETURN(const std::optional<ByteView> value, query.Cell(static_cast<int>(2 * i + 1)));
      if (i > 0) row += ", ";
      row += value ? Cell(type, *value, masks[i]) : "NULL";
    }
    ++report_.rows;
    COFFER_TRY(Write(row + ");\n"));
  }
}

Status SqliteDump::WriteTables() {
  COFFER_ASSIGN_OR_RETURN(SqliteQuery statements,
                          reader_.Prepare("SELECT s.name, s.sql FROM sqlite_schema s JOIN pragma_table_list t ON"
                                          " t.name = s.name AND t.schema = 'main' WHERE s.type = 'table' AND"
                                          " t.type = 'table' AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                                          " ORDER BY s.rowid"));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool more, statements.Step());
    if (!more) return {};
    COFFER_TRY(WriteStatement(statements, 0, 1));
    COFFER_ASSIGN_OR_RETURN(const std::string name, Text(statements, 0));
    const SchemaTable* const table = schema_.Find({"", name});
    if (table == nullptr) {
      return Error(ErrorCode::kConflict, "was made while the database was looked at: try again").At(name);
    }
    const TableRedaction& redaction = redaction_.tables[static_cast<std::size_t>(table - schema_.tables.data())];
    if (!redaction.masks.empty() || redaction.omits_rows) report_.tables.push_back(redaction);
    if (!redaction.omits_rows) COFFER_TRY(WriteRows(*table, redaction));
  }
}

// The counters of AUTOINCREMENT.
Status SqliteDump::WriteSequence() {
  COFFER_ASSIGN_OR_RETURN(const std::optional<SqliteColumns> columns, reader_.ColumnsOf("sqlite_sequence"));
  if (!columns) return {};
  COFFER_TRY(Write("DELETE FROM sqlite_sequence;\n"));
  COFFER_ASSIGN_OR_RETURN(SqliteQuery rows, reader_.Prepare("SELECT name, seq FROM sqlite_sequence"));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return {};
    COFFER_ASSIGN_OR_RETURN(const std::string name, Text(rows, 0));
    COFFER_TRY(Write("INSERT INTO sqlite_sequence (name, seq) VALUES (" + CellText(name) + ", " +
                     std::to_string(rows.Integer(1)) + ");\n"));
  }
}

Status SqliteDump::WriteOthers() {
  COFFER_ASSIGN_OR_RETURN(SqliteQuery statements,
                          reader_.Prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger',"
                                          " 'view') AND sql IS NOT NULL AND tbl_name NOT IN (SELECT name FROM"
                                          " pragma_table_list WHERE schema = 'main' AND type IN ('virtual', 'shadow'))"
                                          " ORDER BY type = 'trigger', rowid"));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool more, statements.Step());
    if (!more) return {};
    COFFER_TRY(WriteStatement(statements, 0, 1));
  }
}

Status SqliteDump::NameVirtualTables() {
  COFFER_ASSIGN_OR_RETURN(SqliteQuery tables, reader_.Prepare("SELECT count(*) FROM pragma_table_list WHERE"
                                                              " schema = 'main' AND type = 'virtual'"));
  COFFER_ASSIGN_OR_RETURN(const bool row, tables.Step());
  if (row && tables.Integer(0) > 0) {
    report_.left_out.push_back(std::to_string(tables.Integer(0)) + " virtual table(s), full-text indexes for example");
  }
  return {};
}

Result<DumpReport> SqliteDump::Run() {
  COFFER_ASSIGN_OR_RETURN(redaction_, PlanRedaction(schema_, options_.redact));
  COFFER_TRY(NameVirtualTables());
  COFFER_TRY(Write("PRAGMA foreign_keys = OFF;\nPRAGMA ignore_check_constraints = ON;\nBEGIN TRANSACTION;\n"));
  COFFER_TRY(WriteTables());
  COFFER_TRY(WriteSequence());
  COFFER_TRY(WriteOthers());
  COFFER_TRY(Write("COMMIT;\nPRAGMA ignore_check_constraints = OFF;\n"));
  COFFER_TRY(sink_(waiting_));
  COFFER_TRY(reader_.Check());
  return std::move(report_);
}

}  // namespace

Result<DumpReport> DumpSqlite(const Source& source, const DumpOptions& options, const DumpSink& sink) {
  COFFER_ASSIGN_OR_RETURN(const Schema schema, ReadSqliteSchema(source.location));
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteReader> reader, SqliteReader::Open(source.location));
  return SqliteDump(*reader, schema, options, sink).Run();
}

}  // namespace coffer::db
