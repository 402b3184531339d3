#include "crypto/store_integrity.h"

#include "crypto/internal/value_codec.h"

namespace coffer {
namespace {

constexpr std::string_view kRowLabel("coffer/v1/row\0", 14);
constexpr std::string_view kHeadLabel("coffer/v1/head\0", 15);
constexpr std::size_t kMaxStoredColumns = 255;

Digest Term(const SecretBytes& head_key, const Digest& row_mac) {
  return HmacSha256(head_key.Expose(SecretAccess::kCipher), {row_mac});
}

}  // namespace

Status EncodeStoredRow(std::span<const ScalarView> columns, Bytes& out) {
  if (columns.empty() || columns.size() > kMaxStoredColumns) {
    return Error(ErrorCode::kInvalidArgument, "a stored row has 1 to 255 columns").WithLimit(kMaxStoredColumns);
  }
  const std::size_t before = out.size();
  Writer(out).U8(static_cast<std::uint8_t>(columns.size()));
  for (const ScalarView& column : columns) {
    Status appended = internal::AppendValue(column, kMaxStoredValueBytes, out);
    if (appended.ok()) continue;
    out.resize(before);
    return appended;
  }
  return {};
}

Result<std::vector<ScalarView>> ParseStoredRow(ByteView encoded) {
  Reader reader(encoded);
  const std::size_t count = reader.U8();
  std::vector<ScalarView> columns;
  for (std::size_t i = 0; i < count; ++i) {
    COFFER_ASSIGN_OR_RETURN(const ScalarView column, internal::ReadValue(reader, kMaxStoredValueBytes));
    columns.push_back(column);
  }
  if (count == 0 || !reader.Finish()) return Error(ErrorCode::kInvalidArgument, "is not the encoding of a stored row");
  return columns;
}

Digest RowMac(const SecretBytes& rows_key, StoreUuid store, std::string_view table, ByteView primary_key,
              std::uint64_t row_epoch, ByteView encoded_row) {
  Bytes head;
  Writer(head)
      .Raw(kRowLabel)
      .LengthPrefixed(store.view())
      .LengthPrefixed(table)
      .LengthPrefixed(primary_key)
      .U64(row_epoch);
  COFFER_CHECK(encoded_row.size() <= UINT32_MAX);
  Writer(head).U32(static_cast<std::uint32_t>(encoded_row.size()));
  return HmacSha256(rows_key.Expose(SecretAccess::kCipher), {head, encoded_row});
}

void MacSum::Add(const SecretBytes& head_key, const Digest& row_mac) {
  const Digest term = Term(head_key, row_mac);
  unsigned carry = 0;
  for (std::size_t i = sum_.size(); i-- > 0;) {
    const unsigned digit = std::to_integer<unsigned>(sum_[i]) + std::to_integer<unsigned>(term[i]) + carry;
    sum_[i] = static_cast<std::byte>(digit & 0xFFU);
    carry = digit >> 8;
  }
}

void MacSum::Remove(const SecretBytes& head_key, const Digest& row_mac) {
  const Digest term = Term(head_key, row_mac);
  unsigned borrow = 0;
  for (std::size_t i = sum_.size(); i-- > 0;) {
    const unsigned digit = 0x100U + std::to_integer<unsigned>(sum_[i]) - std::to_integer<unsigned>(term[i]) - borrow;
    sum_[i] = static_cast<std::byte>(digit & 0xFFU);
    borrow = 1U - (digit >> 8);
  }
}

Digest HeadMac(const SecretBytes& head_key, StoreUuid store, StoreEpoch epoch, const MacSum& sum) {
  Bytes message;
  Writer(message).Raw(kHeadLabel).LengthPrefixed(store.view()).U64(epoch.value).Raw(sum.bytes());
  return HmacSha256(head_key.Expose(SecretAccess::kCipher), {message});
}

}  // namespace coffer
