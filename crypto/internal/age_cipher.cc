#include "crypto/internal/age_cipher.h"

#include <algorithm>

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/cursor.h"
#include "crypto/hash.h"
#include "crypto/internal/openssl.h"

namespace coffer::internal {
namespace {

constexpr std::size_t kKeySize = 32;

const EVP_CIPHER* FetchedChaChaPoly() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  COFFER_CHECK(cipher != nullptr);
  return cipher;
}

Error LibraryFailed() { return {ErrorCode::kInternal, "the ChaCha20-Poly1305 library failed"}; }

void StartSodium() {
  static const bool started = sodium_init() >= 0;
  COFFER_CHECK(started);
}

}  // namespace

struct ChaChaPoly::State {
  Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context;
};

ChaChaPoly::ChaChaPoly(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChaChaPoly::~ChaChaPoly() = default;
ChaChaPoly::ChaChaPoly(ChaChaPoly&&) noexcept = default;
ChaChaPoly& ChaChaPoly::operator=(ChaChaPoly&&) noexcept = default;

Result<ChaChaPoly> ChaChaPoly::Create(const SecretBytes& key) {
  COFFER_CHECK(key.size() == kKeySize);
  auto state = std::make_unique<State>();
  state->context.reset(EVP_CIPHER_CTX_new());
  if (state->context == nullptr ||
      EVP_CipherInit_ex2(state->context.get(), FetchedChaChaPoly(), AsUnsigned(key.Expose(SecretAccess::kCipher)),
                         nullptr, 1, nullptr) != 1) {
    return LibraryFailed();
  }
  return ChaChaPoly(std::move(state));
}

// An empty chunk makes no update: OpenSSL reads a null pointer as another request.
Status ChaChaPoly::Seal(const ChaChaNonce& nonce, ByteView plaintext, MutableBytes out) {
  COFFER_CHECK(plaintext.size() <= kAgeChunkSize && out.size() == plaintext.size() + kAgeTagSize);
  EVP_CIPHER_CTX* const context = state_->context.get();
  const int size = static_cast<int>(plaintext.size());
  const MutableBytes tag = out.last(kAgeTagSize);
  int written = 0;
  if (EVP_CipherInit_ex2(context, nullptr, nullptr, AsUnsigned(ByteView(nonce)), 1, nullptr) != 1 ||
      (size > 0 && EVP_CipherUpdate(context, AsUnsigned(out), &written, AsUnsigned(plaintext), size) != 1) ||
      written != size || EVP_CipherFinal_ex(context, AsUnsigned(tag), &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAgeTagSize, tag.data()) != 1) {
    return LibraryFailed();
  }
  return {};
}

Result<bool> ChaChaPoly::Open(const ChaChaNonce& nonce, ByteView sealed, MutableBytes out) {
  COFFER_CHECK(out.size() <= kAgeChunkSize && sealed.size() == out.size() + kAgeTagSize);
  EVP_CIPHER_CTX* const context = state_->context.get();
  const int size = static_cast<int>(out.size());
  std::array<std::byte, kAgeTagSize> tag{};  // A copy, because OpenSSL's setter takes a pointer to what is not const.
  std::copy_n(sealed.last(kAgeTagSize).begin(), tag.size(), tag.begin());
  int written = 0;
  if (EVP_CipherInit_ex2(context, nullptr, nullptr, AsUnsigned(ByteView(nonce)), 0, nullptr) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAgeTagSize, tag.data()) != 1 ||
      (size > 0 && EVP_CipherUpdate(context, AsUnsigned(out), &written, AsUnsigned(sealed), size) != 1) ||
      written != size) {
    Wipe(out);
    return LibraryFailed();
  }
  std::array<std::byte, kAgeTagSize> rest{};  // A stream cipher leaves nothing for the end.
  const bool authentic = EVP_CipherFinal_ex(context, AsUnsigned(MutableBytes(rest)), &written) == 1;
  if (!authentic) Wipe(out);
  return authentic;
}

X25519Point X25519Base(const SecretBytes& secret) {
  COFFER_CHECK(secret.size() == kKeySize);
  StartSodium();
  X25519Point point{};
  COFFER_CHECK(
      crypto_scalarmult_base(AsUnsigned(MutableBytes(point)), AsUnsigned(secret.Expose(SecretAccess::kCipher))) == 0);
  return point;
}

Result<SecretBytes> X25519(const SecretBytes& secret, const X25519Point& point) {
  COFFER_CHECK(secret.size() == kKeySize);
  StartSodium();
  SecretBytes shared(kKeySize);
  if (crypto_scalarmult(AsUnsigned(shared.ExposeMutable(SecretAccess::kCipher)),
                        AsUnsigned(secret.Expose(SecretAccess::kCipher)), AsUnsigned(ByteView(point))) != 0) {
    return Error(ErrorCode::kInvalidArgument, "an X25519 public key is of low order");
  }
  return shared;
}

SecretBytes DeriveAgeKey(const SecretBytes& ikm, ByteView salt, std::string_view info) {
  return HkdfSha256(ikm.Expose(SecretAccess::kCipher), salt, AsBytes(info), kKeySize);
}

Result<AgeChunks> AgeChunks::Create(const SecretBytes& file_key, const AgePayloadNonce& nonce) {
  COFFER_CHECK(file_key.size() == kAgeFileKeySize);
  COFFER_ASSIGN_OR_RETURN(ChaChaPoly cipher, ChaChaPoly::Create(DeriveAgeKey(file_key, nonce, "payload")));
  return AgeChunks(std::move(cipher));
}

// The chunk's number in 11 bytes, of which a u64 never fills the first three, and whether it is the last.
ChaChaNonce AgeChunks::NextNonce(bool is_last) {
  ChaChaNonce nonce{};
  StoreU64(MutableBytes(nonce).subspan(3, 8), count_++);
  nonce.back() = static_cast<std::byte>(is_last ? 1 : 0);
  return nonce;
}

Status AgeChunks::Seal(ByteView plaintext, bool is_last, Bytes& out) {
  const std::size_t at = out.size();
  out.resize(at + plaintext.size() + kAgeTagSize);
  return cipher_.Seal(NextNonce(is_last), plaintext, MutableBytes(out).subspan(at));
}

Result<bool> AgeChunks::Open(ByteView sealed, bool is_last, MutableBytes out) {
  return cipher_.Open(NextNonce(is_last), sealed, out);
}

}  // namespace coffer::internal
