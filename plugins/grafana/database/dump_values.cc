#include "plugins/grafana/database/dump_values.h"

#include <charconv>

#include "plugins/grafana/database/copy_text.h"
#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

using Kind = DumpToken::Kind;

constexpr int kDeepestCall = 4;  // sqlite3 writes two

// Reads past `symbol`.
Status Expect(DumpTokens& tokens, DumpToken& token, char symbol, KeepText keep) {
  if (!token.Is(symbol)) return token.kind == Kind::kEnd ? tokens.CutShort() : tokens.Malformed();
  return tokens.Next(token, keep);
}

std::string Replaced(const std::string& text, const std::string& from, char to) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t next = text.find(from); next != text.npos && !from.empty(); next = text.find(from, at)) {
    out.append(text, at, next - at);
    out += to;
    at = next + from.size();
  }
  return out.append(text, at);
}

Status TakeValue(DumpTokens& tokens, DumpToken& token, KeepText keep, int depth, DumpValue& value);

// Behind "replace(": value, string, char(n))
Status TakeReplace(DumpTokens& tokens, DumpToken& token, KeepText keep, int depth, DumpValue& value) {
  COFFER_TRY(TakeValue(tokens, token, keep, depth + 1, value));
  COFFER_TRY(Expect(tokens, token, ',', keep));
  if (token.kind != Kind::kString) return tokens.Malformed();
  const std::string from = std::move(token.text);
  COFFER_TRY(tokens.Next(token, KeepText::kNo));
  COFFER_TRY(Expect(tokens, token, ',', KeepText::kNo));
  if (!token.Is("char")) return tokens.Malformed();
  COFFER_TRY(tokens.Next(token, KeepText::kNo));
  COFFER_TRY(Expect(tokens, token, '(', KeepText::kNo));
  unsigned to = 0;
  const char* const end = token.text.data() + token.text.size();
  const auto read = std::from_chars(token.text.data(), end, to);
  if (token.kind != Kind::kNumber || read.ec != std::errc() || read.ptr != end || to > 0x7f) return tokens.Malformed();
  COFFER_TRY(tokens.Next(token, KeepText::kNo));
  COFFER_TRY(Expect(tokens, token, ')', KeepText::kNo));
  if (keep == KeepText::kYes) value.text = Replaced(value.text, from, static_cast<char>(to));
  return Expect(tokens, token, ')', KeepText::kNo);
}

Status TakeUnistr(DumpTokens& tokens, DumpToken& token, KeepText keep, DumpValue& value) {
  if (token.kind != Kind::kString) return tokens.Malformed();
  if (keep == KeepText::kYes && !AppendUnistr(token.text, value.text)) return tokens.Malformed();
  COFFER_TRY(tokens.Next(token, KeepText::kNo));
  return Expect(tokens, token, ')', KeepText::kNo);
}

Status TakeWordValue(DumpTokens& tokens, DumpToken& token, KeepText keep, int depth, DumpValue& value) {
  const std::string word = FoldedName(token.text);
  COFFER_TRY(tokens.Next(token, KeepText::kNo));
  value.is_null = word == "null" || word == "default";
  if (value.is_null) return {};
  if (word == "true" || word == "false") {
    value.text = word;
    return {};
  }
  if (depth == kDeepestCall || !token.Is('(')) return tokens.Malformed();
  COFFER_TRY(tokens.Next(token, keep));
  if (word == "replace") return TakeReplace(tokens, token, keep, depth, value);
  if (word == "unistr") return TakeUnistr(tokens, token, keep, value);
  return tokens.Malformed();
}

Status TakeValue(DumpTokens& tokens, DumpToken& token, KeepText keep, int depth, DumpValue& value) {
  value.is_null = false;
  value.text.clear();
  if (token.kind == Kind::kWord) return TakeWordValue(tokens, token, keep, depth, value);
  if (token.Is('-')) {
    value.text = "-";
    COFFER_TRY(tokens.Next(token, keep));
    if (token.kind != Kind::kNumber) return token.kind == Kind::kEnd ? tokens.CutShort() : tokens.Malformed();
  }
  switch (token.kind) {
    case Kind::kNumber:
      value.text += token.text;
      break;
    case Kind::kString:
    case Kind::kBytes:
      std::swap(value.text, token.text);
      break;
    case Kind::kEnd:
      return tokens.CutShort();
    case Kind::kName:
    case Kind::kSymbol:
    case Kind::kWord:
      return tokens.Malformed();
  }
  return tokens.Next(token, KeepText::kNo);
}

}  // namespace

Status TakeDumpValue(DumpTokens& tokens, DumpToken& token, KeepText keep, DumpValue& value) {
  return TakeValue(tokens, token, keep, 0, value);
}

}  // namespace coffer::grafana
