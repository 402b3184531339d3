// The keys of age v1 files (docs/FORMAT.md section 7): a recipient is a public key that a file is encrypted to, an
// identity the secret that decrypts it. X25519 only; the texts are those of stock age.
#pragma once

#include <array>

#include "crypto/secret_bytes.h"

namespace coffer {

// An X25519 public key, in the one encoding of its point and not of low order. Immutable and thread-safe.
class AgeRecipient {
 public:
  // "age1" and 58 characters, in lower case. kInvalidArgument for anything else.
  static Result<AgeRecipient> Parse(std::string_view text);
  std::string ToText() const;

  const std::array<std::byte, 32>& public_key() const { return public_key_; }
  bool operator==(const AgeRecipient&) const = default;

 private:
  friend class AgeIdentity;
  explicit AgeRecipient(const std::array<std::byte, 32>& public_key) : public_key_(public_key) {}
  std::array<std::byte, 32> public_key_;
};

// Move-only; wiped when destroyed. const methods are thread-safe.
class AgeIdentity {
 public:
  static AgeIdentity Generate();
  // "AGE-SECRET-KEY-1" and 58 characters, in upper case, and nothing around. kInvalidArgument for anything else.
  static Result<AgeIdentity> Parse(const SecretBytes& text);
  SecretBytes ToText() const;

  const AgeRecipient& Recipient() const { return recipient_; }
  AgeIdentity Clone() const;
  // The 32 bytes as generated, for X25519.
  const SecretBytes& secret() const { return secret_; }

 private:
  explicit AgeIdentity(SecretBytes secret);
  SecretBytes secret_;
  AgeRecipient recipient_;
};

inline constexpr std::size_t kMaxAgeKeys = 20;              // recipients of a file, identities of a reader
inline constexpr std::size_t kMaxAgeIdentityFile = 65'536;  // bytes

// An identity file, as age-keygen writes it: a line an identity, empty lines and lines that begin with '#' between
// them. kInvalidArgument, with the line: another line, none or more than kMaxAgeKeys identities, or a text that is too
// long.
Result<std::vector<AgeIdentity>> ParseAgeIdentities(const SecretBytes& file);

}  // namespace coffer
