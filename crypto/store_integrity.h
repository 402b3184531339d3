// The MACs that make a store's rows and its head tamper-evident (docs/FORMAT.md section 4).
#pragma once

#include <memory>

#include "crypto/derive.h"
#include "crypto/value.h"

namespace coffer {

inline constexpr std::size_t kMaxStoredValueBytes = 16 * 1024 * 1024;  // of one text or bytes column

// u8 n, then n values: all columns of a stored row but row epoch and MAC. kInvalidArgument, with `out` as before: no
// column or more than 255, text that is not UTF-8, a column above kMaxStoredValueBytes.
Status EncodeStoredRow(std::span<const ScalarView> columns, Bytes& out);

// The columns of EncodeStoredRow's bytes; the views point into `encoded`. kInvalidArgument for anything else: what is
// accepted re-serialises to the same bytes.
Result<std::vector<ScalarView>> ParseStoredRow(ByteView encoded);

// `primary_key` as EncodeRow gives it; `encoded_row` as EncodeStoredRow gives it, empty for a deleted row.
Digest RowMac(const SecretBytes& rows_key, StoreUuid store, std::string_view table, ByteView primary_key,
              std::uint64_t row_epoch, ByteView encoded_row);

// The additive multiset hash of all row MACs: order does not matter, adding and taking away are O(1). A value type.
class MacSum {
 public:
  MacSum() = default;
  explicit MacSum(const Digest& sum) : sum_(sum) {}
  void Add(const SecretBytes& head_key, const Digest& row_mac);
  void Remove(const SecretBytes& head_key, const Digest& row_mac);
  const Digest& bytes() const { return sum_; }
  bool operator==(const MacSum&) const = default;

 private:
  friend class ManyMacs;
  void AddTerm(const Digest& term);
  void RemoveTerm(const Digest& term);

  Digest sum_{};
};

Digest HeadMac(const SecretBytes& head_key, StoreUuid store, StoreEpoch epoch, const MacSum& sum);

// RowMac and MacSum for many rows of one store: the keys are expanded once. Thread-safe.
class ManyMacs {
 public:
  ManyMacs(StoreUuid store, const IntegrityKeys& keys);
  ~ManyMacs();
  ManyMacs(ManyMacs&&) noexcept;

  Digest Row(std::string_view table, ByteView primary_key, std::uint64_t row_epoch, ByteView encoded_row) const;
  void Add(MacSum& sum, const Digest& row_mac) const;
  void Remove(MacSum& sum, const Digest& row_mac) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace coffer
