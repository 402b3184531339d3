#include "db/mask.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "crypto/hash.h"
#include "crypto/random.h"

namespace coffer::db {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::uint64_t kLargestPermutation = std::uint64_t{1} << 62;
constexpr int kRounds = 10;
constexpr std::size_t kLongestCounted = 19;  // digits of a number that fits into 64 bits

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// How many characters a character may become, and the first of them.
struct Alphabet {
  std::uint64_t size = 1;
  char first = 0;
};
Alphabet AlphabetOf(char c) {
  if (IsDigit(c)) return {10, '0'};
  if (IsUpper(c)) return {26, 'A'};
  if (IsLower(c) || !IsAscii(c)) return {26, 'a'};
  return {1, c};
}

std::string Hex(ByteView bytes, std::size_t length) { return ToHex(bytes).substr(0, length); }

bool LooksLikeUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (dash ? c != '-' : !(IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return false;
  }
  return true;
}

bool MatchesAt(std::string_view text, std::size_t at, std::string_view form) {
  if (at > text.size() || text.size() - at < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = text[at + i];
    const bool fits = form[i] == 'd' ? IsDigit(c) : form[i] == 'T' ? c == ' ' || c == 'T' : c == form[i];
    if (!fits) return false;
  }
  return true;
}

std::size_t SkipDigits(std::string_view text, std::size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// "+dd[:dd[:dd]]", "Z", " BC".
bool IsZone(std::string_view text) {
  if (text.ends_with(" BC")) text.remove_suffix(3);
  if (text.starts_with('+') || text.starts_with('-')) {
    text.remove_prefix(1);
    return MatchesAt(text, 0, "dd") && (text.size() == 2 || (MatchesAt(text, 2, ":dd") && text.size() == 5) ||
                                        (MatchesAt(text, 2, ":dd:dd") && text.size() == 8));
  }
  return text.empty() || text == "Z";
}

// Where its parts begin.
struct DateForm {
  std::size_t month = 0;
  std::size_t time = 0;      // behind the day
  std::size_t fraction = 0;  // behind the time, where there is one
  std::size_t zone = 0;
};

// "2024-05-06[T07:08:09[.123]][zone]" as a whole: what only begins as a date may say anything behind it.
std::optional<DateForm> FormOfDate(std::string_view text) {
  constexpr std::size_t kLongestYear = 7;
  DateForm form;
  const std::size_t year = SkipDigits(text, 0);
  form.month = year + 1;
  form.time = form.fraction = form.zone = year + 6;
  if (year < 4 || year > kLongestYear || !MatchesAt(text, year, "-dd-dd")) return std::nullopt;
  if (MatchesAt(text, form.time, "Tdd:dd:dd")) {
    form.fraction = form.zone = form.time + 9;
    if (MatchesAt(text, form.zone, ".d")) form.zone = SkipDigits(text, form.zone + 1);
  }
  if (!IsZone(text.substr(form.zone))) return std::nullopt;
  return form;
}

bool LooksLikeEmail(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != text.npos && at > 0 && at + 1 < text.size() && text.find(' ') == text.npos;
}

}  // namespace

// Bytes without end that depend on a value, by HMAC in counter mode.
class Masker::Stream {
 public:
  explicit Stream(const Digest& seed) : seed_(seed) {}

