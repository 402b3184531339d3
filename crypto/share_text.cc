#include <algorithm>

#include "crypto/share.h"

namespace coffer {
namespace {

constexpr std::array<std::string_view, 3> kName = {"coffer", "share", "1"};
constexpr std::string_view kSeparators = "- \t\r\n";
constexpr std::size_t kGroupSize = 8;
constexpr std::size_t kGroups = 11;
constexpr std::size_t kDigits = kGroups * kGroupSize;
constexpr unsigned kDigitBits = 5;
static_assert(kDigits * kDigitBits == kShareSize * 8);
static_assert(kShareTextSize == 14 + kGroups * (1 + kGroupSize));

// All ones when low <= c <= high, else zero.
unsigned MaskInRange(unsigned c, unsigned low, unsigned high) {
  return 0U - (((low - 1U - c) & (c - high - 1U)) >> 31);
}

unsigned Lower(unsigned c) { return c + (MaskInRange(c, 'A', 'Z') & ('a' - 'A')); }

constexpr unsigned kNoDigit = 32;

// RFC 4648 section 6 in lower case, without a branch or an address that depends on the digit: 0 to 31, or kNoDigit.
unsigned FromDigit(std::byte typed) {
  const unsigned c = Lower(std::to_integer<unsigned>(typed));
  const unsigned letter = MaskInRange(c, 'a', 'z');
  const unsigned number = MaskInRange(c, '2', '7');
  return (letter & (c - 'a')) | (number & (c - '2' + 26)) | (~(letter | number) & kNoDigit);
}

std::byte ToDigit(unsigned value) {
  const unsigned number = MaskInRange(value, 26, 31);
  return static_cast<std::byte>((~number & ('a' + value)) | (number & ('2' + value - 26)));
}

// The typed text as groups: separators count for nothing between groups, and nowhere else.
class Groups {
 public:
  explicit Groups(ByteView text) : rest_(text) {}

  // The next `size` characters, or fewer at the end.
  ByteView Next(std::size_t size) {
    SkipSeparators();
    const ByteView group = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(group.size());
    return group;
  }
  bool AtEnd() {
    SkipSeparators();
    return rest_.empty();
  }

 private:
  void SkipSeparators() {
    while (!rest_.empty() && kSeparators.find(AsText(rest_).front()) != std::string_view::npos)
      rest_ = rest_.subspan(1);
  }
  ByteView rest_;
};

bool IsName(ByteView group, std::string_view name) {
  return std::equal(group.begin(), group.end(), name.begin(), name.end(), [](std::byte typed, char c) {
    return Lower(std::to_integer<unsigned>(typed)) == static_cast<unsigned char>(c);
  });
}

// The group's five bytes.
Status DecodeGroup(ByteView group, MutableBytes out) {
  std::uint64_t bits = 0;
  unsigned bad = group.size() == kGroupSize ? 0 : kNoDigit;
  for (std::byte typed : group) {
    const unsigned digit = FromDigit(typed);
    bad |= digit & kNoDigit;
    bits = bits << kDigitBits | (digit & 31U);
  }
  if (bad != 0) return Error(ErrorCode::kInvalidArgument, "a group of a share is 8 characters of a-z and 2-7");
  for (std::size_t i = out.size(); i-- > 0; bits >>= 8) out[i] = static_cast<std::byte>(bits & 0xFFU);
  return {};
}

void EncodeGroup(ByteView in, MutableBytes out) {
  std::uint64_t bits = 0;
  for (std::byte b : in) bits = bits << 8 | std::to_integer<std::uint64_t>(b);
  for (std::size_t i = out.size(); i-- > 0; bits >>= kDigitBits) out[i] = ToDigit(static_cast<unsigned>(bits & 31U));
}

constexpr std::size_t kGroupBytes = kShareSize / kGroups;

}  // namespace

Result<Share> Share::Parse(const SecretBytes& text) {
  const ByteView typed = text.Expose(SecretAccess::kCipher);
  if (typed.size() > kMaxTypedShare) {
    return Error(ErrorCode::kInvalidArgument, "a share is shorter than this text, in bytes").WithLimit(kMaxTypedShare);
  }
  Groups groups(typed);
  for (std::string_view name : kName) {
    if (!IsName(groups.Next(name.size()), name)) {
      return Error(ErrorCode::kInvalidArgument, "a share begins with coffer-share-1");
    }
  }
  SecretBytes bytes(kShareSize);
  const MutableBytes out = bytes.ExposeMutable(SecretAccess::kCipher);
  for (std::size_t i = 0; i < kGroups; ++i) {
    Status decoded = DecodeGroup(groups.Next(kGroupSize), out.subspan(i * kGroupBytes, kGroupBytes));
    if (!decoded.ok()) return std::move(decoded).error().At("group " + std::to_string(i + 1));
  }
  if (!groups.AtEnd()) return Error(ErrorCode::kInvalidArgument, "a share has 11 groups, and more follows");
  return FromBytes(bytes);
}

SecretBytes Share::ToText() const {
  const SecretBytes bytes = ToBytes();
  SecretBytes text(kShareTextSize);
  MutableBytes rest = text.ExposeMutable(SecretAccess::kReply);
  const auto put = [&rest](ByteView piece) {
    std::copy(piece.begin(), piece.end(), rest.begin());
    rest = rest.subspan(piece.size());
  };
  for (std::size_t i = 0; i < kName.size(); ++i) {
    if (i > 0) put(AsBytes("-"));
    put(AsBytes(kName[i]));
  }
  const ByteView in = bytes.Expose(SecretAccess::kCipher);
  for (std::size_t i = 0; i < kGroups; ++i) {
    put(AsBytes("-"));
    EncodeGroup(in.subspan(i * kGroupBytes, kGroupBytes), rest.first(kGroupSize));
    rest = rest.subspan(kGroupSize);
  }
  return text;
}

}  // namespace coffer
