// CSV: what our reader takes, a plain state machine reads the same, and replaced cells come back as they were given.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "crypto/bytes.h"
#include "tests/fuzz/record_fuzz.h"

namespace coffer::cli {
namespace {

struct PlainCell {
  std::string text;
  bool quoted = false;
};
using Rows = std::vector<std::vector<PlainCell>>;

// RFC 4180 one character at a time. Right for rows that are well formed, and for others without meaning. The header is
// there always: behind a byte order mark that stands alone, it is one column without a name.
Rows RowsOf(std::string_view text) {
  Rows rows;
  bool open = false;
  bool fresh = true;  // a row begins here
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (fresh) rows.emplace_back(1);
    fresh = false;
    PlainCell& cell = rows.back().back();
    const char c = text[i];
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n';
    if (c == '"' && open && i + 1 < text.size() && text[i + 1] == '"') {
      cell.text += text[i++];
    } else if (c == '"') {
      open = !open;
      cell.quoted = true;
    } else if (open) {
      cell.text += c;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\n') {
      fresh = true;
    } else if (c != '\r' || !at_end) {
      cell.text += c;
    }
  }
  if (rows.empty()) rows.emplace_back(1);
  return rows;
}

std::size_t IndexOf(const std::vector<PlainCell>& header, const std::string& column) {
  const auto named = [&column](const PlainCell& cell) { return cell.text == column; };
  COFFER_CHECK(std::count_if(header.begin(), header.end(), named) == 1);
  return static_cast<std::size_t>(std::find_if(header.begin(), header.end(), named) - header.begin());
}

void CheckValues(const RecordFormat& format, const Taken& taken, const Rows& rows,
                 const std::vector<std::string>& columns, const std::string& null_text) {
  COFFER_CHECK(rows.size() > taken.records.size());
  std::vector<std::size_t> indexes;
  for (const std::string& column : columns) indexes.push_back(IndexOf(rows[0], column));
  for (std::size_t i = 0; i < taken.records.size(); ++i) {
    const std::vector<PlainCell>& row = rows[i + 1];
    COFFER_CHECK(row.size() == rows[0].size());
    for (std::size_t column = 0; column < indexes.size(); ++column) {
      const PlainCell& cell = row[indexes[column]];
      const bool null = !cell.quoted && cell.text == null_text;
      const auto value = format.ValueOf(taken.records[i], column);
      COFFER_CHECK(value.ok());
      COFFER_CHECK(value->kind == (null ? CellValue::Kind::kNull : CellValue::Kind::kText));
      COFFER_CHECK(value->text == (null ? "" : cell.text));
    }
  }
}

void Check(const std::string& text, const std::vector<std::string>& columns, const std::string& null_text) {
  const MakeFormat make = [&null_text] { return MakeCsv(null_text); };
  const auto format = make();
  const auto taken = Take(*format, text, columns);
  if (!taken) return;
  const std::string_view mark = "\xef\xbb\xbf";
  const std::string_view whole = text;
  CheckValues(*format, *taken, RowsOf(whole.substr(whole.starts_with(mark) ? mark.size() : 0)), columns, null_text);
  if (!columns.empty()) CheckReplacing(make, *taken, columns, text);
}

}  // namespace
}  // namespace coffer::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(coffer::AsText(std::as_bytes(std::span(data, size))));
  coffer::cli::Check(text, {}, "");
  for (const std::string null_text : {"", "NULL"}) {
    coffer::cli::Check(text, {"a"}, null_text);
    coffer::cli::Check(text, {"b", "a"}, null_text);
  }
  return 0;
}
