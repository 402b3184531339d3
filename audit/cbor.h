// Deterministic CBOR (RFC 8949 section 4.2.1), as far as audit records use it: integers, byte and text strings, arrays,
// maps and booleans; definite lengths, shortest forms, nothing nested deeper than the caller reads.
#pragma once

#include "crypto/bytes.h"

namespace coffer::audit {

// Appends items to a buffer that must outlive it. Keys of a map go in ascending order: the caller sees to that.
class CborWriter {
 public:
  explicit CborWriter(Bytes& out) : out_(out) {}

  CborWriter& Uint(std::uint64_t value);
  CborWriter& Text(std::string_view text);
  CborWriter& Byte(ByteView bytes);
  CborWriter& Bool(bool value);
  CborWriter& Array(std::size_t count);
  CborWriter& Map(std::size_t pairs);

 private:
  void Head(std::uint8_t major, std::uint64_t value);
  Bytes& out_;
};

// Reads items from a view that must outlive it. After the first failed read (another type, a longer form than needed,
// more than `max`, no UTF-8, the end) every later one fails too; check once with Finish.
class CborReader {
 public:
  explicit CborReader(ByteView input) : rest_(input) {}

  std::uint64_t Uint();
  std::string_view Text(std::size_t max);
  ByteView Byte(std::size_t max);
  bool Bool();
  std::size_t Array(std::size_t max);
  std::size_t Map(std::size_t max);

  bool failed() const { return failed_; }
  void Fail() { failed_ = true; }
  bool Finish() const { return !failed_ && rest_.empty(); }

 private:
  std::uint64_t Head(std::uint8_t major);
  ByteView String(std::uint8_t major, std::size_t max);

  ByteView rest_;
  bool failed_ = false;
};

}  // namespace coffer::audit
