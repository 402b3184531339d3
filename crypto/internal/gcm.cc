#include "crypto/internal/gcm.h"

#include <limits>

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/internal/openssl.h"

namespace coffer::internal {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kMaxSize = std::numeric_limits<int>::max();
// Above this the faster bulk code of OpenSSL outweighs its slower start.
constexpr std::size_t kMaxShortMessage = 1024;

using CipherContext = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

// An empty span may have a null pointer, which OpenSSL reads as another request and libsodium forbids.
constexpr std::array<std::byte, 1> kNothing{};
ByteView NeverNull(ByteView bytes) { return bytes.empty() ? ByteView(kNothing).first(0) : bytes; }

// Where the library may write out.size() bytes, with a place of its own when that is none.
class Output {
 public:
  explicit Output(MutableBytes out) : out_(out) {}
  unsigned char* get() { return AsUnsigned(out_.empty() ? MutableBytes(nowhere_) : out_); }

 private:
  MutableBytes out_;
  std::array<std::byte, 1> nowhere_{};
};

const EVP_CIPHER* FetchedGcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  COFFER_CHECK(cipher != nullptr);
  return cipher;
}

Error LibraryFailed() { return {ErrorCode::kInternal, "the AES-GCM library failed"}; }

int IntSize(ByteView bytes) { return static_cast<int>(bytes.size()); }

// The expanded key of one message, wiped at the end.
class SodiumKey {
 public:
  explicit SodiumKey(ByteView key) { ok_ = crypto_aead_aes256gcm_beforenm(&state_, AsUnsigned(key)) == 0; }
  SodiumKey(const SodiumKey&) = delete;
  SodiumKey& operator=(const SodiumKey&) = delete;
  ~SodiumKey() { sodium_memzero(&state_, sizeof(state_)); }
  bool ok() const { return ok_; }
  const crypto_aead_aes256gcm_state* get() const { return &state_; }

 private:
  crypto_aead_aes256gcm_state state_;
  bool ok_ = false;
};

bool UseSodium(GcmBackend backend, std::size_t size) {
  switch (backend) {
    case GcmBackend::kLibsodium:
      return true;
    case GcmBackend::kOpenSsl:
      return false;
    case GcmBackend::kAutomatic:
      return size <= kMaxShortMessage && IsAvailable(GcmBackend::kLibsodium);
  }
  return false;
}

Status SodiumEncrypt(ByteView key, ByteView nonce, ByteView plaintext, ByteView associated_data, MutableBytes out,
                     MutableBytes tag) {
  const SodiumKey expanded(key);
  if (!expanded.ok() ||
      crypto_aead_aes256gcm_encrypt_detached_afternm(
          Output(out).get(), AsUnsigned(tag), nullptr, AsUnsigned(plaintext), plaintext.size(),
          AsUnsigned(associated_data), associated_data.size(), nullptr, AsUnsigned(nonce), expanded.get()) != 0) {
    return LibraryFailed();
  }
  return {};
}

Result<bool> SodiumDecrypt(ByteView key, ByteView nonce, ByteView ciphertext, ByteView tag, ByteView associated_data,
                           MutableBytes out) {
  const SodiumKey expanded(key);
  if (!expanded.ok()) return LibraryFailed();
  return crypto_aead_aes256gcm_decrypt_detached_afternm(Output(out).get(), nullptr, AsUnsigned(NeverNull(ciphertext)),
                                                        ciphertext.size(), AsUnsigned(tag), AsUnsigned(associated_data),
                                                        associated_data.size(), AsUnsigned(nonce), expanded.get()) == 0;
}

Status OpenSslEncrypt(ByteView key, ByteView nonce, ByteView plaintext, ByteView associated_data, MutableBytes out,
                      MutableBytes tag) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* const raw = context.get();
  int size = 0;
  if (raw == nullptr || EVP_EncryptInit_ex2(raw, FetchedGcm(), AsUnsigned(key), AsUnsigned(nonce), nullptr) != 1 ||
      EVP_EncryptUpdate(raw, nullptr, &size, AsUnsigned(NeverNull(associated_data)), IntSize(associated_data)) != 1 ||
      EVP_EncryptUpdate(raw, Output(out).get(), &size, AsUnsigned(NeverNull(plaintext)), IntSize(plaintext)) != 1 ||
      EVP_EncryptFinal_ex(raw, AsUnsigned(tag), &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag.data()) != 1) {
    return LibraryFailed();
  }
  return {};
}

Result<bool> OpenSslDecrypt(ByteView key, ByteView nonce, ByteView ciphertext, ByteView tag, ByteView associated_data,
                            MutableBytes out) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* const raw = context.get();
  std::array<std::byte, kTagSize> expected{};  // A copy, because OpenSSL's setter takes a pointer to what is not const.
  std::copy(tag.begin(), tag.end(), expected.begin());
  int size = 0;
  if (raw == nullptr || EVP_DecryptInit_ex2(raw, FetchedGcm(), AsUnsigned(key), AsUnsigned(nonce), nullptr) != 1 ||
      EVP_DecryptUpdate(raw, nullptr, &size, AsUnsigned(NeverNull(associated_data)), IntSize(associated_data)) != 1 ||
      EVP_DecryptUpdate(raw, Output(out).get(), &size, AsUnsigned(NeverNull(ciphertext)), IntSize(ciphertext)) != 1 ||
      EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_TAG, kTagSize, expected.data()) != 1) {
    return LibraryFailed();
  }
  return EVP_DecryptFinal_ex(raw, AsUnsigned(MutableBytes(expected)), &size) == 1;
}

Status CheckSizes(ByteView key, ByteView nonce, ByteView in, ByteView associated_data, ByteView out, ByteView tag) {
  COFFER_CHECK(key.size() == kKeySize && nonce.size() == kNonceSize && tag.size() == kTagSize &&
               in.size() == out.size());
  if (in.size() > kMaxSize || associated_data.size() > kMaxSize) {
    return Error(ErrorCode::kInternal, "a message is larger than AES-GCM takes here").WithLimit(kMaxSize);
  }
  return {};
}

}  // namespace

bool IsAvailable(GcmBackend backend) {
  static const bool has_aes_ni = sodium_init() >= 0 && crypto_aead_aes256gcm_is_available() == 1;
  return backend != GcmBackend::kLibsodium || has_aes_ni;
}

Status GcmEncrypt(GcmBackend backend, ByteView key, ByteView nonce, ByteView plaintext, ByteView associated_data,
                  MutableBytes out, MutableBytes tag) {
  COFFER_TRY(CheckSizes(key, nonce, plaintext, associated_data, out, tag));
  if (UseSodium(backend, plaintext.size())) return SodiumEncrypt(key, nonce, plaintext, associated_data, out, tag);
  return OpenSslEncrypt(key, nonce, plaintext, associated_data, out, tag);
}

Result<bool> GcmDecrypt(GcmBackend backend, ByteView key, ByteView nonce, ByteView ciphertext, ByteView tag,
                        ByteView associated_data, MutableBytes out) {
  COFFER_TRY(CheckSizes(key, nonce, ciphertext, associated_data, out, tag));
  auto matches = UseSodium(backend, ciphertext.size())
                     ? SodiumDecrypt(key, nonce, ciphertext, tag, associated_data, out)
                     : OpenSslDecrypt(key, nonce, ciphertext, tag, associated_data, out);
  if (!matches.ok() || !*matches) Wipe(out);
  return matches;
}

}  // namespace coffer::internal
