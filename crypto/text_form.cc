#include "crypto/text_form.h"

#include <algorithm>
#include <charconv>

namespace coffer {
namespace {

Error NoNumber() { return {ErrorCode::kInvalidArgument, "this is not a decimal number in its canonical form"}; }

}  // namespace

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

}  // namespace coffer
