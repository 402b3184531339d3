#include "tests/fuzz/record_fuzz.h"

#include <algorithm>

#include "crypto/bytes.h"

namespace coffer::cli {
namespace {

// Which of a record's columns are replaced.
enum class Which { kFirst, kLast, kAll };

// Ascending, apart from each other and inside the text.
void CheckSpans(const Record& record) {
  std::vector<CellSpan> cells = record.cells;
  std::sort(cells.begin(), cells.end(), [](const CellSpan& a, const CellSpan& b) { return a.offset < b.offset; });
  std::size_t end = 0;
  for (const CellSpan& cell : cells) {
    COFFER_CHECK(cell.offset >= end && cell.offset <= record.text.size());
    COFFER_CHECK(cell.size <= record.text.size() - cell.offset);
    end = cell.offset + cell.size;
  }
}

// The record without the cells that were asked for.
std::string Around(const Record& record) {
  std::vector<CellSpan> cells = record.cells;
  std::sort(cells.begin(), cells.end(), [](const CellSpan& a, const CellSpan& b) { return a.offset > b.offset; });
  std::string text = record.text;
  for (const CellSpan& cell : cells) text.erase(cell.offset, cell.size);
  return text;
}

// Values that a format may trip over; the input itself is one of them.
std::vector<std::optional<std::string>> NastyValues(const std::string& text) {
  std::vector<std::optional<std::string>> values = {
      std::nullopt, "",     "NULL",         "null",     "\"", "\"\"", "a,b", "\r",
      "x\n",        "\\u0", "\xef\xbb\xbf", "\xc3\xa9", " ",  "\t",   "'",   std::string("\0\x01\x7f", 3)};
  if (IsUtf8(text)) values.emplace_back(text);
  return values;
}

std::vector<Replacement> ReplacementsOf(std::size_t record, std::size_t columns, Which which,
                                        const std::vector<std::optional<std::string>>& values) {
  std::vector<Replacement> replacements;
  for (std::size_t column = columns; column-- > 0;) {
    const bool wanted = which == Which::kAll || column == (which == Which::kFirst ? 0 : columns - 1);
    if (wanted) replacements.push_back({column, values[(record + column) % values.size()]});
  }
  return replacements;
}

void CheckReplaced(const RecordFormat& format, const Record& before, const Record& after,
                   const std::vector<Replacement>& replacements) {
  // Without a line end, a record that has become empty would be none.
  const bool ended = Around(before).empty() && after.text == "\n";
  COFFER_CHECK(ended || Around(after) == Around(before));
  for (std::size_t column = 0; column < before.cells.size(); ++column) {
    const auto replacement = std::find_if(replacements.begin(), replacements.end(),
                                          [column](const Replacement& each) { return each.column == column; });
    if (replacement == replacements.end()) {
      COFFER_CHECK(CellText(after, column) == CellText(before, column));
      continue;
    }
    const auto value = format.ValueOf(after, column);
    COFFER_CHECK(value.ok());
    COFFER_CHECK(value->kind == (replacement->text ? CellValue::Kind::kText : CellValue::Kind::kNull));
    COFFER_CHECK(value->text == replacement->text.value_or(""));
  }
}

}  // namespace

std::string_view CellText(const Record& record, std::size_t column) {
  const CellSpan& cell = record.cells[column];
  return std::string_view(record.text).substr(cell.offset, cell.size);
}

std::optional<Taken> Take(RecordFormat& format, const std::string& text, const std::vector<std::string>& columns) {
  ByteSource source = ByteSource::Of(text);
  auto header = format.Begin(source, columns);
  if (!header.ok()) {
    COFFER_CHECK(header.error().exit_code == kExitFailed);
    return std::nullopt;
  }
  Taken taken{std::move(*header), {}};
  std::string written = taken.header;
  std::uint64_t line = source.lines();
  for (;;) {
    Record record;
    const auto more = format.Read(source, record);
    if (!more.ok()) {
      COFFER_CHECK(more.error().sentence.starts_with("line " + std::to_string(line + 1) + ": "));
      COFFER_CHECK(text.starts_with(written));
      return taken;
    }
    if (!*more) break;
    COFFER_CHECK(record.line == line + 1 && record.cells.size() == columns.size());
    CheckSpans(record);
    written += Rewritten(format, record, {});
    line = source.lines();
    taken.records.push_back(std::move(record));
  }
  COFFER_CHECK(written == text);
  return taken;
}

void CheckReplacing(const MakeFormat& make, const Taken& taken, const std::vector<std::string>& columns,
                    const std::string& text) {
  const std::vector<std::optional<std::string>> values = NastyValues(text);
  for (const Which which : {Which::kFirst, Which::kLast, Which::kAll}) {
    const auto format = make();
    std::string written = taken.header;
    for (std::size_t i = 0; i < taken.records.size(); ++i) {
      written += Rewritten(*format, taken.records[i], ReplacementsOf(i + text.size(), columns.size(), which, values));
    }
    const auto again = Take(*format, written, columns);
    COFFER_CHECK(again && again->records.size() == taken.records.size());
    for (std::size_t i = 0; i < taken.records.size(); ++i) {
      CheckReplaced(*format, taken.records[i], again->records[i],
                    ReplacementsOf(i + text.size(), columns.size(), which, values));
    }
  }
}

}  // namespace coffer::cli
