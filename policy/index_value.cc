#include "policy/index_value.h"

#include <array>
#include <charconv>

#include "crypto/range_map.h"
#include "policy/internal/date_time.h"

namespace coffer::policy {
namespace {

constexpr std::size_t kMaxFraction = 6;

Error Refused(Literal message) { return Error(ErrorCode::kInvalidArgument, message); }

template <typename Number>
Result<Number> ParseNumber(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return Refused("is not a number of the index's type");
  return value;
}

// ".123" as microseconds; 0 when there is no dot.
std::optional<std::int64_t> TakeFraction(std::string_view& text) {
  if (!TakeCharacter(text, '.')) return 0;
  std::int64_t micros = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    if (++digits > kMaxFraction) return std::nullopt;
    micros = micros * 10 + (text.front() - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < kMaxFraction; ++digits) micros *= 10;
  return micros;
}

Result<std::int64_t> ParseTimestamp(std::string_view text) {
  const Error refused = Refused("is not a date and time with an offset, with up to 6 decimals");
  const auto date = TakeDate(text);
  if (!date || (!TakeCharacter(text, 'T') && !TakeCharacter(text, ' '))) return refused;
  const auto time = TakeTime(text);
  if (!time) return refused;
  const auto fraction = TakeFraction(text);
  if (!fraction) return refused;
  const auto offset = TakeOffset(text, true);
  if (!offset || !text.empty()) return refused;
  return (*date + *time - *offset) * 1'000'000 + *fraction;
}

}  // namespace

Result<std::uint64_t> OrderOf(const IndexedValue& form, std::string_view text) {
  switch (form.type) {
    case IndexType::kInt64: {
      COFFER_ASSIGN_OR_RETURN(const std::int64_t value, ParseNumber<std::int64_t>(text));
      return OrderOfInt64(value);
    }
    case IndexType::kTimestamp: {
      COFFER_ASSIGN_OR_RETURN(const std::int64_t micros, ParseTimestamp(text));
      return OrderOfTimestamp(micros);
    }
    case IndexType::kDecimal:
      return OrderOfDecimal(text, form.scale);
    case IndexType::kDouble: {
      COFFER_ASSIGN_OR_RETURN(const double value, ParseNumber<double>(text));
      return OrderOfDouble(value);
    }
    case IndexType::kText:
    case IndexType::kBytes:
    case IndexType::kUuid:
      break;
  }
  return Refused("is of a type that has no order");
}

bool IsStableText(ByteView utf8) {
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = std::to_integer<std::uint8_t>(utf8[i]);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xc9 || i + 1 == utf8.size()) return false;  // two bytes: U+0080 to U+027F
    const auto next = std::to_integer<std::uint8_t>(utf8[++i]);
    if (next < 0x80 || next > (lead == 0xc9 ? 0x8f : 0xbf)) return false;
  }
  return true;
}

Result<SecretBytes> IndexedBytes(const IndexedValue& form, ByteView plaintext) {
  switch (form.type) {
    case IndexType::kText:
      return ApplyTransforms(form.transforms, AsText(plaintext));
    case IndexType::kBytes:
      if (plaintext.size() > kMaxIndexedBytes) {
        return Refused("is too long for an index, in bytes").WithLimit(kMaxIndexedBytes);
      }
      return SecretBytes::CopyOf(plaintext);
    case IndexType::kInt64: {
      COFFER_ASSIGN_OR_RETURN(const std::int64_t value, ParseNumber<std::int64_t>(AsText(plaintext)));
      std::array<std::byte, 8> bytes{};
      StoreU64(bytes, static_cast<std::uint64_t>(value));
      Result<SecretBytes> copy = SecretBytes::CopyOf(bytes);
      Wipe(bytes);
      return copy;
    }
    case IndexType::kUuid: {
      COFFER_ASSIGN_OR_RETURN(Uuid uuid, Uuid::Parse(AsText(plaintext)));
      Result<SecretBytes> copy = SecretBytes::CopyOf(uuid.view());
      Wipe(uuid.bytes);
      return copy;
    }
    case IndexType::kTimestamp:
    case IndexType::kDecimal:
    case IndexType::kDouble:
      break;
  }
  return Refused("is of a type that only range indexes have");
}

}  // namespace coffer::policy
