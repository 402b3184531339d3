// Bounded cursors: every codec reads and writes through these, so a parser looks like its schema and cannot overrun.
// All integers are big endian; LP(x) is a u32 length, then x (docs/FORMAT.md).
#pragma once

#include "crypto/bytes.h"

namespace coffer {

// Reads from a view that must outlive it. After the first failed read every later one fails too; callers may check once
// at the end with Finish(). Not thread-safe.
class Reader {
 public:
  explicit Reader(ByteView input) : rest_(input) {}

  std::uint8_t U8();
  std::uint16_t U16();
  std::uint32_t U32();
  std::uint64_t U64();
  // The next `size` bytes, or an empty view after a failure.
  ByteView Take(std::size_t size);
  // LP: a u32 length of at most `max`, then that many bytes.
  ByteView TakeLengthPrefixed(std::size_t max);

  bool failed() const { return failed_; }
  std::size_t remaining() const { return rest_.size(); }
  // True when nothing failed and every byte was read.
  bool Finish() const { return !failed_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool failed_ = false;
};

// Appends to a buffer that must outlive it.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  Writer& U8(std::uint8_t value);
  Writer& U16(std::uint16_t value);
  Writer& U32(std::uint32_t value);
  Writer& U64(std::uint64_t value);
  Writer& Raw(ByteView bytes);
  Writer& Raw(std::string_view text) { return Raw(AsBytes(text)); }
  // LP(bytes). A programmer's error above 2^32 - 1 bytes.
  Writer& LengthPrefixed(ByteView bytes);
  Writer& LengthPrefixed(std::string_view text) { return LengthPrefixed(AsBytes(text)); }

 private:
  Bytes& out_;
};

// Big-endian stores and loads at fixed places.
void StoreU64(MutableBytes out, std::uint64_t value);  // out.size() == 8
void StoreU32(MutableBytes out, std::uint32_t value);  // out.size() == 4
std::uint64_t LoadU64(ByteView in);                    // in.size() == 8

}  // namespace coffer
