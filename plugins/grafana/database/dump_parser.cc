#include "plugins/grafana/database/dump_parser.h"

#include "plugins/grafana/database/dump_row.h"
#include "plugins/grafana/database/dump_statements.h"
#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

using Kind = DumpToken::Kind;

constexpr std::string_view kCopyEnd = "\\.";

Error Misfit() {
  return Error(ErrorCode::kInvalidArgument, "a row of the dump has not as many values as its table has columns");
}

class Parser {
 public:
  Parser(DumpInput& input, std::span<const WantedTable> wanted, const OnRow& on_row)
      : input_(input), tokens_(input), tables_(wanted), row_(tables_, on_row) {}

  Result<std::vector<FoundTable>> Run() {
    const bool marked = input_.Take('\xef');  // a byte order mark
    if (marked && !(input_.Take('\xbb') && input_.Take('\xbf'))) return NoDump();
    for (;;) {
      COFFER_TRY(tokens_.First(token_));
      if (token_.kind == Kind::kEnd) break;
      COFFER_TRY(TakeStatement());
    }
    if (tokens_.dialect() == DumpDialect::kUnknown) return NoDump();
    if (tokens_.is_inside_dump() || in_transaction_) return tokens_.CutShort();
    return AtThisLine(tables_.TakeFound());
  }

 private:
  Error NoDump() const {
    return Error(ErrorCode::kInvalidArgument,
                 "is neither a SQLite database nor a whole dump of pg_dump's or of sqlite3's")
        .AtLine(input_.line());
  }
  Status Next(KeepText keep = KeepText::kYes) { return tokens_.Next(token_, keep); }
  Error Unexpected() const { return token_.kind == Kind::kEnd ? tokens_.CutShort() : tokens_.Malformed(); }
  Status Skip() { return SkipDumpStatement(tokens_, token_); }
  // An error without a line gets this one; `on_row`'s own are not for it.
  template <typename T>
  Result<T> AtThisLine(Result<T> result) const {
    if (result.ok()) return result;
    return Error(result.error()).AtLine(input_.line());
  }
  Result<std::optional<std::size_t>> TakeWantedName() {
    COFFER_ASSIGN_OR_RETURN(const std::string name, TakeDumpName(tokens_, token_));
    return tables_.Find(name);
  }
  Status SkipWords(int count) {
    for (; count > 0; --count) COFFER_TRY(Next(KeepText::kNo));
    return {};
  }

  // From its first token to its end.
  Status TakeStatement() {
    if (token_.Is('\\')) {  // psql's
      input_.SkipLine();
      return {};
    }
    if (token_.Is("set")) return TakeSet();
    if (token_.Is("begin")) return TakeBegin();
    if (token_.Is("pragma") || token_.Is("select") || token_.Is(';')) return Skip();
    if (tokens_.dialect() == DumpDialect::kUnknown) return NoDump();
    if (token_.Is("create")) return TakeCreate();
    if (token_.Is("copy")) return TakeCopy();
    if (token_.Is("insert")) return TakeInsert();
    if (token_.Is("commit")) in_transaction_ = false;
    if (token_.Is("rollback")) {
      return Error(ErrorCode::kInvalidArgument, "the dump is not whole: sqlite3 met an error when it wrote it")
          .AtLine(input_.line());
    }
    return Skip();
  }

  Status TakeBegin() {
    if (tokens_.dialect() == DumpDialect::kUnknown) tokens_.set_dialect(DumpDialect::kSqlite);
    in_transaction_ = true;
    return Skip();
  }

  // SET name = value, SET name TO value
  Status TakeSet() {
    COFFER_TRY(Next());
    const bool strings = token_.Is("standard_conforming_strings");
    const bool encoding = token_.Is("client_encoding");
    if (!strings && !encoding) return Skip();
    COFFER_TRY(Next());
    if (!token_.Is('=') && !token_.Is("to")) return Unexpected();
    COFFER_TRY(Next());
    if (!token_.IsName() && token_.kind != Kind::kString) return Unexpected();
    if (strings) tokens_.set_backslashes(token_.text == "off");
    // Others have backslashes inside their characters, and Grafana's JSON is UTF-8.
    if (encoding && token_.text != "UTF8" && token_.text != "SQL_ASCII") {
      return Error(ErrorCode::kInvalidArgument, "the dump is not in UTF8: dump it with --encoding=UTF8")
          .AtLine(input_.line());
    }
    return Skip();
  }

