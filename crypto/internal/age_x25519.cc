#include "crypto/internal/age_x25519.h"

#include <algorithm>

namespace coffer::internal {
namespace {

constexpr std::string_view kType = "X25519";
constexpr std::string_view kWrapInfo = "age-encryption.org/v1/X25519";
constexpr ChaChaNonce kWrapNonce{};  // Each wrapping key wraps one file key.

Result<ChaChaPoly> WrapCipher(const SecretBytes& shared, const X25519Point& share, const AgeRecipient& recipient) {
  Bytes salt = CopyOf(share);
  Append(salt, recipient.public_key());
  return ChaChaPoly::Create(DeriveAgeKey(shared, salt, kWrapInfo));
}

Error Malformed(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

Result<X25519Stanza> ParseStanza(const AgeStanza& stanza) {
  X25519Stanza parsed;
  if (stanza.arguments.size() != 2) return Malformed("an X25519 stanza of the age header has not two arguments");
  COFFER_ASSIGN_OR_RETURN(const Bytes share, FromAgeBase64(stanza.arguments[1]));
  if (share.size() != parsed.share.size() || stanza.body.size() != parsed.wrapped.size()) {
    return Malformed("an X25519 stanza of the age header has a share or a body that is not 32 bytes");
  }
  std::copy(share.begin(), share.end(), parsed.share.begin());
  std::copy(stanza.body.begin(), stanza.body.end(), parsed.wrapped.begin());
  return parsed;
}

}  // namespace

Result<AgeStanza> WrapAgeFileKey(const SecretBytes& file_key, const AgeRecipient& recipient,
                                 const SecretBytes& ephemeral) {
  const X25519Point share = X25519Base(ephemeral);
  COFFER_ASSIGN_OR_RETURN(const SecretBytes shared, X25519(ephemeral, recipient.public_key()));
  COFFER_ASSIGN_OR_RETURN(ChaChaPoly cipher, WrapCipher(shared, share, recipient));
  AgeStanza stanza{{std::string(kType), ToAgeBase64(share)}, Bytes(kAgeFileKeySize + kAgeTagSize)};
  COFFER_TRY(cipher.Seal(kWrapNonce, file_key.Expose(SecretAccess::kCipher), stanza.body));
  return stanza;
}

Result<std::vector<X25519Stanza>> X25519StanzasOf(const AgeHeader& header) {
  std::vector<X25519Stanza> found;
  for (const AgeStanza& stanza : header.stanzas) {
    if (stanza.arguments.front() != kType) continue;
    COFFER_ASSIGN_OR_RETURN(const X25519Stanza parsed, ParseStanza(stanza));
    found.push_back(parsed);
  }
  return found;
}

Result<std::optional<SecretBytes>> UnwrapAgeFileKey(const X25519Stanza& stanza, const AgeIdentity& identity) {
  COFFER_ASSIGN_OR_RETURN(const SecretBytes shared, X25519(identity.secret(), stanza.share));
  COFFER_ASSIGN_OR_RETURN(ChaChaPoly cipher, WrapCipher(shared, stanza.share, identity.Recipient()));
  SecretBytes file_key(kAgeFileKeySize);
  COFFER_ASSIGN_OR_RETURN(const bool ours,
                          cipher.Open(kWrapNonce, stanza.wrapped, file_key.ExposeMutable(SecretAccess::kCipher)));
  if (!ours) return std::optional<SecretBytes>();
  return std::optional<SecretBytes>(std::move(file_key));
}

Digest AgeHeaderMac(const SecretBytes& file_key, ByteView under_mac) {
  const SecretBytes key = DeriveAgeKey(file_key, {}, "header");
  return HmacSha256(key.Expose(SecretAccess::kCipher), {under_mac});
}

}  // namespace coffer::internal