  std::byte Byte() {
    if (at_ == block_.size()) {
      const std::array<std::byte, 4> count = {static_cast<std::byte>(blocks_ >> 24),
                                              static_cast<std::byte>(blocks_ >> 16),
                                              static_cast<std::byte>(blocks_ >> 8), static_cast<std::byte>(blocks_)};
      block_ = HmacSha256(seed_, {ByteView(count)});
      ++blocks_;
      at_ = 0;
    }
    return block_[at_++];
  }
  std::uint64_t Number() {
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<std::uint64_t>(Byte());
    return number;
  }
  // Two digits from `first` to `last`.
  std::string TwoDigits(std::uint64_t first, std::uint64_t last) {
    const std::uint64_t number = first + Number() % (last - first + 1);
    return {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
  }

 private:
  Digest seed_;
  Digest block_ = {};
  std::size_t at_ = 32;
  std::uint32_t blocks_ = 0;
};

Masker::Masker() : key_(RandomSecret(kKeySize)) {}

// A byte that no purpose has stands between the purpose and the value.
Digest Masker::Mac(std::string_view purpose, ByteView value, std::string_view more) const {
  constexpr std::array kEnd = {std::byte{0}};
  return HmacSha256(key_.Expose(SecretAccess::kCipher), {AsBytes(purpose), ByteView(kEnd), value, AsBytes(more)});
}

std::uint64_t Masker::Round(std::uint64_t half, int round, std::string_view tweak) const {
  std::array<std::byte, 9> input = {static_cast<std::byte>(round)};
  for (std::size_t i = 0; i < 8; ++i) input[i + 1] = static_cast<std::byte>(half >> (8 * i));
  const Digest digest = Mac("permute", input, tweak);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | static_cast<std::uint64_t>(digest[i]);
  return number;
}

// A Feistel network over the next even number of bits, walked until it is inside again: each `tweak` has a permutation
// of [0, size) of its own.
std::uint64_t Masker::Permute(std::uint64_t value, std::uint64_t size, std::string_view tweak) const {
  if (size < 2) return value;
  unsigned bits = 2;
  while (bits < 62 && (std::uint64_t{1} << bits) < size) bits += 2;
  const unsigned half_bits = bits / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  do {
    std::uint64_t left = value >> half_bits;
    std::uint64_t right = value & mask;
    for (int round = 0; round < kRounds; ++round) {
      const std::uint64_t next = left ^ (Round(right, round, tweak) & mask);
      left = right;
      right = next;
    }
    value = left << half_bits | right;
  } while (value >= size);
  return value;
}

// Short ASCII texts are permuted among those of their form, so that none of them meet.
std::string Masker::Characters(std::string_view value) const {
  std::string form;
  std::uint64_t size = 1;
  bool countable = true;
  std::uint64_t place = 0;
  for (const char c : value) {
    if (IsContinuation(c)) continue;
    const Alphabet alphabet = AlphabetOf(c);
    countable = countable && IsAscii(c) && size <= kLargestPermutation / alphabet.size;
    if (countable) {
      size *= alphabet.size;
      place = place * alphabet.size + static_cast<std::uint64_t>(c - alphabet.first);
    }
    form += alphabet.first;
  }
  std::string masked(form.size(), '\0');
  if (countable) {
    place = Permute(place, size, form);
    for (std::size_t i = form.size(); i-- > 0;) {
      const Alphabet alphabet = AlphabetOf(form[i]);
      masked[i] = static_cast<char>(form[i] + static_cast<char>(place % alphabet.size));
      place /= alphabet.size;
    }
    return masked;
  }
  Stream stream(Mac("text", AsBytes(value)));
  for (std::size_t i = 0; i < form.size(); ++i) {
    const Alphabet alphabet = AlphabetOf(form[i]);
    masked[i] = static_cast<char>(form[i] + static_cast<char>(stream.Number() % alphabet.size));
  }
  return masked;
}

std::string Masker::Text(std::string_view value, std::uint32_t length_max) const {
  constexpr std::string_view kDomain = "@masked.invalid";  // RFC 2606: nobody's
  constexpr std::size_t kLocal = 24;
  if (LooksLikeEmail(value) && (length_max == 0 || length_max > kLocal + kDomain.size())) {
    const Digest digest = Mac("e-mail", AsBytes(value));
    return "m" + Hex(digest, kLocal) + std::string(kDomain);
  }
  if (LooksLikeUuid(value)) return Uuid(value);
  return FormOfDate(value) ? Date(value) : Characters(value);
}

std::string Masker::Opaque(std::string_view value, std::uint32_t length_max) const {
  constexpr std::size_t kLongest = 32;
  const Digest digest = Mac("opaque", AsBytes(value));
  return Hex(digest, length_max == 0 ? kLongest : std::min<std::size_t>(kLongest, length_max));
}

std::string Masker::Number(std::string_view value, std::uint64_t most) const {
  static constexpr std::array<std::string_view, 6> kNoNumbers = {"", "NaN", "Infinity", "-Infinity", "Inf", "-Inf"};
  const std::size_t sign = value.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(value.find_first_of("eE", sign), value.size());
  const std::string_view digits = value.substr(sign, end - sign);
  if (std::find(kNoNumbers.begin(), kNoNumbers.end(), value) != kNoNumbers.end()) return std::string(value);
  if (digits.find_first_not_of("0123456789.") != digits.npos) return Characters(value);
  const bool whole =
      !digits.empty() && digits.find('.') == digits.npos && end == value.size() && digits.size() <= kLongestCounted;
  if (!whole) {
    return std::string(value.substr(0, sign)) + Characters(digits) + std::string(value.substr(end));
  }
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  std::uint64_t least = 1;
  for (std::size_t i = 1; i < digits.size(); ++i) least *= 10;
  if (digits.size() == 1) least = 0;
  const std::uint64_t top =
      digits.size() == kLongestCounted ? most : std::min(most, std::max(least, std::uint64_t{1}) * 10 - 1);
  if (number < least || number > top) return std::string(value.substr(0, sign)) + Characters(digits);
  const std::uint64_t size = top - least + 1;
  const std::uint64_t masked = size <= kLargestPermutation
                                   ? Permute(number - least, size, std::to_string(digits.size()))
                                   : Stream(Mac("number", AsBytes(digits))).Number() % size;
  return std::string(value.substr(0, sign)) + std::to_string(least + masked);
}

std::string Masker::Date(std::string_view value) const {
  const std::optional<DateForm> form = FormOfDate(value);
  if (!form) return value == "-infinity" ? "-infinity" : "infinity";
  Stream stream(Mac("date", AsBytes(value)));
  std::string masked(value.substr(0, form->month));
  masked += stream.TwoDigits(1, 12) + "-" + stream.TwoDigits(1, 28);
  if (form->fraction > form->time) {
    masked += value[form->time];
    masked += stream.TwoDigits(0, 23) + ":" + stream.TwoDigits(0, 59) + ":" + stream.TwoDigits(0, 59);
  }
  for (const char c : value.substr(form->fraction, form->zone - form->fraction)) {
    masked += IsDigit(c) ? static_cast<char>('0' + stream.Number() % 10) : c;
  }
  return masked.append(value.substr(form->zone));
}

std::string Masker::Uuid(std::string_view value) const {
  std::string folded(value);
  for (char& c : folded) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  const Digest digest = Mac("uuid", AsBytes(folded));
  std::string hex = Hex(digest, 32);
  hex[12] = '4';  // RFC 9562: version 4, its variant
  hex[16] = 'a';
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, "-");
  return hex;
}

std::string Masker::Bytes(ByteView value) const {
  Stream stream(Mac("bytes", value));
  std::string masked(value.size(), '\0');
  for (char& c : masked) c = static_cast<char>(stream.Byte());
  return masked;
}

std::string PlaceholderCiphertext(std::uint64_t number) {
  constexpr std::size_t kSize = 82;  // suite 2, an empty plaintext
  std::string bytes(kSize, '\0');
  bytes[0] = static_cast<char>(0xC1);
  bytes[1] = 2;
  bytes[2] = 0x7f;  // the greatest key id, which is no key's
  std::fill(bytes.begin() + 3, bytes.begin() + 10, static_cast<char>(0xff));
  for (std::size_t i = 0; i < 8; ++i) bytes[kSize - 1 - i] = static_cast<char>(number >> (8 * i));
  return bytes;
}

}  // namespace coffer::db
