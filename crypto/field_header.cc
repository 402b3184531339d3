#include "crypto/field_header.h"

#include "crypto/cursor.h"

namespace coffer {
namespace {

constexpr std::uint8_t kFormatByte = 0xC1;
constexpr std::uint8_t kSuiteMask = 0x0F;
constexpr std::uint8_t kPadded = 0x80;
constexpr std::uint8_t kRowBound = 0x40;
constexpr std::uint8_t kContextBound = 0x20;
constexpr std::uint8_t kReserved = 0x10;

constexpr std::size_t kNonceSize = 24;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kCommitmentSize = 32;

bool IsKnown(std::uint8_t second_byte) {
  if ((second_byte & kReserved) != 0) return false;
  switch (second_byte & kSuiteMask) {
    case static_cast<std::uint8_t>(Suite::kXaes256Gcm):
    case static_cast<std::uint8_t>(Suite::kXaes256GcmCommitting):
      return true;
    case static_cast<std::uint8_t>(Suite::kAes256Siv):
      return (second_byte & kRowBound) == 0;
    default:
      return false;
  }
}

// The least size of a ciphertext whose second byte IsKnown. Padding adds at least one byte.
std::size_t LeastSize(std::uint8_t second_byte) {
  const std::size_t padding = (second_byte & kPadded) != 0 ? 1 : 0;
  return FieldForm{static_cast<Suite>(second_byte & kSuiteMask), 0, false, false}.CiphertextSize(0) + padding;
}

}  // namespace

std::uint8_t FieldForm::SecondByte() const {
  return static_cast<std::uint8_t>(static_cast<unsigned>(suite) | (pad_multiple != 0 ? kPadded : 0U) |
                                   (row_bound ? kRowBound : 0U) | (context_bound ? kContextBound : 0U));
}

std::size_t FieldForm::CiphertextSize(std::size_t size) const {
  const std::size_t content = pad_multiple == 0 ? size : (size / pad_multiple + 1) * pad_multiple;
  return kFieldHeaderSize + (suite == Suite::kAes256Siv ? 0 : kNonceSize) + content + kTagSize +
         (suite == Suite::kXaes256GcmCommitting ? kCommitmentSize : 0);
}

void FieldHeader::Write(MutableBytes out10) const {
  COFFER_CHECK(out10.size() == kFieldHeaderSize);
  out10[0] = std::byte{kFormatByte};
  out10[1] = std::byte{second_byte};
  StoreU64(out10.subspan(2), key_id.value);
}

std::optional<FieldHeader> FieldHeader::Parse(ByteView ciphertext) {
  Reader reader(ciphertext);
  const std::uint8_t format = reader.U8();
  const FieldHeader header{reader.U8(), KeyId{reader.U64()}};
  if (reader.failed() || format != kFormatByte || !IsKnown(header.second_byte) || !header.key_id.IsValid()) {
    return std::nullopt;
  }
  return header;
}

bool IsFieldCiphertext(ByteView bytes) {
  const auto header = FieldHeader::Parse(bytes);
  return header && bytes.size() >= LeastSize(header->second_byte);
}

}  // namespace coffer
