// JSON Lines: what our reader takes, the library reads the same, and replaced values come back as they were given.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "crypto/bytes.h"
#include "tests/fuzz/record_fuzz.h"

namespace coffer::cli {
namespace {

using nlohmann::json;
using Kind = CellValue::Kind;

bool IsInteger(std::string_view text) {
  return text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) == text.npos;
}

void CheckValue(const Outcome<CellValue>& value, const json& expected, std::string_view written) {
  const bool fits = !expected.is_structured() && (!expected.is_number() || IsInteger(written));
  COFFER_CHECK(value.ok() == fits);
  if (!fits) return;
  if (expected.is_null()) COFFER_CHECK(value->kind == Kind::kNull);
  if (expected.is_string()) COFFER_CHECK(value->kind == Kind::kText && value->text == expected.get<std::string>());
  if (expected.is_number()) COFFER_CHECK(value->kind == Kind::kInteger && value->text == written);
  if (expected.is_boolean()) {
    COFFER_CHECK(value->kind == Kind::kInteger && value->text == (expected.get<bool>() ? "1" : "0"));
  }
}

void CheckRecord(const RecordFormat& format, const Record& record, const std::vector<std::string>& columns) {
  // RFC 8259: within a line, a control character is a tab, a carriage return, or not JSON.
  COFFER_CHECK(record.text.find('\n') >= record.text.size() - 1);
  COFFER_CHECK(std::none_of(record.text.begin(), record.text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n';
  }));
  const json whole = json::parse(record.text);
  COFFER_CHECK(whole.is_object());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    COFFER_CHECK(whole.contains(columns[i]));
    const json& expected = whole[columns[i]];
    const std::string_view written = CellText(record, i);
    const json alone = json::parse(written);
    // Comparing trees recurses, and a tree may be deep.
    COFFER_CHECK(alone.type() == expected.type() && alone.size() == expected.size());
    COFFER_CHECK(alone.is_structured() || alone == expected);
    CheckValue(format.ValueOf(record, i), expected, written);
  }
}

void Check(const std::string& text, const std::vector<std::string>& columns) {
  const auto format = MakeJsonLines();
  const auto taken = Take(*format, text, columns);
  COFFER_CHECK(taken && taken->header.empty());
  for (const Record& record : taken->records) CheckRecord(*format, record, columns);
  if (!columns.empty()) CheckReplacing(MakeJsonLines, *taken, columns, text);
}

}  // namespace
}  // namespace coffer::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(coffer::AsText(std::as_bytes(std::span(data, size))));
  coffer::cli::Check(text, {});
  coffer::cli::Check(text, {"a"});
  coffer::cli::Check(text, {"b", "a"});
  return 0;
}
