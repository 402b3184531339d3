#include "crypto/key_wrap.h"

#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/internal/xaes.h"

namespace coffer {
namespace {

using internal::kTagSize;

constexpr std::string_view kLabel("coffer/v1/wrap\0", 15);
constexpr std::size_t kHeaderSize = 10;
constexpr std::size_t kNonceSize = sizeof(Nonce);
constexpr std::uint8_t kFormatByte = 0xC2;
constexpr std::uint8_t kAlgorithm = 0x02;
constexpr std::size_t kContentAt = kHeaderSize + kNonceSize;
constexpr std::size_t kTagAt = kContentAt + kKeySize;
constexpr std::size_t kCommitmentAt = kTagAt + kTagSize;
static_assert(kCommitmentAt + sizeof(Digest) == kWrappedKeySize);

using Header = std::array<std::byte, kHeaderSize>;

bool IsKeyringPurpose(std::uint8_t purpose) {
  return purpose >= static_cast<std::uint8_t>(KeyringPurpose::kEncrypt) &&
         purpose <= static_cast<std::uint8_t>(KeyringPurpose::kIndex);
}

// The format's table, one line a kind.
bool FitsTable(const WrapContext& c, KeyId wrapping_key_id) {
  if (!c.inner.IsValid() || !wrapping_key_id.IsValid()) return false;
  const bool of_keyring = !c.keyring.IsZero();
  const bool of_version = c.version.value != 0;
  switch (c.kind) {
    case WrapKind::kKek:
      return of_keyring && !of_version && c.tenant.IsZero() && c.purpose == 0;
    case WrapKind::kDataKey:
      return of_keyring && of_version && IsKeyringPurpose(c.purpose);
    case WrapKind::kCallerKey:
      return of_keyring && of_version && c.inner == wrapping_key_id &&
             c.purpose == static_cast<std::uint8_t>(KeyringPurpose::kEncrypt);
    case WrapKind::kSealSlot:
      return !of_keyring && !of_version && c.tenant.IsZero() && c.purpose == 0;
  }
  return false;
}

Header MakeHeader(KeyId wrapping_key_id) {
  Header header{std::byte{kFormatByte}, std::byte{kAlgorithm}};
  StoreU64(MutableBytes(header).subspan(2), wrapping_key_id.value);
  return header;
}

Bytes AssociatedData(const Header& header, const WrapContext& c) {
  Bytes out;
  Writer(out)
      .Raw(kLabel)
      .Raw(header)
      .LengthPrefixed(c.store.view())
      .U8(static_cast<std::uint8_t>(c.kind))
      .Raw(c.keyring.view())
      .U32(c.version.value)
      .U64(c.inner.value)
      .Raw(c.tenant.view())
      .U8(c.purpose);
  return out;
}

Error NotAKey() { return {ErrorCode::kInvalidArgument, "a key is 32 bytes"}; }
Error UnwrapFailed() { return {ErrorCode::kDecryptFailed, "the key does not unwrap here"}; }

}  // namespace

WrapContext WrapContext::Kek(StoreUuid store, KeyringUuid keyring, KeyId kek) {
  return {store, WrapKind::kKek, keyring, {}, kek, {}, 0};
}

WrapContext WrapContext::DataKey(StoreUuid store, KeyringUuid keyring, KeyVersion version, KeyId data_key,
                                 TenantUuid tenant, KeyringPurpose purpose) {
  return {store, WrapKind::kDataKey, keyring, version, data_key, tenant, static_cast<std::uint8_t>(purpose)};
}

WrapContext WrapContext::CallerKey(StoreUuid store, KeyringUuid keyring, KeyVersion version, KeyId data_key,
                                   TenantUuid tenant) {
  return {store,
          WrapKind::kCallerKey,
          keyring,
          version,
          data_key,
          tenant,
          static_cast<std::uint8_t>(KeyringPurpose::kEncrypt)};
}

WrapContext WrapContext::SealSlot(StoreUuid store, KeyId root_key) {
  return {store, WrapKind::kSealSlot, {}, {}, root_key, {}, 0};
}

Result<WrappedKey> WrapKey(const SecretBytes& wrapping_key, KeyId wrapping_key_id, const WrapContext& context,
                           const SecretBytes& key) {
  if (wrapping_key.size() != kKeySize || key.size() != kKeySize) return NotAKey();
  if (!FitsTable(context, wrapping_key_id)) {
    return Error(ErrorCode::kInvalidArgument, "a key of this kind is not wrapped with these ids, version or purpose");
  }
  const WrapKeys keys = DeriveWrapKeys(wrapping_key);
  COFFER_ASSIGN_OR_RETURN(const auto xaes, internal::XaesKey::Create(keys.encryption.Expose(SecretAccess::kCipher)));
  const Header header = MakeHeader(wrapping_key_id);
  const Bytes associated_data = AssociatedData(header, context);
  const Nonce nonce = NextNonce();

  WrappedKey wrapped{};
  const MutableBytes out(wrapped);
  const MutableBytes tag = out.subspan(kTagAt, kTagSize);
  COFFER_TRY(
      xaes.Encrypt(nonce, key.Expose(SecretAccess::kCipher), associated_data, out.subspan(kContentAt, kKeySize), tag));
  const Digest commitment = internal::Commitment(keys.commitment, nonce, associated_data, tag);
  std::copy(header.begin(), header.end(), out.begin());
  std::copy(nonce.begin(), nonce.end(), out.subspan(kHeaderSize).begin());
  std::copy(commitment.begin(), commitment.end(), out.subspan(kCommitmentAt).begin());
  return wrapped;
}

Result<SecretBytes> UnwrapKey(const SecretBytes& wrapping_key, KeyId wrapping_key_id, const WrapContext& context,
                              ByteView wrapped) {
  if (wrapping_key.size() != kKeySize) return NotAKey();
  // As in FieldCipher::Decrypt: what cannot be right is decrypted all the same.
  static constexpr WrappedKey kNoKey{};
  const bool has_size = wrapped.size() == kWrappedKeySize;
  const ByteView in = has_size ? wrapped : ByteView(kNoKey);
  const Header header = MakeHeader(wrapping_key_id);
  const bool is_ours =
      has_size && EqualConstantTime(in.first(kHeaderSize), header) && FitsTable(context, wrapping_key_id);

  const WrapKeys keys = DeriveWrapKeys(wrapping_key);
  COFFER_ASSIGN_OR_RETURN(const auto xaes, internal::XaesKey::Create(keys.encryption.Expose(SecretAccess::kCipher)));
  const Bytes associated_data = AssociatedData(header, context);
  const ByteView nonce = in.subspan(kHeaderSize, kNonceSize);
  const ByteView tag = in.subspan(kTagAt, kTagSize);
  SecretBytes key(kKeySize);
  const bool commits =
      EqualConstantTime(in.subspan(kCommitmentAt), internal::Commitment(keys.commitment, nonce, associated_data, tag));
  COFFER_ASSIGN_OR_RETURN(const bool matches, xaes.Decrypt(nonce, in.subspan(kContentAt, kKeySize), tag,
                                                           associated_data, key.ExposeMutable(SecretAccess::kCipher)));
  if (!is_ours || !commits || !matches) return UnwrapFailed();
  return key;
}

}  // namespace coffer
