#include "crypto/base64.h"

#include <algorithm>

namespace coffer {
namespace {

constexpr std::size_t kGroup = 4;  // characters, for three bytes

Error NoBase64() { return {ErrorCode::kInvalidArgument, "is not base64 in its canonical form"}; }

void Replace(std::string& text, char from, char to) { std::replace(text.begin(), text.end(), from, to); }

}  // namespace

std::string ToBase64(ByteView bytes) {
  std::string text = ToBase64Url(bytes);
  Replace(text, '-', '+');
  Replace(text, '_', '/');
  text.append((kGroup - text.size() % kGroup) % kGroup, '=');
  return text;
}

Result<Bytes> FromBase64(std::string_view text) {
  if (text.size() % kGroup != 0 || text.find_first_of("-_") != std::string_view::npos) return NoBase64();
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string url(text);
  Replace(url, '+', '-');
  Replace(url, '/', '_');
  auto bytes = FromBase64Url(url);  // refuses a third '='
  if (!bytes.ok()) return NoBase64();
  return bytes;
}

}  // namespace coffer
