// The pieces that C2SP's text formats are made of: base64, decimal numbers, lines. Every reader is strict, so that each
// value has one spelling. Thread-safe, but for LineReader, which is thread-compatible.
#pragma once

#include <optional>

#include "crypto/base64.h"
#include "crypto/hash.h"

namespace coffer {

// 44 characters of base64.
Result<Digest> DigestFromBase64(std::string_view text);

// ASCII digits without a sign and without leading zeros; at most `max`. Nothing else is kInvalidArgument.
Result<std::uint64_t> FromDecimal(std::string_view text, std::uint64_t max);

// The lines of a text, each ended by a newline.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  // The next line without its newline, or nothing when no newline is left.
  std::optional<std::string_view> Next();
  std::string_view rest() const { return rest_; }
  // Of the line that Next gave last, from 1.
  std::uint64_t line() const { return line_; }

 private:
  std::string_view rest_;
  std::uint64_t line_ = 0;
};

}  // namespace coffer
