// Passphrases to keys: Argon2id (RFC 9106) over libsodium, with floors and caps on what is read back.
#pragma once

#include <array>

#include "crypto/secret_bytes.h"

namespace coffer {

struct Argon2Params {
  std::uint32_t passes = 3;               // t; 2 to 16
  std::uint32_t memory_kib = 256 * 1024;  // m; 64 MiB to 1 GiB (a planted header must not exhaust memory)
  std::array<std::byte, 16> salt{};       // parallelism is always 1

  // A fresh salt with the default costs.
  static Argon2Params Generate();
  Status Validate() const;
};

inline constexpr std::size_t kMinPassphrase = 12;    // bytes
inline constexpr std::size_t kMaxPassphrase = 1024;  // bytes

// 32 bytes. kInvalidArgument: parameters or passphrase outside their limits. kUnavailable: not enough memory.
// Thread-safe.
Result<SecretBytes> Argon2id(const SecretBytes& passphrase, const Argon2Params& params);

}  // namespace coffer
