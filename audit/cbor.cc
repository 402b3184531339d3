#include "audit/cbor.h"

#include "crypto/cursor.h"

namespace coffer::audit {
namespace {

constexpr std::uint8_t kUint = 0;
constexpr std::uint8_t kBytes = 2;
constexpr std::uint8_t kText = 3;
constexpr std::uint8_t kArray = 4;
constexpr std::uint8_t kMap = 5;
constexpr std::uint8_t kFalse = 0xF4;
constexpr std::uint8_t kTrue = 0xF5;

// The low five bits: a small value itself, or how many bytes follow.
constexpr std::uint8_t kInline = 24;
constexpr std::uint8_t kOneByte = 24;
constexpr std::uint8_t kTwoBytes = 25;
constexpr std::uint8_t kFourBytes = 26;
constexpr std::uint8_t kEightBytes = 27;

}  // namespace

void CborWriter::Head(std::uint8_t major, std::uint64_t value) {
  const auto first = static_cast<std::uint8_t>(major << 5U);
  Writer out(out_);
  if (value < kInline) {
    out.U8(static_cast<std::uint8_t>(first | value));
  } else if (value <= 0xFF) {
    out.U8(first | kOneByte).U8(static_cast<std::uint8_t>(value));
  } else if (value <= 0xFFFF) {
    out.U8(first | kTwoBytes).U16(static_cast<std::uint16_t>(value));
  } else if (value <= 0xFFFFFFFF) {
    out.U8(first | kFourBytes).U32(static_cast<std::uint32_t>(value));
  } else {
    out.U8(first | kEightBytes).U64(value);
  }
}

CborWriter& CborWriter::Uint(std::uint64_t value) {
  Head(kUint, value);
  return *this;
}

CborWriter& CborWriter::Text(std::string_view text) {
  Head(kText, text.size());
  Append(out_, AsBytes(text));
  return *this;
}

CborWriter& CborWriter::Byte(ByteView bytes) {
  Head(kBytes, bytes.size());
  Append(out_, bytes);
  return *this;
}

CborWriter& CborWriter::Bool(bool value) {
  Writer(out_).U8(value ? kTrue : kFalse);
  return *this;
}

CborWriter& CborWriter::Array(std::size_t count) {
  Head(kArray, count);
  return *this;
}

CborWriter& CborWriter::Map(std::size_t pairs) {
  Head(kMap, pairs);
  return *this;
}

std::uint64_t CborReader::Head(std::uint8_t major) {
  Reader in(rest_);
  const std::uint8_t first = in.U8();
  const std::uint8_t low = first & 0x1FU;
  std::uint64_t value = low;
  std::uint64_t least = 0;
  switch (low) {
    case kOneByte:
      value = in.U8();
      least = kInline;
      break;
    case kTwoBytes:
      value = in.U16();
      least = 0x100;
      break;
    case kFourBytes:
      value = in.U32();
      least = 0x10000;
      break;
    case kEightBytes:
      value = in.U64();
      least = 0x100000000;
      break;
    default:
      if (low >= kInline) failed_ = true;
  }
  if (failed_ || in.failed() || first >> 5U != major || value < least) {
    failed_ = true;
    return 0;
  }
  rest_ = rest_.last(in.remaining());
  return value;
}

std::uint64_t CborReader::Uint() { return Head(kUint); }

ByteView CborReader::String(std::uint8_t major, std::size_t max) {
  const std::uint64_t size = Head(major);
  if (failed_ || size > max || size > rest_.size()) {
    failed_ = true;
    return {};
  }
  const ByteView taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

ByteView CborReader::Byte(std::size_t max) { return String(kBytes, max); }

std::string_view CborReader::Text(std::size_t max) {
  const std::string_view text = AsText(String(kText, max));
  if (!IsUtf8(text)) failed_ = true;
  return failed_ ? std::string_view() : text;
}

bool CborReader::Bool() {
  Reader in(rest_);
  const std::uint8_t first = in.U8();
  if (failed_ || in.failed() || (first != kFalse && first != kTrue)) {
    failed_ = true;
    return false;
  }
  rest_ = rest_.subspan(1);
  return first == kTrue;
}

std::size_t CborReader::Array(std::size_t max) {
  const std::uint64_t count = Head(kArray);
  if (count > max) failed_ = true;
  return failed_ ? 0 : static_cast<std::size_t>(count);
}

std::size_t CborReader::Map(std::size_t max) {
  const std::uint64_t pairs = Head(kMap);
  if (pairs > max) failed_ = true;
  return failed_ ? 0 : static_cast<std::size_t>(pairs);
}

}  // namespace coffer::audit