  // To the word behind what may stand before TABLE or VIEW: what these words make.
  Result<TableKind> TakeKind() {
    TableKind kind = TableKind::kTable;
    if (token_.Is("materialized")) kind = TableKind::kMaterializedView;
    if (token_.Is("foreign")) kind = TableKind::kForeignTable;
    if (token_.Is("virtual")) kind = TableKind::kVirtualTable;
    if (kind != TableKind::kTable || token_.Is("recursive")) COFFER_TRY(Next());
    return token_.Is("view") && kind == TableKind::kTable ? TableKind::kView : kind;
  }

  Status TakeCreate() {
    COFFER_TRY(Next());
    if (token_.Is("or")) COFFER_TRY(SkipWords(2));  // OR REPLACE
    const bool is_temporary = token_.Is("temp");
    if (is_temporary || token_.Is("unlogged")) COFFER_TRY(Next());
    COFFER_ASSIGN_OR_RETURN(const TableKind kind, TakeKind());
    if (token_.Is("function") || token_.Is("procedure") || token_.Is("trigger")) {
      return SkipDumpRoutine(tokens_, token_);
    }
    if (is_temporary || !(token_.Is("table") || token_.Is("view"))) return Skip();
    COFFER_TRY(Next());
    if (token_.Is("if")) {  // IF NOT EXISTS
      COFFER_TRY(SkipWords(2));
      COFFER_TRY(Next());
    }
    COFFER_ASSIGN_OR_RETURN(const auto table, TakeWantedName());
    if (table && kind != TableKind::kTable) COFFER_TRY(AtThisLine(tables_.DefineOther(*table, kind)));
    if (!table || kind != TableKind::kTable || !token_.Is('(')) return Skip();
    COFFER_ASSIGN_OR_RETURN(auto columns, TakeDumpColumns(tokens_, token_));
    COFFER_TRY(AtThisLine(tables_.Define(*table, std::move(columns), token_.Is("partition"))));
    return Skip();
  }

  Status TakeCopy() {
    COFFER_TRY(Next());
    COFFER_ASSIGN_OR_RETURN(const auto table, TakeWantedName());
    COFFER_ASSIGN_OR_RETURN(const auto columns, TakeColumnsIfAny());
    if (!token_.Is("from")) return Skip();
    COFFER_TRY(Next());
    if (!token_.Is("stdin")) return Skip();
    COFFER_TRY(Next());
    if (table && !token_.Is(';')) return Unexpected();  // another format
    COFFER_TRY(Skip());
    input_.SkipLine();
    if (!table) return SkipCopyData();
    COFFER_ASSIGN_OR_RETURN(const RowLayout* const layout, AtThisLine(tables_.Enter(*table, columns)));
    return TakeCopyData(*layout);
  }

  Result<std::vector<std::string>> TakeColumnsIfAny() {
    if (!token_.Is('(')) return std::vector<std::string>();
    return TakeDumpNames(tokens_, token_);
  }

  Status TakeCopyData(const RowLayout& layout) {
    for (;;) {
      COFFER_ASSIGN_OR_RETURN(const std::optional<std::string_view> line, input_.TakeLine(kMaxDumpRow));
      if (!line) return tokens_.CutShort();
      if (*line == kCopyEnd) return {};
      const Status fits = TakeCopyRow(layout, *line);
      if (!fits.ok()) return Error(fits.error()).AtLine(input_.line() - 1);
      COFFER_TRY(row_.Finish());
    }
  }

