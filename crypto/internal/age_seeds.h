// What an AgeEncryptor draws at random, given instead: for test vectors. Internal to crypto/.
#pragma once

#include "crypto/age_file.h"
#include "crypto/internal/age_cipher.h"

namespace coffer::internal {

struct AgeSeeds {
  SecretBytes file_key;                 // 16 bytes
  std::vector<SecretBytes> ephemerals;  // 32 bytes for each recipient
  AgePayloadNonce nonce{};

  static AgeSeeds Generate(std::size_t recipients);
  // As AgeEncryptor::Create. Two files with the same seeds give their plaintexts away.
  Result<AgeEncryptor> MakeEncryptor(std::span<const AgeRecipient> recipients) const {
    return AgeEncryptor::CreateWith(recipients, *this);
  }
};

}  // namespace coffer::internal
