// Strong types for ids and versions, so that two integers or two UUIDs are never mixed up.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <functional>

#include "crypto/bytes.h"

namespace coffer {

// 16 bytes in RFC 9562 order. Each kind of thing has its own type; they convert only by name.
template <typename Tag>
struct UuidOf {
  std::array<std::byte, 16> bytes{};

  auto operator<=>(const UuidOf&) const = default;
  ByteView view() const { return bytes; }
  bool IsZero() const { return *this == UuidOf{}; }

  // "0192f3a0-....": lower-case text form. Parse takes exactly 36 characters, either case.
  std::string ToText() const;
  static Result<UuidOf> Parse(std::string_view text);
  // Exactly 16 bytes.
  static Result<UuidOf> FromBytes(ByteView bytes);
  // RFC 9562 version 7: `unix_ms` in front, the rest random.
  static UuidOf Generate(std::uint64_t unix_ms);
};

// The same three over plain bytes, so that the templates hold no logic.
std::string UuidToText(ByteView bytes16);
Result<std::array<std::byte, 16>> UuidBytesFromText(std::string_view text);
std::array<std::byte, 16> GenerateUuidBytes(std::uint64_t unix_ms);

template <typename Tag>
std::string UuidOf<Tag>::ToText() const {
  return UuidToText(bytes);
}

template <typename Tag>
Result<UuidOf<Tag>> UuidOf<Tag>::Parse(std::string_view text) {
  COFFER_ASSIGN_OR_RETURN(const auto parsed, UuidBytesFromText(text));
  return UuidOf{parsed};
}

template <typename Tag>
Result<UuidOf<Tag>> UuidOf<Tag>::FromBytes(ByteView bytes) {
  UuidOf uuid;
  if (bytes.size() != uuid.bytes.size()) return Error(ErrorCode::kInvalidArgument, "a UUID is 16 bytes");
  std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  return uuid;
}

template <typename Tag>
UuidOf<Tag> UuidOf<Tag>::Generate(std::uint64_t unix_ms) {
  return UuidOf{GenerateUuidBytes(unix_ms)};
}

using StoreUuid = UuidOf<struct StoreTag>;
using ScopeUuid = UuidOf<struct ScopeTag>;
using TenantUuid = UuidOf<struct TenantTag>;
using FieldUuid = UuidOf<struct FieldTag>;
using KeyringUuid = UuidOf<struct KeyringTag>;
using SecretUuid = UuidOf<struct SecretTag>;
using Uuid = UuidOf<struct AnyTag>;  // A UUID value of a caller's column.

// A key's id: random, 1 to 2^63 - 1, unique per store over living and tombstoned keys. 0 is "none".
struct KeyId {
  std::uint64_t value = 0;
  auto operator<=>(const KeyId&) const = default;
  bool IsValid() const { return value != 0 && (value >> 63) == 0; }
  static KeyId Generate();
};

// A keyring's version, counted from 1. 0 is "none" (a KEK's place in the wrap format).
struct KeyVersion {
  std::uint32_t value = 0;
  auto operator<=>(const KeyVersion&) const = default;
};

// Counts the store's mutations.
struct StoreEpoch {
  std::uint64_t value = 0;
  auto operator<=>(const StoreEpoch&) const = default;
};

}  // namespace coffer

template <typename Tag>
struct std::hash<coffer::UuidOf<Tag>> {
  std::size_t operator()(const coffer::UuidOf<Tag>& uuid) const noexcept {
    return std::hash<std::string_view>{}(coffer::AsText(uuid.bytes));
  }
};
template <>
struct std::hash<coffer::KeyId> {
  std::size_t operator()(const coffer::KeyId& id) const noexcept { return static_cast<std::size_t>(id.value); }
};
