#include "audit/text_form.h"

#include <algorithm>
#include <charconv>

namespace coffer::audit {
namespace {

constexpr std::size_t kGroup = 4;  // characters of base64, for three bytes

Error NoBase64() { return {ErrorCode::kInvalidArgument, "this is not base64 in its canonical form"}; }
Error NoNumber() { return {ErrorCode::kInvalidArgument, "this is not a decimal number in its canonical form"}; }

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

Result<Digest> DigestFromBase64(std::string_view text) {
  Digest digest{};
  const auto bytes = FromBase64(text);
  if (!bytes.ok() || bytes->size() != digest.size()) {
    return Error(ErrorCode::kInvalidArgument, "this is not the base64 of a SHA-256 hash");
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Result<std::uint64_t> FromDecimal(std::string_view text, std::uint64_t max) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const bool has_leading_zero = text.size() > 1 && text.starts_with('0');
  if (parsed.ec != std::errc() || parsed.ptr != end || has_leading_zero) return NoNumber();
  if (number > max) return Error(ErrorCode::kInvalidArgument, "a number is larger than allowed").WithLimit(max);
  return number;
}

std::optional<std::string_view> LineReader::Next() {
  const std::size_t end = rest_.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  ++line_;
  return line;
}

}  // namespace coffer::audit
