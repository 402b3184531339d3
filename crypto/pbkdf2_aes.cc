#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_*, see PassphraseHmac
#include "crypto/pbkdf2_aes.h"

#include <algorithm>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "crypto/hash.h"
#include "crypto/internal/gcm.h"
#include "crypto/internal/openssl.h"

namespace coffer {
namespace {

constexpr std::size_t kHashBlockSize = SHA256_CBLOCK;
constexpr internal::GcmBackend kBackend = internal::GcmBackend::kAutomatic;

// HMAC-SHA-256 (RFC 2104) under one key, whose two blocks are hashed once. OpenSSL's PBKDF2 copies contexts of EVP on
// the heap for each iteration and takes twice as long; these plain structs are what EVP itself computes with.
class PassphraseHmac {
 public:
  explicit PassphraseHmac(ByteView key) {
    std::array<std::byte, kHashBlockSize> block{};
    Digest hashed{};
    if (key.size() > block.size()) {
      hashed = Sha256({key});
      key = hashed;
    }
    std::copy(key.begin(), key.end(), block.begin());
    Begin(inner_, block, std::byte{0x36});
    Begin(outer_, block, std::byte{0x5C});
    Wipe(block);
    Wipe(hashed);
  }
  PassphraseHmac(const PassphraseHmac&) = delete;
  PassphraseHmac& operator=(const PassphraseHmac&) = delete;
  ~PassphraseHmac() {
    for (SHA256_CTX* context : {&inner_, &outer_, &running_}) {
      Wipe(std::as_writable_bytes(std::span(context, 1)));
    }
  }

  // `message` may be `out`.
  void Of(ByteView message, Digest& out) {
    Finish(inner_, message, out);
    Finish(outer_, out, out);
  }

 private:
  static void Begin(SHA256_CTX& context, std::array<std::byte, kHashBlockSize> block, std::byte pad) {
    for (std::byte& b : block) b ^= pad;
    COFFER_CHECK(SHA256_Init(&context) == 1 && SHA256_Update(&context, block.data(), block.size()) == 1);
    Wipe(block);
  }
  void Finish(const SHA256_CTX& begun, ByteView message, Digest& out) {
    running_ = begun;
    COFFER_CHECK(SHA256_Update(&running_, message.data(), message.size()) == 1);
    COFFER_CHECK(SHA256_Final(AsUnsigned(MutableBytes(out)), &running_) == 1);
  }

  SHA256_CTX inner_{};
  SHA256_CTX outer_{};
  SHA256_CTX running_{};
};

// Fetched once and kept until the process ends.
const EVP_CIPHER* FetchedCfb() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CFB", nullptr);
  COFFER_CHECK(cipher != nullptr);
  return cipher;
}

Status CheckSizes(const SecretBytes& key, ByteView iv, std::size_t iv_size, std::size_t text_size) {
  if (key.size() != kAesKeySize) return Error(ErrorCode::kInvalidArgument, "a key of AES-256 is 32 bytes");
  if (iv.size() != iv_size) {
    return Error(ErrorCode::kInvalidArgument, "the IV or nonce has another size, in bytes").WithLimit(iv_size);
  }
  if (text_size > kAesMaxSize) {
    return Error(ErrorCode::kInvalidArgument, "the text is longer than AES takes here, in bytes")
        .WithLimit(kAesMaxSize);
  }
  return {};
}

enum class Direction : int { kDecrypt = 0, kEncrypt = 1 };

Status RunCfb(Direction direction, const SecretBytes& key, ByteView iv, ByteView in, MutableBytes out) {
  COFFER_TRY(CheckSizes(key, iv, kCfbIvSize, in.size()));
  if (in.empty()) return {};
  const internal::Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  int size = 0;
  if (context == nullptr ||
      EVP_CipherInit_ex2(context.get(), FetchedCfb(), AsUnsigned(key.Expose(SecretAccess::kCipher)), AsUnsigned(iv),
                         static_cast<int>(direction), nullptr) != 1 ||
      EVP_CipherUpdate(context.get(), AsUnsigned(out), &size, AsUnsigned(in), static_cast<int>(in.size())) != 1 ||
      static_cast<std::size_t>(size) != in.size()) {
    return Error(ErrorCode::kInternal, "the AES-CFB library failed");
  }
  return {};
}

}  // namespace

SecretBytes Pbkdf2HmacSha256(const SecretBytes& passphrase, ByteView salt, std::uint32_t iterations) {
  COFFER_CHECK(iterations >= 1);
  static_assert(sizeof(Digest) == kAesKeySize, "the key is the first block, and all of it");
  PassphraseHmac hmac(passphrase.Expose(SecretAccess::kCipher));
  Bytes first = CopyOf(salt);
  Append(first, std::array{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}});
  Digest block{};
  hmac.Of(first, block);
  Digest sum = block;
  for (std::uint32_t i = 1; i < iterations; ++i) {
    hmac.Of(block, block);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] ^= block[j];
  }
  SecretBytes key = SecretBytes::CopyOf(sum);
  Wipe(block);
  Wipe(sum);
  return key;
}

Result<Bytes> AesCfbEncrypt(const SecretBytes& key, ByteView iv, const SecretBytes& plaintext) {
  Bytes ciphertext(plaintext.size());
  COFFER_TRY(RunCfb(Direction::kEncrypt, key, iv, plaintext.Expose(SecretAccess::kCipher), ciphertext));
  return ciphertext;
}

Result<SecretBytes> AesCfbDecrypt(const SecretBytes& key, ByteView iv, ByteView ciphertext) {
  SecretBytes plaintext(ciphertext.size());
  COFFER_TRY(RunCfb(Direction::kDecrypt, key, iv, ciphertext, plaintext.ExposeMutable(SecretAccess::kCipher)));
  return plaintext;
}

Result<Bytes> AesGcmEncrypt(const SecretBytes& key, ByteView nonce, const SecretBytes& plaintext) {
  COFFER_TRY(CheckSizes(key, nonce, kGcmNonceSize, plaintext.size()));
  Bytes ciphertext(plaintext.size() + kGcmTagSize);
  const MutableBytes out(ciphertext);
  COFFER_TRY(internal::GcmEncrypt(kBackend, key.Expose(SecretAccess::kCipher), nonce,
                                  plaintext.Expose(SecretAccess::kCipher), {}, out.first(plaintext.size()),
                                  out.last(kGcmTagSize)));
  return ciphertext;
}

Result<SecretBytes> AesGcmDecrypt(const SecretBytes& key, ByteView nonce, ByteView ciphertext) {
  constexpr Literal kRefused = "the ciphertext does not decrypt under this key";
  if (ciphertext.size() < kGcmTagSize) return Error(ErrorCode::kDecryptFailed, kRefused);
  const std::size_t size = ciphertext.size() - kGcmTagSize;
  COFFER_TRY(CheckSizes(key, nonce, kGcmNonceSize, size));
  SecretBytes plaintext(size);
  COFFER_ASSIGN_OR_RETURN(const bool matches, internal::GcmDecrypt(kBackend, key.Expose(SecretAccess::kCipher), nonce,
                                                                   ciphertext.first(size), ciphertext.last(kGcmTagSize),
                                                                   {}, plaintext.ExposeMutable(SecretAccess::kCipher)));
  if (!matches) return Error(ErrorCode::kDecryptFailed, kRefused);
  return plaintext;
}

}  // namespace coffer
