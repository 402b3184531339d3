#include "plugins/grafana/database/dump_tokens.h"

#include <algorithm>
#include <array>

#include "plugins/grafana/database/copy_text.h"
#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

bool IsSpace(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsDigit(int c) { return c >= '0' && c <= '9'; }
bool IsLetter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80; }
bool IsTagCharacter(int c) { return IsLetter(c) || IsDigit(c); }
bool IsWordCharacter(int c) { return IsTagCharacter(c) || c == '$'; }

// Appends what may follow in a word, number or tag: of what does not fit, nothing.
template <typename Fits>
void TakeWhile(DumpInput& input, Fits fits, std::size_t keep_bytes, std::string& out) {
  for (std::string_view next = input.Available(); !next.empty(); next = input.Available()) {
    const auto end =
        std::find_if_not(next.begin(), next.end(), [&fits](char c) { return fits(static_cast<unsigned char>(c)); });
    const auto size = static_cast<std::size_t>(end - next.begin());
    out += next.substr(0, std::min(size, keep_bytes - std::min(keep_bytes, out.size())));
    input.Consume(size);
    if (end != next.end()) return;
  }
}

// pg_dump and pg_dumpall write these lines and no name can be made to look like one: they take line ends out of names.
int MarkOf(std::string_view comment) {
  if (comment == " PostgreSQL database dump" || comment == " PostgreSQL database cluster dump") return 1;
  if (comment == " PostgreSQL database dump complete" || comment == " PostgreSQL database cluster dump complete") {
    return -1;
  }
  return 0;
}

}  // namespace

bool DumpToken::Is(std::string_view keyword) const {
  if (kind != Kind::kWord || text.size() != keyword.size()) return false;
  return FoldedName(text) == keyword;
}

Error DumpTokens::Malformed() const {
  return Error(ErrorCode::kInvalidArgument, "the dump is not as pg_dump or sqlite3 writes one").AtLine(input_.line());
}

Error DumpTokens::CutShort() const {
  return Error(ErrorCode::kInvalidArgument, "the dump is cut short").AtLine(input_.line());
}

Status DumpTokens::First(DumpToken& token) { return Take(token, KeepText::kNo, true); }
Status DumpTokens::Next(DumpToken& token, KeepText keep) { return Take(token, keep, false); }

Status DumpTokens::Take(DumpToken& token, KeepText keep, bool comments_are_marks) {
  token.text.clear();
  token.symbol = 0;
  for (;;) {
    const int c = input_.Peek();
    if (c == DumpInput::kEnd) {
      token.kind = DumpToken::Kind::kEnd;
      return input_.status();
    }
    if (IsLetter(c)) return TakeWord(token, keep);
    if (IsDigit(c)) {
      token.kind = DumpToken::Kind::kNumber;
      TakeNumber(token.text);
      return {};
    }
    input_.Consume(1);
    if (IsSpace(c)) continue;
    Status comment;
    if (TakeComment(static_cast<char>(c), comments_are_marks, comment)) {
      COFFER_TRY(comment);
      continue;
    }
    const bool is_sqlite = dialect_ == DumpDialect::kSqlite;
    if (c == '\'') return TakeString(token, backslashes_ && !is_sqlite, keep);
    if (c == '"' || (is_sqlite && (c == '`' || c == '['))) {
      token.kind = DumpToken::Kind::kName;
      return TakeQuoted(c == '[' ? ']' : static_cast<char>(c), false, kMaxDumpName, token.text);
    }
    if (c == '$' && !is_sqlite) return SkipDollarQuoted(token);
    token.kind = DumpToken::Kind::kSymbol;
    token.symbol = static_cast<char>(c);
    return {};
  }
}

// Behind its first character, when it is one.
bool DumpTokens::TakeComment(char first, bool is_mark, Status& outcome) {
  if (first == '-' && input_.Take('-')) {
    TakeLineComment(is_mark);
    return true;
  }
  if (first == '/' && input_.Take('*')) {
    outcome = SkipBlockComment();
    return true;
  }
  return false;
}

void DumpTokens::TakeLineComment(bool is_mark) {
  if (!is_mark) return input_.SkipLine();
  constexpr std::size_t kLongerThanAnyMark = 64;
  std::string comment;
  TakeWhile(
      input_, [](int c) { return c != '\n'; }, kLongerThanAnyMark, comment);
  if (comment.ends_with('\r')) comment.pop_back();
  const int mark = MarkOf(comment);
  if (mark == 0 || dialect_ == DumpDialect::kSqlite) return;
  dialect_ = DumpDialect::kPostgres;
  open_dumps_ += mark;
}

// PostgreSQL's nest, SQLite's do not.
Status DumpTokens::SkipBlockComment() {
  for (int depth = 1; depth > 0;) {
    const int c = input_.Peek();
    if (c == DumpInput::kEnd) return CutShort();
    input_.Consume(1);
    if (c == '*' && input_.Take('/')) --depth;
    if (c == '/' && dialect_ != DumpDialect::kSqlite && input_.Take('*')) ++depth;
  }
  return {};
}

