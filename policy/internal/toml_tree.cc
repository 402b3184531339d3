#include "policy/internal/toml_tree.h"

#include "crypto/bytes.h"
#include "policy/internal/toml_scalars.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;
using Origin = TomlNode::Entry::Origin;

struct KeyPart {
  std::string text;
  std::uint64_t line;
};

bool IsBareKeyCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool EndsWord(char c) { return std::string_view(" \t\r\n,]}#").find(c) != std::string_view::npos; }

// One pass over the text. The tree's nodes do not move: tables hold their entries by pointer.
class TomlReader {
 public:
  explicit TomlReader(std::string_view text) : text_(text) {}

  Result<TomlNode> Run() {
    TomlNode top = Table();
    TomlNode* current = &top;
    COFFER_TRY(SkipLines());
    while (!AtEnd()) {
      if (Peek() == '[') {
        COFFER_ASSIGN_OR_RETURN(current, ReadHeader(top));
      } else {
        COFFER_TRY(ReadPair(*current, 0));
      }
      SkipSpaces();
      COFFER_TRY(SkipComment());
      if (!AtEnd() && !TakeLineEnd()) return Refused("has something behind a value on its line");
      COFFER_TRY(SkipLines());
    }
    return top;
  }

 private:
  Error Refused(Literal message) const { return Error(ErrorCode::kInvalidArgument, message).AtLine(line_); }

  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\n' : text_[at_]; }  // an end of text ends everything that a line's end does
  bool Take(char c) {
    if (AtEnd() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeLineEnd() {
    if (text_.substr(at_, 2) == "\r\n") ++at_;
    if (!Take('\n')) return false;
    ++line_;
    return true;
  }
  void SkipSpaces() {
    while (Take(' ') || Take('\t')) {
    }
  }

  TomlNode Table() const {
    TomlNode node;
    node.kind = Kind::kTable;
    node.line = line_;
    return node;
  }

  // The next byte of a string or a comment.
  Status Plain() const {
    const auto byte = static_cast<unsigned char>(Peek());
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
      return Refused("holds a control character or a string without its end");
    return {};
  }

  Status SkipComment() {
    if (!Take('#')) return {};
    while (!AtEnd() && Peek() != '\n' && text_.substr(at_, 2) != "\r\n") {
      COFFER_TRY(Plain());
      ++at_;
    }
    return {};
  }

  // Empty lines and lines with comments only, and what stands before the first thing on a line.
  Status SkipLines() {
    do {
      SkipSpaces();
      COFFER_TRY(SkipComment());
    } while (TakeLineEnd());
    return {};
  }

  Result<std::string> ReadString() {
    const char quote = Peek();
    if (text_.substr(at_, 3) == std::string(3, quote))
      return Refused("uses a multi-line string, which has no place here");
    ++at_;
    std::string out;
    while (Peek() != quote) {
      COFFER_TRY(Plain());
      if (quote == '"' && Take('\\')) {
        COFFER_TRY(ReadEscape(out));
      } else {
        out += text_[at_++];
      }
    }
    ++at_;
    return out;
  }

  Status ReadEscape(std::string& out) {
    constexpr std::string_view kNames = "btnfr\"\\";
    constexpr std::string_view kMeanings = "\b\t\n\f\r\"\\";
    const char name = Peek();
    if (const std::size_t found = kNames.find(name); found != kNames.npos) {
      ++at_;
      out += kMeanings[found];
      return {};
    }
    const std::size_t width = name == 'u' ? 4 : name == 'U' ? 8 : 0;
    if (width == 0) return Refused("has an escape that TOML does not know");
    ++at_;
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < width; ++i, ++at_) {
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(Peek());
      if (digit == std::string_view::npos) return Refused("has an escape without its digits");
      code = code << 4 | static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    if (!AppendCodePoint(code, out)) return Refused("escapes what is no character");
    return {};
  }

  // "a", a or a.'b'.c; behind it stands what is not part of a key.
  Result<std::vector<KeyPart>> ReadKey() {
    std::vector<KeyPart> parts;
    do {
      if (parts.size() == kMaxTomlKeyParts)
        return Refused("has a key of more parts than allowed").WithLimit(kMaxTomlKeyParts);
      SkipSpaces();
      KeyPart part{"", line_};
      if (Peek() == '"' || Peek() == '\'') {
        COFFER_ASSIGN_OR_RETURN(part.text, ReadString());
      } else {
        while (IsBareKeyCharacter(Peek())) part.text += text_[at_++];
        if (part.text.empty()) return Refused("has no key where one belongs");
      }
      parts.push_back(std::move(part));
      SkipSpaces();
    } while (Take('.'));
    return parts;
  }

  static TomlNode::Entry* FindEntry(TomlNode& table, const std::string& key) {
    const auto found = table.entries.find(key);
    return found == table.entries.end() ? nullptr : found->second.get();
  }

  static TomlNode::Entry& AddEntry(TomlNode& table, KeyPart part, Origin origin, TomlNode value) {
    auto entry = std::make_unique<TomlNode::Entry>();
    entry->key_line = part.line;
    entry->origin = origin;
    entry->value = std::move(value);
    return *table.entries.emplace(std::move(part.text), std::move(entry)).first->second;
  }

  // [a."b"]: the table that the lines below belong to.
  Result<TomlNode*> ReadHeader(TomlNode& top) {
    ++at_;
    if (Peek() == '[') return Refused("uses a list of tables, which has no place here");
    COFFER_ASSIGN_OR_RETURN(std::vector<KeyPart> parts, ReadKey());
    if (!Take(']')) return Refused("has a table's name without its end");
    TomlNode* table = &top;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool last = i + 1 == parts.size();
      TomlNode::Entry* entry = FindEntry(*table, parts[i].text);
      if (entry == nullptr) {
        entry = &AddEntry(*table, std::move(parts[i]), last ? Origin::kHeader : Origin::kOnTheWay, Table());
      } else if (entry->origin == Origin::kValue || entry->origin == Origin::kDottedKey ||
                 (last && entry->origin == Origin::kHeader)) {
        return Refused("gives a key twice");
      } else if (last) {
        entry->origin = Origin::kHeader;
        entry->value.line = line_;
      }
      table = &entry->value;
    }
    return table;
  }

  // a.b = value
  Status ReadPair(TomlNode& into, std::size_t depth) {
    COFFER_ASSIGN_OR_RETURN(std::vector<KeyPart> parts, ReadKey());
    if (!Take('=')) return Refused("has a key without a value");
    SkipSpaces();
    TomlNode* table = &into;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      TomlNode::Entry* entry = FindEntry(*table, parts[i].text);
      if (entry == nullptr) {
        entry = &AddEntry(*table, std::move(parts[i]), Origin::kDottedKey, Table());
      } else if (entry->origin != Origin::kDottedKey) {
        return Refused("gives a key twice");
      }
      table = &entry->value;
    }
    if (FindEntry(*table, parts.back().text) != nullptr) return Refused("gives a key twice");
    COFFER_ASSIGN_OR_RETURN(TomlNode value, ReadValue(depth));
    AddEntry(*table, std::move(parts.back()), Origin::kValue, std::move(value));
    return {};
  }

