// The X25519 stanza of age v1 (docs/FORMAT.md section 7): a file key, wrapped for one recipient. Internal to crypto/.
#pragma once

#include <optional>

#include "crypto/age_keys.h"
#include "crypto/internal/age_cipher.h"
#include "crypto/internal/age_header.h"

namespace coffer::internal {

struct X25519Stanza {
  X25519Point share{};
  std::array<std::byte, kAgeFileKeySize + kAgeTagSize> wrapped{};
};

// The stanza for `recipient`. `ephemeral` is 32 random bytes, one a stanza. kInternal: the library fails.
Result<AgeStanza> WrapAgeFileKey(const SecretBytes& file_key, const AgeRecipient& recipient,
                                 const SecretBytes& ephemeral);

// The X25519 stanzas of a header; other types are read over. kInvalidArgument: one of them is malformed.
Result<std::vector<X25519Stanza>> X25519StanzasOf(const AgeHeader& header);

// The file key, or nothing when the stanza is another's. kInvalidArgument: the share is of low order.
Result<std::optional<SecretBytes>> UnwrapAgeFileKey(const X25519Stanza& stanza, const AgeIdentity& identity);

// The MAC of a header under the file key.
Digest AgeHeaderMac(const SecretBytes& file_key, ByteView under_mac);

}  // namespace coffer::internal
