// XAES-256-GCM (C2SP), the one AEAD. Internal to crypto/: it takes a nonce, which no public header does.
//
// L = AES_K(0), K1 = dbl(L), Kx = AES_K(M1 ^ K1) || AES_K(M2 ^ K1) with M_i = 00 i 58 00 || N[0..12); then AES-256-GCM
// under Kx with nonce N[12..24). The two AES blocks come from one cached OpenSSL context; the GCM from libsodium where
// the processor has AES-NI and the message is small, else from OpenSSL. Both give the same bytes.
#pragma once

#include "crypto/internal/gcm.h"
#include "crypto/random.h"

namespace coffer::internal {

// One XAES key, ready for use. Thread-safe: any number of threads may encrypt and decrypt at once. Wiped when
// destroyed.
class XaesKey {
 public:
  // kInvalidArgument: `key` is not 32 bytes, or kLibsodium on a processor without AES-NI.
  static Result<XaesKey> Create(ByteView key, GcmBackend backend = GcmBackend::kAutomatic);
  ~XaesKey();
  XaesKey(XaesKey&&) noexcept;
  XaesKey& operator=(XaesKey&&) noexcept;

  // nonce.size() == 24, out.size() == plaintext.size(); the two may be the same memory but not overlap otherwise.
  // tag.size() == 16.
  Status Encrypt(ByteView nonce, ByteView plaintext, ByteView associated_data, MutableBytes out,
                 MutableBytes tag) const;
  // False when the tag does not match; `out` is then wiped. out.size() == ciphertext.size().
  Result<bool> Decrypt(ByteView nonce, ByteView ciphertext, ByteView tag, ByteView associated_data,
                       MutableBytes out) const;

 private:
  struct State;
  explicit XaesKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// SHA-256("coffer/v1/cmt" 00, Kc, nonce, LP(AD), tag): commits to key, nonce, associated data and tag.
std::array<std::byte, 32> Commitment(const SecretBytes& commitment_key, ByteView nonce, ByteView associated_data,
                                     ByteView tag);

}  // namespace coffer::internal