  Result<TomlNode> ReadValue(std::size_t depth) {
    const char first = Peek();
    const std::uint64_t line = line_;
    if (first == '[' || first == '{') {
      if (depth == kMaxTomlDepth) return Refused("is nested more deeply than allowed").WithLimit(kMaxTomlDepth);
      return first == '[' ? ReadArray(depth + 1) : ReadInlineTable(depth + 1);
    }
    TomlNode node;
    if (first == '"' || first == '\'') {
      node.kind = Kind::kText;
      COFFER_ASSIGN_OR_RETURN(node.text, ReadString());
    } else {
      const std::size_t start = at_;
      while (!EndsWord(Peek())) {
        if (Peek() == '"' || Peek() == '\'' || Peek() == '[' || Peek() == '{')
          return Refused("has no value that is TOML");
        ++at_;
      }
      if (at_ == start) return Refused("has no value where one belongs");
      node = ParseTomlScalar(text_.substr(start, at_ - start));
    }
    node.line = line;
    return node;
  }

  Result<TomlNode> ReadArray(std::size_t depth) {
    TomlNode node;
    node.kind = Kind::kArray;
    node.line = line_;
    ++at_;
    COFFER_TRY(SkipLines());
    while (!Take(']')) {
      COFFER_ASSIGN_OR_RETURN(TomlNode item, ReadValue(depth));
      node.items.push_back(std::move(item));
      COFFER_TRY(SkipLines());
      if (Peek() != ']' && !Take(',')) return Refused("has a list without its end");
      COFFER_TRY(SkipLines());
    }
    return node;
  }

  Result<TomlNode> ReadInlineTable(std::size_t depth) {
    TomlNode node = Table();
    ++at_;
    SkipSpaces();
    if (Take('}')) return node;
    do {
      COFFER_TRY(ReadPair(node, depth));
      SkipSpaces();
    } while (Take(','));
    if (!Take('}')) return Refused("has an inline table without its end");
    return node;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
};

}  // namespace

const TomlNode* TomlNode::Find(std::string_view key) const {
  const auto found = entries.find(key);
  return found == entries.end() ? nullptr : &found->second->value;
}

Result<TomlNode> ParseToml(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed, in bytes").WithLimit(max_bytes);
  }
  if (!IsUtf8(text)) return Error(ErrorCode::kInvalidArgument, "is not UTF-8");
  return TomlReader(text).Run();
}

}  // namespace coffer::policy
