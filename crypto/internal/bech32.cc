#include "crypto/internal/bech32.h"

#include <algorithm>
#include <array>

namespace coffer::internal {
namespace {

constexpr std::string_view kLetters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::array<std::uint32_t, 5> kGenerator = {0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3};
constexpr std::uint32_t kConstant = 1;
constexpr unsigned kGroupBits = 5;
constexpr unsigned kNoGroup = 32;
constexpr std::size_t kChecksumSize = 6;

bool IsUpper(std::string_view prefix) {
  return std::any_of(prefix.begin(), prefix.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

unsigned Lower(unsigned c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

unsigned LetterOf(unsigned group, bool upper) {
  const auto letter = static_cast<unsigned char>(kLetters[group]);
  return upper && letter >= 'a' ? letter - ('a' - 'A') : letter;
}

// All ones when a == b, else zero; both below 2^31.
std::uint32_t MaskIfEqual(std::uint32_t a, std::uint32_t b) { return 0U - (((a ^ b) - 1U) >> 31); }

// Looks at every letter, so that neither a branch nor an address depends on the group.
std::byte ToLetter(unsigned group, bool upper) {
  unsigned letter = 0;
  for (unsigned i = 0; i < kNoGroup; ++i) letter |= MaskIfEqual(group, i) & LetterOf(i, upper);
  return static_cast<std::byte>(letter);
}

unsigned ToGroup(std::byte letter, bool upper) {
  const auto c = std::to_integer<unsigned>(letter);
  unsigned group = 0;
  unsigned found = 0;
  for (unsigned i = 0; i < kNoGroup; ++i) {
    const unsigned mask = MaskIfEqual(c, LetterOf(i, upper));
    group |= mask & i;
    found |= mask;
  }
  return group | (~found & kNoGroup);
}

// BIP 173's checksum, fed group by group.
class Checksum {
 public:
  explicit Checksum(std::string_view prefix) {
    for (char c : prefix) Add(Lower(static_cast<unsigned char>(c)) >> kGroupBits);
    Add(0);
    for (char c : prefix) Add(Lower(static_cast<unsigned char>(c)) & 31U);
  }

  void Add(unsigned group) {
    const std::uint32_t top = state_ >> 25;
    state_ = (state_ & 0x1FFFFFFU) << kGroupBits ^ group;
    for (unsigned i = 0; i < kGenerator.size(); ++i) state_ ^= (0U - (top >> i & 1U)) & kGenerator[i];
  }

  std::uint32_t state() const { return state_; }

 private:
  std::uint32_t state_ = 1;
};

std::size_t GroupsOf(std::size_t bytes) { return (bytes * 8 + kGroupBits - 1) / kGroupBits; }

}  // namespace

std::size_t Bech32Size(std::string_view prefix, std::size_t bytes) {
  return prefix.size() + 1 + GroupsOf(bytes) + kChecksumSize;
}

void EncodeBech32(std::string_view prefix, ByteView in, MutableBytes text) {
  COFFER_CHECK(text.size() == Bech32Size(prefix, in.size()));
  const bool upper = IsUpper(prefix);
  const ByteView name = AsBytes(prefix);
  auto out = std::copy(name.begin(), name.end(), text.begin());
  *out++ = std::byte{'1'};

  Checksum checksum(prefix);
  const auto put = [&](unsigned group) {
    checksum.Add(group);
    *out++ = ToLetter(group, upper);
  };
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::byte b : in) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(b);
    for (count += 8; count >= kGroupBits; count -= kGroupBits) put(bits >> (count - kGroupBits) & 31U);
  }
  if (count > 0) put(bits << (kGroupBits - count) & 31U);

  Checksum padded = checksum;
  for (std::size_t i = 0; i < kChecksumSize; ++i) padded.Add(0);
  const std::uint32_t check = padded.state() ^ kConstant;
  for (unsigned i = 0; i < kChecksumSize; ++i) put(check >> kGroupBits * (kChecksumSize - 1 - i) & 31U);
}

Status DecodeBech32(std::string_view prefix, ByteView text, MutableBytes out) {
  const std::size_t data_at = prefix.size() + 1;
  if (text.size() != Bech32Size(prefix, out.size())) {
    return Error(ErrorCode::kInvalidArgument, "the Bech32 text has another length");
  }
  if (AsText(text.first(prefix.size())) != prefix || text[prefix.size()] != std::byte{'1'}) {
    return Error(ErrorCode::kInvalidArgument, "the Bech32 text has another prefix");
  }
  const bool upper = IsUpper(prefix);
  const std::size_t groups = GroupsOf(out.size());
  Checksum checksum(prefix);
  unsigned bad = 0;
  std::uint32_t bits = 0;
  unsigned count = 0;
  auto at = out.begin();
  for (std::size_t i = 0; i < groups + kChecksumSize; ++i) {
    const unsigned group = ToGroup(text[data_at + i], upper);
    bad |= group & kNoGroup;
    checksum.Add(group & 31U);
    if (i >= groups) continue;
    bits = bits << kGroupBits | (group & 31U);
    count += kGroupBits;
    if (count < 8) continue;
    count -= 8;
    *at++ = static_cast<std::byte>(bits >> count & 0xFFU);
  }
  if (bad != 0)
    return Error(ErrorCode::kInvalidArgument, "the Bech32 text has a character that is none of its letters");
  if (checksum.state() != kConstant) {
    return Error(ErrorCode::kInvalidArgument, "the Bech32 checksum is wrong: the text is mistyped or cut");
  }
  if ((bits & ((1U << count) - 1U)) != 0) {
    return Error(ErrorCode::kInvalidArgument, "the Bech32 text has unused bits that are not zero");
  }
  return {};
}

}  // namespace coffer::internal
