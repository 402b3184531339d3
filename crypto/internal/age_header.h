// The header of an age v1 file as text (docs/FORMAT.md section 7): stanzas in, stanzas out, no key. Internal to
// crypto/.
#pragma once

#include <array>

#include "crypto/hash.h"

namespace coffer::internal {

inline constexpr std::string_view kAgeVersionLine = "age-encryption.org/v1\n";
inline constexpr std::size_t kMaxAgeHeader = 65'536;  // bytes

// Base64 (RFC 4648 section 4) in its one form without padding.
std::string ToAgeBase64(ByteView bytes);
// kInvalidArgument: another form, or not base64.
Result<Bytes> FromAgeBase64(std::string_view text);

struct AgeStanza {
  std::vector<std::string> arguments;  // One or more, of bytes 21 to 7E.
  Bytes body;
};

struct AgeHeader {
  std::vector<AgeStanza> stanzas;  // One or more.
  Bytes authenticated;             // What the MAC is over: up to and with "---".
  Digest mac{};
};

// What the MAC of a header of these stanzas is over.
Bytes AgeHeaderUnderMac(const std::vector<AgeStanza>& stanzas);
// What follows that: the rest of the MAC's line.
std::string AgeMacLine(const Digest& mac);

// `header` is a whole header and nothing behind it. kInvalidArgument, with the line: no header of version 1. What is
// accepted is written back to the same bytes. Thread-safe.
Result<AgeHeader> ParseAgeHeader(ByteView header);

// Cuts the header off the front of a file that comes in pieces. Not thread-safe.
class AgeHeaderCutter {
 public:
  // Takes bytes from the front of `rest` until the header is whole: true then, false when more are wanted.
  // kInvalidArgument, as soon as it shows: another version, no age file, or a header above kMaxAgeHeader.
  Result<bool> Take(ByteView& rest);
  ByteView header() const { return header_; }

 private:
  Status CheckStart() const;  // Of the first kAgeVersionLine.size() bytes.
  Bytes header_;
  std::size_t line_at_ = 0;
};

}  // namespace coffer::internal
