#include "crypto/cursor.h"

#include <algorithm>
#include <limits>

namespace coffer {
namespace {

std::uint64_t LoadBigEndian(ByteView in) {
  std::uint64_t value = 0;
  for (std::byte b : in) value = value << 8 | std::to_integer<std::uint64_t>(b);
  return value;
}

void StoreBigEndian(MutableBytes out, std::uint64_t value) {
  for (std::size_t i = out.size(); i-- > 0; value >>= 8) out[i] = static_cast<std::byte>(value & 0xFFU);
}

void AppendBigEndian(Bytes& out, std::size_t size, std::uint64_t value) {
  out.resize(out.size() + size);
  StoreBigEndian(MutableBytes(out).last(size), value);
}

}  // namespace

std::uint8_t Reader::U8() { return static_cast<std::uint8_t>(LoadBigEndian(Take(1))); }
std::uint16_t Reader::U16() { return static_cast<std::uint16_t>(LoadBigEndian(Take(2))); }
std::uint32_t Reader::U32() { return static_cast<std::uint32_t>(LoadBigEndian(Take(4))); }
std::uint64_t Reader::U64() { return LoadBigEndian(Take(8)); }

ByteView Reader::Take(std::size_t size) {
  if (failed_ || size > rest_.size()) {
    failed_ = true;
    return {};
  }
  const ByteView taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

ByteView Reader::TakeLengthPrefixed(std::size_t max) {
  const std::size_t size = U32();
  if (size > max) failed_ = true;
  return Take(size);
}

Writer& Writer::U8(std::uint8_t value) {
  AppendBigEndian(out_, 1, value);
  return *this;
}

Writer& Writer::U16(std::uint16_t value) {
  AppendBigEndian(out_, 2, value);
  return *this;
}

Writer& Writer::U32(std::uint32_t value) {
  AppendBigEndian(out_, 4, value);
  return *this;
}

Writer& Writer::U64(std::uint64_t value) {
  AppendBigEndian(out_, 8, value);
  return *this;
}

Writer& Writer::Raw(ByteView bytes) {
  Append(out_, bytes);
  return *this;
}

Writer& Writer::LengthPrefixed(ByteView bytes) {
  COFFER_CHECK(bytes.size() <= std::numeric_limits<std::uint32_t>::max());
  return U32(static_cast<std::uint32_t>(bytes.size())).Raw(bytes);
}

void StoreU64(MutableBytes out, std::uint64_t value) {
  COFFER_CHECK(out.size() == 8);
  StoreBigEndian(out, value);
}

void StoreU32(MutableBytes out, std::uint32_t value) {
  COFFER_CHECK(out.size() == 4);
  StoreBigEndian(out, value);
}

std::uint64_t LoadU64(ByteView in) {
  COFFER_CHECK(in.size() == 8);
  return LoadBigEndian(in);
}

}  // namespace coffer
