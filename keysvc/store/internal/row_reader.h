// RowReader: a row column by column, as the strict types of records.h.
#pragma once

#include <algorithm>
#include <limits>

#include "crypto/names.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {

inline constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();

// As crypto/cursor.h reads bytes: after the first failure every read gives an empty value, and Finish tells.
class RowReader {
 public:
  RowReader(Table table, const Row& row) : spec_(SpecOf(table)), row_(row), failed_(!CheckColumns(spec_, row).ok()) {}

  std::int64_t Int(std::int64_t min, std::int64_t max) {
    const std::int64_t value = Next<std::int64_t>();
    Require(value >= min && value <= max);
    return value;
  }
  std::int64_t Time() { return Int(0, kMaxInt); }
  std::optional<std::int64_t> OptionalTime() { return NextIsNull() ? std::nullopt : std::optional(Time()); }
  KeyId Key() { return KeyId{static_cast<std::uint64_t>(Int(1, kMaxInt))}; }
  KeyVersion KeyVersionNumber() {
    return KeyVersion{static_cast<std::uint32_t>(Int(1, std::numeric_limits<std::uint32_t>::max()))};
  }
  SecretVersion SecretVersionNumber() { return SecretVersion{Int(1, kMaxInt)}; }
  // An enumeration whose numbers are 1 to `last`.
  template <typename Enum>
  Enum Choice(Enum last) {
    return static_cast<Enum>(Int(1, static_cast<std::int64_t>(last)));
  }

  // Any UUID; zeros mean global where a tenant is named.
  template <typename Id>
  Id UuidOrZero() {
    return Id{Next<Uuid>().bytes};
  }
  template <typename Id>
  Id UuidNotZero() {
    const Id id = UuidOrZero<Id>();
    Require(!id.IsZero());
    return id;
  }

  std::string Text(std::size_t min, std::size_t max) {
    std::string text = Next<std::string>();
    Require(text.size() >= min && text.size() <= max && IsUtf8(text));
    return text;
  }
  std::string Slug() {
    std::string text = Next<std::string>();
    Require(IsSlug(text));
    return text;
  }

  Bytes Blob() { return Next<Bytes>(); }
  std::optional<Bytes> OptionalBlob() { return NextIsNull() ? std::nullopt : std::optional(Blob()); }
  template <typename Array>
  Array Fixed() {
    Array out{};
    const Bytes bytes = Blob();
    Require(bytes.size() == out.size());
    if (!failed_) std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
  }

  void Require(bool condition) { failed_ = failed_ || !condition; }

  template <typename Record>
  Result<Record> Finish(Record record) const {
    if (failed_) return Error(ErrorCode::kIntegrity, "a row holds what was never written").At(spec_.name);
    return record;
  }

 private:
  template <typename T>
  T Next() {
    if (failed_) return T{};
    const T* value = std::get_if<T>(&row_[next_++]);
    Require(value != nullptr);
    return value == nullptr ? T{} : *value;
  }
  bool NextIsNull() {
    if (failed_ || !std::holds_alternative<NullValue>(row_[next_])) return false;
    ++next_;
    return true;
  }

  const TableSpec& spec_;
  const Row& row_;
  std::size_t next_ = 0;
  bool failed_;
};

template <typename T>
Datum OptionalDatum(const std::optional<T>& value) {
  return value ? Datum(*value) : Datum(NullValue{});
}

}  // namespace coffer::keysvc
