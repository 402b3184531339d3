#include "crypto/derive.h"

#include <algorithm>

#include "crypto/cursor.h"

namespace coffer {
namespace {

constexpr std::array<std::byte, 32> kSalt{};
constexpr std::size_t kDerivedKeySize = 32;
constexpr std::size_t kSivKeySize = 64;
constexpr std::size_t kSlowSaltSize = 16;

SecretBytes Derive(const SecretBytes& key, std::string_view label, ByteView fields, std::size_t length) {
  Bytes info;
  Writer(info).Raw("coffer/v1/").Raw(label).U8(0).Raw(fields);
  return HkdfSha256(key.Expose(SecretAccess::kCipher), kSalt, info, length);
}

}  // namespace

FieldKeys DeriveFieldKeys(const SecretBytes& data_key, Suite suite, TenantUuid tenant, FieldUuid field) {
  Bytes fields;
  Writer(fields).U8(static_cast<std::uint8_t>(suite)).Raw(tenant.view()).Raw(field.view());
  return {Derive(data_key, "enc", fields, kDerivedKeySize), Derive(data_key, "cmt", fields, kDerivedKeySize)};
}

SecretBytes DeriveDeterministicKey(const SecretBytes& data_key, TenantUuid tenant, FieldUuid field) {
  Bytes fields;
  Writer(fields).U8(static_cast<std::uint8_t>(Suite::kAes256Siv)).Raw(tenant.view()).Raw(field.view());
  return Derive(data_key, "det", fields, kSivKeySize);
}

SecretBytes DeriveCallerKeyWrapping(const SecretBytes& data_key, TenantUuid tenant, FieldUuid field) {
  Bytes fields;
  Writer(fields).U8(static_cast<std::uint8_t>(Suite::kXaes256GcmCommitting)).Raw(tenant.view()).Raw(field.view());
  return Derive(data_key, "dek", fields, kDerivedKeySize);
}

IndexKeys DeriveIndexKeys(const SecretBytes& index_data_key, TenantUuid tenant, IndexDomainUuid domain,
                          std::uint32_t profile) {
  Bytes fields;
  Writer(fields).Raw(tenant.view()).Raw(domain.view()).U32(profile);
  return {Derive(index_data_key, "idx", fields, kDerivedKeySize),
          Derive(index_data_key, "pad", fields, kDerivedKeySize), Derive(index_data_key, "slw", fields, kSlowSaltSize)};
}

WrapKeys DeriveWrapKeys(const SecretBytes& wrapping_key) {
  return {Derive(wrapping_key, "wrap", {}, kDerivedKeySize), Derive(wrapping_key, "wcm", {}, kDerivedKeySize)};
}

IntegrityKeys DeriveIntegrityKeys(const SecretBytes& root_key, StoreUuid store) {
  return {Derive(root_key, "meta", store.view(), kDerivedKeySize),
          Derive(root_key, "set", store.view(), kDerivedKeySize)};
}

SecretBytes DeriveRequestKey(const SecretBytes& root_key, StoreUuid store) {
  return Derive(root_key, "ask", store.view(), kDerivedKeySize);
}

AuditKeys DeriveAuditKeys(const SecretBytes& month_key) {
  return {Derive(month_key, "aud-personal", {}, kDerivedKeySize), Derive(month_key, "aud-rows", {}, kDerivedKeySize)};
}

KeyCheckValue DeriveKeyCheckValue(const SecretBytes& key) {
  KeyCheckValue value{};
  const SecretBytes derived = Derive(key, "kcv", {}, value.size());
  const ByteView bytes = derived.Expose(SecretAccess::kCipher);
  std::copy(bytes.begin(), bytes.end(), value.begin());
  return value;
}

}  // namespace coffer
