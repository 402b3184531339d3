// AES-256-GCM (NIST SP 800-38D) with a 12-byte nonce and a 16-byte tag, for one message under one key. Internal to
// crypto/: the step beneath XAES, apart so that it can be tested against outside vectors.
#pragma once

#include "crypto/bytes.h"

namespace coffer::internal {

inline constexpr std::size_t kTagSize = 16;

// kAutomatic: libsodium for short messages on a processor with AES-NI and PCLMULQDQ, else OpenSSL. Both give the same
// bytes.
enum class GcmBackend : std::uint8_t { kAutomatic, kOpenSsl, kLibsodium };

// True when this processor can run `backend`.
bool IsAvailable(GcmBackend backend);

// out.size() == plaintext.size(); the two may be the same memory but not overlap otherwise. key 32, nonce 12, tag 16
// bytes. kInternal: above 2^31 - 1 bytes, or the library fails. The expanded key is wiped. Thread-safe, as the next
// one.
Status GcmEncrypt(GcmBackend backend, ByteView key, ByteView nonce, ByteView plaintext, ByteView associated_data,
                  MutableBytes out, MutableBytes tag);

// False when the tag does not match; `out` is then wiped. out.size() == ciphertext.size().
Result<bool> GcmDecrypt(GcmBackend backend, ByteView key, ByteView nonce, ByteView ciphertext, ByteView tag,
                        ByteView associated_data, MutableBytes out);

}  // namespace coffer::internal
