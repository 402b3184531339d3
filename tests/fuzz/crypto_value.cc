// Rows and contexts: what parses is written back to the same bytes. The first byte chooses the parser.
#include "crypto/value.h"

namespace coffer {
namespace {

void CheckRow(ByteView input) {
  const auto parts = ParseRow(input);
  if (!parts.ok()) return;
  Bytes again;
  COFFER_CHECK(EncodeRow(*parts, again).ok());
  COFFER_CHECK(AsText(again) == AsText(input));
}

void CheckContext(ByteView input) {
  auto columns = ParseContext(input);
  if (!columns.ok()) return;
  std::swap(columns->front(), columns->back());  // Any order is written in the one order.
  Bytes again;
  COFFER_CHECK(EncodeContext(*columns, again).ok());
  COFFER_CHECK(AsText(again) == AsText(input));
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const coffer::ByteView input = std::as_bytes(std::span(data, size));
  if (input.empty()) return 0;
  if ((input[0] & std::byte{1}) == std::byte{0}) {
    coffer::CheckRow(input.subspan(1));
  } else {
    coffer::CheckContext(input.subspan(1));
  }
  return 0;
}
