// AES-SIV (RFC 5297), deterministic authenticated encryption: S2V over CMAC (NIST SP 800-38B), then CTR. Internal to
// crypto/.
//
// Composed here over OpenSSL's AES-ECB contexts: OpenSSL 3.0's own SIV gives a tag of zeros for an empty plaintext, and
// its contexts cost ten times as much to start.
#pragma once

#include <memory>

#include "crypto/bytes.h"

namespace coffer::internal {

inline constexpr std::size_t kSivSize = 16;

// One SIV key, ready for use. Thread-safe: any number of threads may encrypt and decrypt at once. Wiped when
// destroyed.
class SivKey {
 public:
  // `key` is K1, the left half, then K2: 64 bytes for AEAD_AES_SIV_CMAC_512, which is the suite's; 32 for
  // AEAD_AES_SIV_CMAC_256, which is there because RFC 5297's own vectors use it. kInvalidArgument: any other size.
  static Result<SivKey> Create(ByteView key);
  ~SivKey();
  SivKey(SivKey&&) noexcept;
  SivKey& operator=(SivKey&&) noexcept;

  // Each of `components` is one string of S2V, an empty one too; at most 126. v.size() == kSivSize, out.size() ==
  // plaintext.size(); those two may be the same memory but not overlap otherwise. kInternal: the library fails.
  Status Encrypt(std::span<const ByteView> components, ByteView plaintext, MutableBytes v, MutableBytes out) const;

  // False when V is not that of what was decrypted; `out` is then wiped. out.size() == ciphertext.size().
  Result<bool> Decrypt(std::span<const ByteView> components, ByteView v, ByteView ciphertext, MutableBytes out) const;

 private:
  struct State;
  explicit SivKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer::internal
