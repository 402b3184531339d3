#include <algorithm>

#include "cli/record_format.h"

namespace coffer::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kMaxCsvColumns = 4'096;

bool NeedsQuotes(std::string_view text) { return text.find_first_of("\",\r\n") != text.npos; }

std::string Unquoted(std::string_view cell) {
  if (!cell.starts_with('"')) return std::string(cell);
  std::string text;
  for (std::size_t i = 1; i + 1 < cell.size(); ++i) {
    if (cell[i] == '"') ++i;
    text += cell[i];
  }
  return text;
}

class Csv final : public RecordFormat {
 public:
  explicit Csv(std::string null_text) : null_text_(std::move(null_text)) {}

  Outcome<std::string> Begin(ByteSource& source, const std::vector<std::string>& columns) override {
    if (NeedsQuotes(null_text_)) return UsageFailure("CSV's NULL can have no quote, comma or line end");
    Record header;
    COFFER_ASSIGN_OR_RETURN(const bool more, ReadText(source, header));
    if (!more) return Failure(kExitFailed, "the input is empty: a CSV file begins with its header");
    const std::size_t start = header.text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    COFFER_ASSIGN_OR_RETURN(const std::vector<CellSpan> cells, Split(header, start));
    columns_ = cells.size();
    for (const std::string& column : columns) {
      COFFER_ASSIGN_OR_RETURN(const std::size_t index, Find(header, cells, column));
      wanted_.push_back(index);
    }
    COFFER_TRY(AppendHeader(header, cells));
    return std::move(header.text);
  }

  Outcome<bool> Read(ByteSource& source, Record& record) override {
    COFFER_ASSIGN_OR_RETURN(const bool more, ReadText(source, record));
    if (!more) return false;
    COFFER_ASSIGN_OR_RETURN(const std::vector<CellSpan> cells, Split(record, 0));
    if (cells.size() != columns_) return AtLine(record.line, "has not as many cells as the header");
    record.cells.clear();
    for (const std::size_t index : wanted_) record.cells.push_back(cells[index]);
    return true;
  }

  Outcome<CellValue> ValueOf(const Record& record, std::size_t column) const override {
    const CellSpan& cell = record.cells[column];
    const std::string_view text = std::string_view(record.text).substr(cell.offset, cell.size);
    if (text == null_text_ && !text.starts_with('"')) return CellValue{};
    return CellValue{CellValue::Kind::kText, Unquoted(text)};
  }

  std::string Written(const std::optional<std::string>& text) const override {
    if (!text) return null_text_;
    const bool plain = !NeedsQuotes(*text) && *text != null_text_;
    if (plain) return *text;
    std::string quoted = "\"";
    for (const char c : *text) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + "\"";
  }

  std::string WrittenAppended(std::span<const AppendedValue> values) const override {
    std::string text;
    for (const AppendedValue& value : values) text += "," + Written(TextOf(value));
    return text;
  }

 private:
  static std::optional<std::string> TextOf(const AppendedValue& value) {
    if (const auto* const number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* const text = std::get_if<std::string>(&value)) return *text;
    const auto* const numbers = std::get_if<std::vector<std::int64_t>>(&value);
    if (numbers == nullptr) return std::nullopt;
    std::string array;
    for (const std::int64_t number : *numbers) array += (array.empty() ? "{" : ",") + std::to_string(number);
    return array.empty() ? "{}" : array + "}";
  }

  Outcome<void> AppendHeader(Record& header, const std::vector<CellSpan>& cells) const {
    std::string names;
    for (const std::string& name : appended_) {
      for (const CellSpan& cell : cells) {
        if (Unquoted(std::string_view(header.text).substr(cell.offset, cell.size)) == name)
          return AtLine(header.line, "the header has the column " + name + " already");
      }
      names += "," + Written(name);
    }
    header.text.insert(header.end, names);
    return {};
  }

  // A record ends with the first line at whose end every quote is closed.
  static Outcome<bool> ReadText(ByteSource& source, Record& record) {
    record.text.clear();
    record.line = source.lines() + 1;
    bool open = false;
    for (;;) {
      const std::size_t before = record.text.size();
      COFFER_ASSIGN_OR_RETURN(const bool more, source.ReadLine(record.text));
      if (!more && open) return AtLine(record.line, "a quote is never closed");
      if (!more) return false;
      const auto quotes = std::count(record.text.begin() + static_cast<std::ptrdiff_t>(before), record.text.end(), '"');
      open ^= quotes % 2 != 0;
      if (!open) return true;
    }
  }

  // The end of the cell that begins at `start`: a comma, or `end`.
  static Outcome<std::size_t> CellEnd(const Record& record, std::size_t start, std::size_t end) {
    const std::string& text = record.text;
    if (start == end || text[start] != '"') {
      const std::size_t stop = std::min(text.find(',', start), end);
      if (std::string_view(text).substr(start, stop - start).find('"') != std::string_view::npos) {
        return AtLine(record.line, "has a quote inside a cell that is not quoted");
      }
      return stop;
    }
    std::size_t position = start + 1;
    while (text[position] != '"' || (position + 1 < end && text[position + 1] == '"')) {
      position += text[position] == '"' ? 2 : 1;
    }
    ++position;
    if (position < end && text[position] != ',') return AtLine(record.line, "has text behind a closing quote");
    return position;
  }

  static Outcome<std::vector<CellSpan>> Split(Record& record, std::size_t start) {
    std::size_t end = record.text.size();
    if (end > start && record.text[end - 1] == '\n') --end;
    if (end > start && record.text[end - 1] == '\r') --end;
    record.end = end;
    std::vector<CellSpan> cells;
    for (;;) {
      COFFER_ASSIGN_OR_RETURN(const std::size_t stop, CellEnd(record, start, end));
      cells.push_back({start, stop - start});
      if (stop >= end) return cells;
      if (cells.size() == kMaxCsvColumns) return AtLine(record.line, "has more than 4096 cells");
      start = stop + 1;
    }
  }

  static Outcome<std::size_t> Find(const Record& header, const std::vector<CellSpan>& cells,
                                   const std::string& column) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (Unquoted(std::string_view(header.text).substr(cells[i].offset, cells[i].size)) != column) continue;
      if (found) return AtLine(header.line, "the header has the column " + column + " twice");
      found = i;
    }
    if (!found) return AtLine(header.line, "the header has no column " + column);
    return *found;
  }

  std::string null_text_;
  std::size_t columns_ = 0;
  std::vector<std::size_t> wanted_;
};

}  // namespace

std::unique_ptr<RecordFormat> MakeCsv(std::string null_text) { return std::make_unique<Csv>(std::move(null_text)); }

}  // namespace coffer::cli
