#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/record_format.h"

namespace coffer::cli {
namespace {

using nlohmann::json;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// CSV that was redirected has no name to know it by.
Failure NoObject(const Record& record) {
  const auto first = std::find_if_not(record.text.begin(), record.text.end(), IsSpace);
  const bool could_be_csv = record.line == 1 && first != record.text.end() && *first != '{' && *first != '[';
  return AtLine(record.line, "is not a JSON object", could_be_csv ? "for CSV say --format csv" : "");
}

// Walks over a text that is known to be one valid JSON value, so that only structure is left to see.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  bool Take(char c) {
    SkipSpace();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  // Behind what was taken.
  std::size_t position() const { return position_; }

  bool AtEnd() {
    SkipSpace();
    return position_ == text_.size();
  }

  CellSpan TakeValue() {
    SkipSpace();
    const std::size_t start = position_;
    std::size_t depth = 0;
    do {
      const char c = text_[position_];
      if (c == '"') {
        SkipString();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++position_;
    } while (position_ < text_.size() && (depth > 0 || !EndsScalar()));
    return {start, position_ - start};
  }

 private:
  void SkipSpace() {
    while (position_ < text_.size() && IsSpace(text_[position_])) ++position_;
  }
  void SkipString() {
    for (++position_; text_[position_] != '"'; ++position_) {
      if (text_[position_] == '\\') ++position_;
    }
    ++position_;
  }
  bool EndsScalar() const {
    const char c = text_[position_];
    return c == ',' || c == '}' || c == ']' || c == ':' || IsSpace(c);
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

class JsonLines final : public RecordFormat {
 public:
  Outcome<std::string> Begin(ByteSource&, const std::vector<std::string>& columns) override {
    columns_ = columns;
    return std::string();
  }

  Outcome<bool> Read(ByteSource& source, Record& record) override {
    record.text.clear();
    COFFER_ASSIGN_OR_RETURN(const bool more, source.ReadLine(record.text));
    record.line = source.lines();
    if (!more) return false;
    if (!json::accept(record.text)) return NoObject(record);
    COFFER_TRY(FindCells(record));
    return true;
  }

  Outcome<CellValue> ValueOf(const Record& record, std::size_t column) const override {
    const CellSpan& cell = record.cells[column];
    const std::string_view text = std::string_view(record.text).substr(cell.offset, cell.size);
    if (text == "null") return CellValue{};
    if (text == "true" || text == "false") return CellValue{CellValue::Kind::kInteger, text == "true" ? "1" : "0"};
    if (text.starts_with('"')) return CellValue{CellValue::Kind::kText, json::parse(text).get<std::string>()};
    if (text.find_first_not_of("-0123456789") == text.npos)
      return CellValue{CellValue::Kind::kInteger, std::string(text)};
    return AtLine(record.line, "the value of " + columns_[column] + " is no string, integer, boolean or null");
  }

  std::string Written(const std::optional<std::string>& text) const override {
    if (!text) return "null";
    return json(*text).dump(-1, ' ', false, json::error_handler_t::replace);
  }

  // No record is without a column: one that is wanted is there.
  std::string WrittenAppended(std::span<const AppendedValue> values) const override {
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i)
      text += "," + Written(appended_[i]) + ":" + ToJson(values[i]).dump();
    return text;
  }

 private:
  static json ToJson(const AppendedValue& value) {
    if (const auto* const number = std::get_if<std::int64_t>(&value)) return *number;
    if (const auto* const text = std::get_if<std::string>(&value)) return *text;
    if (const auto* const numbers = std::get_if<std::vector<std::int64_t>>(&value)) return *numbers;
    return nullptr;
  }

  Outcome<void> FindCells(Record& record) const {
    record.cells.assign(columns_.size(), CellSpan{});
    Walker walker(record.text);
    if (!walker.Take('{')) return NoObject(record);
    if (!walker.Take('}')) {
      do {
        const CellSpan key = walker.TakeValue();
        walker.Take(':');
        COFFER_TRY(Keep(record, key, walker.TakeValue()));
        record.end = walker.position();
      } while (walker.Take(','));
      walker.Take('}');
    }
    // The library ends its input at a NUL and lets anything follow.
    if (!walker.AtEnd()) return NoObject(record);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (record.cells[i].size == 0) return AtLine(record.line, "has no key " + columns_[i]);
    }
    return {};
  }

  Outcome<void> Keep(Record& record, const CellSpan& key, const CellSpan& value) const {
    const auto name = json::parse(std::string_view(record.text).substr(key.offset, key.size)).get<std::string>();
    if (std::find(appended_.begin(), appended_.end(), name) != appended_.end()) {
      return AtLine(record.line, "has the key " + name + " already");
    }
    const auto found = std::find(columns_.begin(), columns_.end(), name);
    if (found == columns_.end()) return {};
    CellSpan& cell = record.cells[static_cast<std::size_t>(found - columns_.begin())];
    if (cell.size != 0) return AtLine(record.line, "has the key " + *found + " twice");
    cell = value;
    return {};
  }

  std::vector<std::string> columns_;
};

}  // namespace

std::unique_ptr<RecordFormat> MakeJsonLines() { return std::make_unique<JsonLines>(); }

}  // namespace coffer::cli
