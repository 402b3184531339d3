#include "crypto/store_integrity.h"

#include "crypto/internal/keyed_hmac.h"
#include "crypto/internal/value_codec.h"

namespace coffer {
namespace {

constexpr std::string_view kRowLabel("coffer/v1/row\0", 14);
constexpr std::string_view kHeadLabel("coffer/v1/head\0", 15);
constexpr std::size_t kMaxStoredColumns = 255;

Digest Term(const SecretBytes& head_key, const Digest& row_mac) {
  return HmacSha256(head_key.Expose(SecretAccess::kCipher), {row_mac});
}

// All of a row MAC's message but the row.
Bytes RowHead(StoreUuid store, std::string_view table, ByteView primary_key, std::uint64_t row_epoch,
              ByteView encoded_row) {
  COFFER_CHECK(encoded_row.size() <= UINT32_MAX);
  Bytes head;
  Writer(head)
      .Raw(kRowLabel)
      .LengthPrefixed(store.view())
      .LengthPrefixed(table)
      .LengthPrefixed(primary_key)
      .U64(row_epoch)
      .U32(static_cast<std::uint32_t>(encoded_row.size()));
  return head;
}

// A library that fails here fails everywhere.
internal::KeyedHmac Keyed(const SecretBytes& key) {
  Result<internal::KeyedHmac> keyed = internal::KeyedHmac::Create(key);
  COFFER_CHECK(keyed.ok());
  return std::move(keyed).value();
}

Digest MacOf(const internal::KeyedHmac& key, std::initializer_list<ByteView> pieces) {
  const Result<Digest> mac = key.Of(pieces);
  COFFER_CHECK(mac.ok());
  return *mac;
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
  const Bytes head = RowHead(store, table, primary_key, row_epoch, encoded_row);
  return HmacSha256(rows_key.Expose(SecretAccess::kCipher), {head, encoded_row});
}

void MacSum::Add(const SecretBytes& head_key, const Digest& row_mac) { AddTerm(Term(head_key, row_mac)); }

void MacSum::Remove(const SecretBytes& head_key, const Digest& row_mac) { RemoveTerm(Term(head_key, row_mac)); }

void MacSum::AddTerm(const Digest& term) {
  unsigned carry = 0;
  for (std::size_t i = sum_.size(); i-- > 0;) {
    const unsigned digit = std::to_integer<unsigned>(sum_[i]) + std::to_integer<unsigned>(term[i]) + carry;
    sum_[i] = static_cast<std::byte>(digit & 0xFFU);
    carry = digit >> 8;
  }
}

void MacSum::RemoveTerm(const Digest& term) {
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

struct ManyMacs::State {
  StoreUuid store;
  internal::KeyedHmac rows;
  internal::KeyedHmac head;
};

ManyMacs::ManyMacs(StoreUuid store, const IntegrityKeys& keys)
    : state_(std::make_unique<const State>(State{store, Keyed(keys.rows), Keyed(keys.head)})) {}
ManyMacs::~ManyMacs() = default;
ManyMacs::ManyMacs(ManyMacs&&) noexcept = default;

Digest ManyMacs::Row(std::string_view table, ByteView primary_key, std::uint64_t row_epoch,
                     ByteView encoded_row) const {
  return MacOf(state_->rows, {RowHead(state_->store, table, primary_key, row_epoch, encoded_row), encoded_row});
}

void ManyMacs::Add(MacSum& sum, const Digest& row_mac) const { sum.AddTerm(MacOf(state_->head, {row_mac})); }

void ManyMacs::Remove(MacSum& sum, const Digest& row_mac) const { sum.RemoveTerm(MacOf(state_->head, {row_mac})); }

}  // namespace coffer