Status DumpTokens::TakeWord(DumpToken& token, KeepText keep) {
  token.kind = DumpToken::Kind::kWord;
  TakeWhile(input_, IsWordCharacter, kMaxDumpName, token.text);
  if (token.text.size() != 1 || input_.Peek() != '\'') return {};
  const char prefix = token.text.front();
  const bool is_sqlite = dialect_ == DumpDialect::kSqlite;
  const bool is_hex = prefix == 'x' || prefix == 'X';
  const bool is_escape = !is_sqlite && (prefix == 'e' || prefix == 'E');
  const bool is_other = !is_sqlite && (prefix == 'b' || prefix == 'B' || prefix == 'n' || prefix == 'N');
  if (!is_hex && !is_escape && !is_other) return {};
  input_.Consume(1);
  token.text.clear();
  COFFER_TRY(TakeString(token, is_escape, keep));
  if (!is_hex || !is_sqlite) return {};
  token.kind = DumpToken::Kind::kBytes;
  std::string bytes;
  if (!AppendHex(token.text, bytes)) return Malformed();
  token.text = std::move(bytes);
  return {};
}

void DumpTokens::TakeNumber(std::string& out) {
  const auto part = [](int c) { return IsWordCharacter(c) || c == '.'; };
  TakeWhile(input_, part, kMaxDumpRow, out);
  const bool is_exponent = out.size() < kMaxDumpName && (out.back() == 'e' || out.back() == 'E');
  if (!is_exponent || (input_.Peek() != '+' && input_.Peek() != '-')) return;
  out += static_cast<char>(input_.Peek());
  input_.Consume(1);
  TakeWhile(input_, part, kMaxDumpRow, out);
}

Status DumpTokens::TakeString(DumpToken& token, bool escapes, KeepText keep) {
  token.kind = DumpToken::Kind::kString;
  return TakeQuoted('\'', escapes, keep == KeepText::kYes ? kMaxDumpRow : 0, token.text);
}

// To the quote that is not doubled. Of a name, and of what is not kept, the rest is dropped.
Status DumpTokens::TakeQuoted(char quote, bool escapes, std::size_t keep_bytes, std::string& out) {
  const std::array<char, 2> quote_and_backslash = {quote, '\\'};
  const std::string_view ends(quote_and_backslash.data(), quote_and_backslash.size());
  for (std::string_view next = input_.Available(); !next.empty(); next = input_.Available()) {
    const std::size_t size = std::min(escapes ? next.find_first_of(ends) : next.find(quote), next.size());
    if (keep_bytes == kMaxDumpRow && out.size() + size > keep_bytes) {
      return Error(ErrorCode::kInvalidArgument, "a value of the dump is longer than allowed")
          .AtLine(input_.line())
          .WithLimit(keep_bytes);
    }
    out += next.substr(0, std::min(size, keep_bytes - std::min(keep_bytes, out.size())));
    if (size == next.size()) {
      input_.Consume(size);
      continue;
    }
    const char end = next[size];
    input_.Consume(size + 1);
    if (end == quote && !input_.Take(quote)) return {};
    if (end == quote && out.size() < keep_bytes) out += quote;
    if (end != quote) COFFER_TRY(TakeEscape(out));
    if (keep_bytes == 0) out.clear();
  }
  return CutShort();
}

// Behind the backslash of an E'...'.
Status DumpTokens::TakeEscape(std::string& out) {
  std::string escape;
  const int c = input_.Peek();
  if (c == DumpInput::kEnd) return CutShort();
  input_.Consume(1);
  escape += static_cast<char>(c);
  if (c == 'u' || c == 'U') return Malformed();  // pg_dump writes none
  const bool octal = c >= '0' && c <= '7';
  const std::size_t longest = octal || c == 'x' ? 3 : 1;
  while (escape.size() < longest) {
    const int digit = input_.Peek();
    const bool fits = octal ? digit >= '0' && digit <= '7' : digit != DumpInput::kEnd && HexDigit(digit) >= 0;
    if (!fits) break;
    escape += static_cast<char>(digit);
    input_.Consume(1);
  }
  AppendEscape(escape, out);
  return {};
}

// Behind the first '$'. No row has one: it becomes a symbol, as the '$' of a parameter does.
Status DumpTokens::SkipDollarQuoted(DumpToken& token) {
  token.kind = DumpToken::Kind::kSymbol;
  token.symbol = '$';
  std::string end = "$";
  if (!IsDigit(input_.Peek())) TakeWhile(input_, IsTagCharacter, kMaxDumpName, end);
  if (!input_.Take('$')) return {};
  end += '$';
  // A tag has no '$', so that only another '$' can begin anew.
  for (std::size_t matched = 0; matched < end.size();) {
    const int c = input_.Peek();
    if (c == DumpInput::kEnd) return CutShort();
    input_.Consume(1);
    const bool fits = static_cast<unsigned char>(end[matched]) == c;
    matched = fits ? matched + 1 : static_cast<std::size_t>(c == '$');
  }
  return {};
}

}  // namespace coffer::grafana
