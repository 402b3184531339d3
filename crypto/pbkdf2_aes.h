// What Grafana keeps its secrets with: PBKDF2-HMAC-SHA-256 (RFC 8018), AES-256-CFB128 (NIST SP 800-38A) and AES-256-GCM
// (NIST SP 800-38D), with an IV or nonce of the caller's. For plugins/grafana, which reads and writes that format;
// nothing of ours is encrypted with it. Our own ciphers draw their nonces themselves (field_cipher.h), and CFB has no
// authentication.
//
// Keys are 32 bytes, the IV of CFB 16, the nonce of GCM 12, a text at most kAesMaxSize bytes; any other size is
// kInvalidArgument. kInternal: the library fails. All thread-safe.
#pragma once

#include "crypto/secret_bytes.h"

namespace coffer {

inline constexpr std::size_t kAesKeySize = 32;
inline constexpr std::size_t kCfbIvSize = 16;
inline constexpr std::size_t kGcmNonceSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;
inline constexpr std::size_t kAesMaxSize = std::size_t{1} << 30;

// A key of 32 bytes from a passphrase of any size. `iterations` 1 or more; 10,000 take about 2 ms.
SecretBytes Pbkdf2HmacSha256(const SecretBytes& passphrase, ByteView salt, std::uint32_t iterations);

// As long as what goes in. A wrong key, another IV or a changed ciphertext gives garbage and no error.
Result<Bytes> AesCfbEncrypt(const SecretBytes& key, ByteView iv, const SecretBytes& plaintext);
Result<SecretBytes> AesCfbDecrypt(const SecretBytes& key, ByteView iv, ByteView ciphertext);

// The ciphertext ends with its tag of 16 bytes; there is no associated data. Two texts under one key and nonce give
// both away. kDecryptFailed: another key or nonce, or not what was encrypted.
Result<Bytes> AesGcmEncrypt(const SecretBytes& key, ByteView nonce, const SecretBytes& plaintext);
Result<SecretBytes> AesGcmDecrypt(const SecretBytes& key, ByteView nonce, ByteView ciphertext);

}  // namespace coffer
