#include "crypto/age_keys.h"

#include <algorithm>

#include "crypto/internal/age_cipher.h"
#include "crypto/internal/bech32.h"
#include "crypto/random.h"

namespace coffer {
namespace {

using internal::X25519Point;

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "AGE-SECRET-KEY-";
constexpr std::size_t kKeySize = 32;

// Below 2^255 - 19, as a little-endian number: else it is a second text of another recipient, whom stock age encrypts
// to under a salt that no identity derives.
bool IsCanonical(const X25519Point& point) {
  const auto byte = [&point](std::size_t i) { return std::to_integer<unsigned>(point[i]); };
  if (byte(kKeySize - 1) != 0x7F) return byte(kKeySize - 1) < 0x7F;
  for (std::size_t i = kKeySize - 2; i > 0; --i) {
    if (byte(i) != 0xFF) return true;
  }
  return byte(0) < 0xED;
}

bool IsOfLowOrder(const X25519Point& point) {
  SecretBytes one(kKeySize);
  one.ExposeMutable(SecretAccess::kCipher).front() = std::byte{1};
  return !internal::X25519(one, point).ok();
}

bool BeginsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

}  // namespace

Result<AgeRecipient> AgeRecipient::Parse(std::string_view text) {
  if (BeginsWith(text, kIdentityPrefix)) {
    return Error(ErrorCode::kInvalidArgument, "this is a secret identity, and a recipient (age1...) is wanted");
  }
  X25519Point point{};
  COFFER_TRY(internal::DecodeBech32(kRecipientPrefix, AsBytes(text), point));
  if (!IsCanonical(point) || IsOfLowOrder(point)) {
    return Error(ErrorCode::kInvalidArgument, "the recipient is no X25519 public key that anybody has");
  }
  return AgeRecipient(point);
}

std::string AgeRecipient::ToText() const {
  std::string text(internal::Bech32Size(kRecipientPrefix, kKeySize), '\0');
  internal::EncodeBech32(kRecipientPrefix, public_key_, AsMutableBytes(text));
  return text;
}

AgeIdentity::AgeIdentity(SecretBytes secret) : secret_(std::move(secret)), recipient_(internal::X25519Base(secret_)) {}

AgeIdentity AgeIdentity::Generate() { return AgeIdentity(RandomSecret(kKeySize)); }

AgeIdentity AgeIdentity::Clone() const { return AgeIdentity(secret_.Clone()); }

Result<AgeIdentity> AgeIdentity::Parse(const SecretBytes& text) {
  SecretBytes secret(kKeySize);
  COFFER_TRY(internal::DecodeBech32(kIdentityPrefix, text.Expose(SecretAccess::kCipher),
                                    secret.ExposeMutable(SecretAccess::kCipher)));
  return AgeIdentity(std::move(secret));
}

SecretBytes AgeIdentity::ToText() const {
  SecretBytes text(internal::Bech32Size(kIdentityPrefix, kKeySize));
  internal::EncodeBech32(kIdentityPrefix, secret_.Expose(SecretAccess::kCipher),
                         text.ExposeMutable(SecretAccess::kCipher));
  return text;
}

Result<std::vector<AgeIdentity>> ParseAgeIdentities(const SecretBytes& file) {
  if (file.size() > kMaxAgeIdentityFile) {
    return Error(ErrorCode::kInvalidArgument, "the identity file is longer than allowed, in bytes")
        .WithLimit(kMaxAgeIdentityFile);
  }
  std::vector<AgeIdentity> identities;
  std::string_view rest = AsText(file.Expose(SecretAccess::kCipher));
  for (std::uint64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    auto identity = AgeIdentity::Parse(SecretBytes::CopyOf(AsBytes(line)));
    if (!identity.ok()) return std::move(identity).error().AtLine(number);
    identities.push_back(*std::move(identity));
  }
  if (identities.empty() || identities.size() > kMaxAgeKeys) {
    return Error(ErrorCode::kInvalidArgument, "the identity file holds none or too many identities")
        .WithLimit(kMaxAgeKeys);
  }
  return identities;
}

}  // namespace coffer
