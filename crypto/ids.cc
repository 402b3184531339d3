#include "crypto/ids.h"

#include "crypto/cursor.h"
#include "crypto/random.h"

namespace coffer {
namespace {

constexpr std::size_t kUuidTextSize = 36;
constexpr std::uint64_t kMaxUuidMs = (std::uint64_t{1} << 48) - 1;

bool IsDashPlace(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

std::string UuidToText(ByteView bytes16) {
  COFFER_CHECK(bytes16.size() == 16);
  std::string text = ToHex(bytes16);
  for (std::size_t place : {8U, 13U, 18U, 23U}) text.insert(place, 1, '-');
  return text;
}

Result<std::array<std::byte, 16>> UuidBytesFromText(std::string_view text) {
  const Error wrong(ErrorCode::kInvalidArgument, "a UUID is 32 hex digits in groups of 8-4-4-4-12");
  if (text.size() != kUuidTextSize) return wrong;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsDashPlace(i) != (text[i] == '-')) return wrong;
    if (!IsDashPlace(i)) digits += text[i];
  }
  const auto parsed = FromHex(digits);
  if (!parsed.ok()) return wrong;
  std::array<std::byte, 16> bytes{};
  std::copy(parsed->begin(), parsed->end(), bytes.begin());
  return bytes;
}

std::array<std::byte, 16> GenerateUuidBytes(std::uint64_t unix_ms) {
  COFFER_CHECK(unix_ms <= kMaxUuidMs);
  std::array<std::byte, 16> bytes{};
  StoreU64(MutableBytes(bytes).first(8), unix_ms << 16);
  FillRandom(MutableBytes(bytes).subspan(6));
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x70};  // version 7
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};  // variant of RFC 9562
  return bytes;
}

KeyId KeyId::Generate() {
  KeyId id;
  while (!id.IsValid()) {
    std::array<std::byte, 8> bytes{};
    FillRandom(bytes);
    id.value = LoadU64(bytes) >> 1;
  }
  return id;
}

}  // namespace coffer