  Status TakeCopyRow(const RowLayout& layout, std::string_view line) {
    row_.Begin(layout);
    for (std::size_t i = 0; i < layout.places.size(); ++i) {
      const bool last = i + 1 == layout.places.size();
      const std::size_t end = line.find('\t');
      if (last != (end == line.npos)) return Misfit();
      COFFER_TRY(row_.AddField(layout.places[i], line.substr(0, end)));
      if (!last) line.remove_prefix(end + 1);
    }
    return {};
  }

  // To the line "\.", whatever the length of others.
  Status SkipCopyData() {
    while (!input_.Available().empty()) {
      const bool may_end = input_.Take('\\') && input_.Take('.');
      const int next = input_.Peek();
      const bool ends = may_end && (next == '\n' || next == '\r' || next == DumpInput::kEnd);
      input_.SkipLine();
      if (ends) return {};
    }
    return tokens_.CutShort();
  }

  // sqlite3's way to make a virtual table: (type, name, ...) VALUES ('table', 'NAME', ...
  Status TakeSchemaRow() {
    COFFER_TRY(TakeColumnsIfAny());
    if (!token_.Is("values")) return Unexpected();
    COFFER_TRY(SkipWords(3));
    if (!token_.Is(',')) return Unexpected();
    COFFER_TRY(Next());
    if (token_.kind != Kind::kString) return Unexpected();
    const auto table = tables_.Find(FoldedName(token_.text));
    if (table) COFFER_TRY(AtThisLine(tables_.DefineOther(*table, TableKind::kVirtualTable)));
    return Skip();
  }

  Status TakeInsert() {
    COFFER_TRY(Next());
    if (!token_.Is("into")) return Unexpected();
    COFFER_TRY(Next());
    COFFER_ASSIGN_OR_RETURN(const std::string name, TakeDumpName(tokens_, token_));
    const bool is_schema = name == "sqlite_schema" || name == "sqlite_master";
    if (is_schema && tokens_.dialect() == DumpDialect::kSqlite) return TakeSchemaRow();
    const auto table = tables_.Find(name);
    if (!table) return Skip();
    COFFER_ASSIGN_OR_RETURN(const auto columns, TakeColumnsIfAny());
    if (token_.Is("overriding")) COFFER_TRY(SkipWords(3));  // OVERRIDING SYSTEM VALUE
    if (!token_.Is("values")) return Unexpected();
    COFFER_ASSIGN_OR_RETURN(const RowLayout* const layout, AtThisLine(tables_.Enter(*table, columns)));
    do {
      COFFER_TRY(Next());
      COFFER_TRY(TakeTuple(*layout));
    } while (token_.Is(','));
    return Skip();  // ON CONFLICT DO NOTHING
  }

  // ( value, ... )
  Status TakeTuple(const RowLayout& layout) {
    if (!token_.Is('(')) return Unexpected();
    row_.Begin(layout);
    for (std::size_t i = 0; i < layout.places.size(); ++i) {
      const RowLayout::Place& place = layout.places[i];
      const KeepText keep = place.column == RowLayout::kNotWanted ? KeepText::kNo : KeepText::kYes;
      COFFER_TRY(Next(keep));
      COFFER_TRY(TakeDumpValue(tokens_, token_, keep, value_));
      COFFER_TRY(AtThisLine(row_.AddValue(place, value_)));
      const bool last = i + 1 == layout.places.size();
      if (token_.kind == Kind::kEnd) return tokens_.CutShort();
      if (!token_.Is(last ? ')' : ',')) return AtThisLine(Status(Misfit()));
    }
    COFFER_TRY(row_.Finish());
    return Next(KeepText::kNo);
  }

  DumpInput& input_;
  DumpTokens tokens_;
  DumpTables tables_;
  DumpRow row_;
  DumpToken token_;
  DumpValue value_;
  bool in_transaction_ = false;
};

}  // namespace

Result<std::vector<FoundTable>> ReadDump(DumpInput& input, std::span<const WantedTable> wanted, const OnRow& on_row) {
  auto found = Parser(input, wanted, on_row).Run();
  // What the parser says about an input that failed is about its being cut short there.
  if (!input.status().ok()) return input.status().error();
  return found;
}

}  // namespace coffer::grafana
