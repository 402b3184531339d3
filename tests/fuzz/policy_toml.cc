// TOML: whatever our reader takes, toml++ takes as well and reads the same.
#include <cstdint>

#include "crypto/bytes.h"
#include "tests/policy/toml_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = coffer::AsText(std::as_bytes(std::span(data, size)));
  const coffer::Result<coffer::policy::TomlNode> node = coffer::policy::ParseToml(text, std::size_t{1} << 16);
  if (!node.ok()) {
    COFFER_CHECK(node.error().code() == coffer::ErrorCode::kInvalidArgument);
    return 0;
  }
  COFFER_CHECK(coffer::policy::HasOther(*node) || coffer::policy::SameAsLibrary(*node, text));
  return 0;
}
