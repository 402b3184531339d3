// SecretBlob: how Grafana stores one encrypted value (pkg/services/encryption, pkg/services/secrets/manager).
//
//   blob     = ["#" base64(data key id) "#"] inner        without a data key: under secret_key itself ("legacy")
//   inner    = ["*" base64(algorithm) "*"] salt[8] iv body     base64 without padding; no or an empty name: aes-cfb,
//              and without a name the salt is letters and digits, which Grafana made its salts of
//   aes-cfb  : iv[16], body as long as the plaintext; nothing tells a wrong key
//   aes-gcm  : iv[12], body with its tag[16], no associated data
//   key      = PBKDF2-HMAC-SHA-256(passphrase, salt, 10,000 iterations), 32 bytes
#pragma once

#include <optional>
#include <string>

#include "crypto/bytes.h"
#include "crypto/secret_bytes.h"

namespace coffer::grafana {

enum class BlobCipher : std::uint8_t { kAesCfb, kAesGcm };

struct SecretBlob {
  static constexpr std::size_t kMaxDataKeyId = 256;              // bytes
  static constexpr std::size_t kMaxSize = std::size_t{1} << 30;  // bytes

  std::optional<std::string> data_key;  // its id, text without controls; nothing: secret_key itself
  BlobCipher cipher = BlobCipher::kAesCfb;
  bool names_cipher = true;  // the oldest rows do not
  bool empty_name = false;   // "**", which some rows have for aes-cfb
  Bytes salt;
  Bytes iv;
  Bytes body;

  // kInvalidArgument: no such thing. Of 24 and more random bytes one in 80,000 is an aes-cfb blob that does not name
  // its cipher.
  static Result<SecretBlob> Parse(ByteView bytes);
  // The bytes that Parse read, to the last one.
  Bytes ToBytes() const;

  // Under `passphrase`: secret_key, or the data key's bytes. kDecryptFailed for aes-gcm under another one; aes-cfb then
  // gives garbage, so look at what comes out.
  Result<SecretBytes> Decrypt(const SecretBytes& passphrase) const;
  // With a fresh salt and IV, and a cipher that is named. `plaintext` at most kMaxSize - 1,024 bytes, the id 1 to
  // kMaxDataKeyId bytes of text.
  static SecretBlob Encrypt(const SecretBytes& plaintext, const SecretBytes& passphrase, BlobCipher cipher,
                            std::optional<std::string> data_key);
  // The same in this blob's form: under the same data key's id or none, with the same cipher, named as here. As long as
  // this one when the plaintexts are.
  SecretBlob EncryptAlike(const SecretBytes& plaintext, const SecretBytes& passphrase) const;
};

}  // namespace coffer::grafana
