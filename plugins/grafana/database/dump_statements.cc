#include "plugins/grafana/database/dump_statements.h"

#include <algorithm>
#include <array>

#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

using Kind = DumpToken::Kind;

constexpr std::size_t kMostColumns = 32'767;  // SQLite's limit; PostgreSQL's is lower

Error Unexpected(const DumpTokens& tokens, const DumpToken& token) {
  return token.kind == Kind::kEnd ? tokens.CutShort() : tokens.Malformed();
}

Status Skip(DumpTokens& tokens, DumpToken& token) { return tokens.Next(token, KeepText::kNo); }

// Counts parentheses; false at the ';' outside of them, and behind the last ')' too many.
class Depth {
 public:
  bool IsOutside() const { return depth_ <= 0; }
  void Count(const DumpToken& token) {
    if (token.Is('(')) ++depth_;
    if (token.Is(')')) --depth_;
  }

 private:
  int depth_ = 0;
};

// A table's constraint: these words are reserved, so that a column of the name would be in quotes.
bool BeginsConstraint(const DumpToken& token) {
  constexpr std::array<std::string_view, 6> kWords = {"constraint", "primary", "unique", "check", "foreign", "not"};
  return std::any_of(kWords.begin(), kWords.end(), [&token](std::string_view word) { return token.Is(word); });
}

// To the ',' or ')' that ends an element of a list in parentheses. True: it has an AS, outside of its own.
Result<bool> SkipElement(DumpTokens& tokens, DumpToken& token) {
  bool has_as = false;
  Depth depth;
  while (!(depth.IsOutside() && (token.Is(',') || token.Is(')')))) {
    if (token.kind == Kind::kEnd || token.Is(';')) return Unexpected(tokens, token);
    has_as = has_as || (depth.IsOutside() && token.Is("as"));
    depth.Count(token);
    COFFER_TRY(Skip(tokens, token));
  }
  return has_as;
}

std::string NameOf(const DumpTokens& tokens, const DumpToken& token) {
  const bool exact = token.kind == Kind::kName && tokens.dialect() != DumpDialect::kSqlite;
  return exact ? token.text : FoldedName(token.text);
}

// Nothing for a column that sqlite3 leaves out of the rows: one that is generated.
Result<std::optional<DumpColumn>> TakeColumn(DumpTokens& tokens, DumpToken& token) {
  if (!token.IsName()) return Unexpected(tokens, token);
  DumpColumn column{NameOf(tokens, token)};
  COFFER_TRY(Skip(tokens, token));
  const bool bytea = token.Is("bytea");
  if (tokens.dialect() == DumpDialect::kPostgres && (bytea || token.Is("boolean"))) {
    COFFER_TRY(Skip(tokens, token));
    if (!token.Is('[')) column.type = bytea ? DumpType::kBytea : DumpType::kBoolean;
  }
  COFFER_ASSIGN_OR_RETURN(const bool is_generated, SkipElement(tokens, token));
  if (is_generated && tokens.dialect() == DumpDialect::kSqlite) return std::optional<DumpColumn>();
  return std::optional(std::move(column));
}

}  // namespace

Status SkipDumpStatement(DumpTokens& tokens, DumpToken& token) {
  for (Depth depth; !(token.Is(';') && depth.IsOutside());) {
    if (token.kind == Kind::kEnd) return tokens.CutShort();
    depth.Count(token);
    COFFER_TRY(Skip(tokens, token));
  }
  return {};
}

// A body ends with an END that begins one of its statements; the END of a CASE does not.
Status SkipDumpRoutine(DumpTokens& tokens, DumpToken& token) {
  const bool atomic = tokens.dialect() == DumpDialect::kPostgres;
  bool in_body = false;
  bool after_begin = false;
  bool at_statement = false;
  bool after_end = false;
  for (Depth depth;; depth.Count(token)) {
    if (token.kind == Kind::kEnd) return tokens.CutShort();
    const bool semicolon = token.Is(';') && depth.IsOutside();
    if (semicolon && (!in_body || after_end)) return {};
    after_end = in_body && at_statement && token.Is("end");
    at_statement = in_body && semicolon;
    const bool begins =
        !in_body && depth.IsOutside() && (atomic ? after_begin && token.Is("atomic") : token.Is("begin"));
    in_body = in_body || begins;
    at_statement = at_statement || begins;
    after_begin = token.Is("begin");
    COFFER_TRY(Skip(tokens, token));
  }
}

Result<std::string> TakeDumpName(DumpTokens& tokens, DumpToken& token) {
  for (;;) {
    const bool is_quoted = token.kind == Kind::kString && tokens.dialect() == DumpDialect::kSqlite;
    if (!token.IsName() && !is_quoted) return Unexpected(tokens, token);
    std::string name = NameOf(tokens, token);
    COFFER_TRY(Skip(tokens, token));
    if (!token.Is('.')) return name;
    COFFER_TRY(Skip(tokens, token));
  }
}

Result<std::vector<std::string>> TakeDumpNames(DumpTokens& tokens, DumpToken& token) {
  std::vector<std::string> names;
  if (!token.Is('(')) return Unexpected(tokens, token);
  while (!token.Is(')')) {
    COFFER_TRY(Skip(tokens, token));
    COFFER_ASSIGN_OR_RETURN(std::string name, TakeDumpName(tokens, token));
    names.push_back(std::move(name));
    if (names.size() > kMostColumns || (!token.Is(',') && !token.Is(')'))) return Unexpected(tokens, token);
  }
  COFFER_TRY(Skip(tokens, token));
  return names;
}

Result<std::vector<DumpColumn>> TakeDumpColumns(DumpTokens& tokens, DumpToken& token) {
  std::vector<DumpColumn> columns;
  if (!token.Is('(')) return Unexpected(tokens, token);
  while (!token.Is(')')) {
    COFFER_TRY(Skip(tokens, token));
    if (columns.empty() && token.Is(')')) break;
    if (BeginsConstraint(token)) {
      COFFER_TRY(SkipElement(tokens, token));
      continue;
    }
    COFFER_ASSIGN_OR_RETURN(std::optional<DumpColumn> column, TakeColumn(tokens, token));
    if (column) columns.push_back(*std::move(column));
    if (columns.size() > kMostColumns) return Unexpected(tokens, token);
  }
  COFFER_TRY(Skip(tokens, token));
  return columns;
}

}  // namespace coffer::grafana
