#include "crypto/hash.h"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/internal/openssl.h"

namespace coffer {
namespace {

using internal::Owned;

// Fetched once: an implicit fetch costs more than the hash itself. Kept until the process ends.
const EVP_MD* FetchedSha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  COFFER_CHECK(md != nullptr);
  return md;
}

EVP_MAC* FetchedHmac() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  COFFER_CHECK(mac != nullptr);
  return mac;
}

// A thread's digest context: making one costs as much as hashing 200 bytes. Holds nothing secret between uses: OpenSSL
// cleanses the block buffer at the end and the state is then the digest.
EVP_MD_CTX* ThreadDigest() {
  thread_local const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  COFFER_CHECK(context != nullptr);
  return context.get();
}

Owned<EVP_MAC_CTX, EVP_MAC_CTX_free> NewHmacSha256() {
  Owned<EVP_MAC_CTX, EVP_MAC_CTX_free> context(EVP_MAC_CTX_new(FetchedHmac()));
  COFFER_CHECK(context != nullptr);
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  COFFER_CHECK(EVP_MAC_CTX_set_params(context.get(), parameters.data()) == 1);
  return context;
}

// A thread's HMAC context: the digest's name is looked up once, not at each call.
EVP_MAC_CTX* ThreadHmac() {
  thread_local const Owned<EVP_MAC_CTX, EVP_MAC_CTX_free> context = NewHmacSha256();
  return context.get();
}

constexpr std::array<std::byte, 32> kNoKey{};

// A null key pointer means "the same key again" to OpenSSL, so an empty key is one byte's address and size 0.
bool SetKey(EVP_MAC_CTX* context, ByteView key) {
  return EVP_MAC_init(context, AsUnsigned(key.empty() ? ByteView(kNoKey) : key), key.size(), nullptr) == 1;
}

}  // namespace

Digest Sha256(std::initializer_list<ByteView> pieces) {
  EVP_MD_CTX* const context = ThreadDigest();
  COFFER_CHECK(EVP_DigestInit_ex2(context, FetchedSha256(), nullptr) == 1);
  for (ByteView piece : pieces) COFFER_CHECK(EVP_DigestUpdate(context, piece.data(), piece.size()) == 1);
  Digest digest{};
  unsigned size = 0;
  COFFER_CHECK(EVP_DigestFinal_ex(context, AsUnsigned(MutableBytes(digest)), &size) == 1 && size == digest.size());
  return digest;
}

Digest HmacSha256(ByteView key, std::initializer_list<ByteView> pieces) {
  EVP_MAC_CTX* const context = ThreadHmac();
  COFFER_CHECK(SetKey(context, key));
  for (ByteView piece : pieces) COFFER_CHECK(EVP_MAC_update(context, AsUnsigned(piece), piece.size()) == 1);
  Digest digest{};
  std::size_t size = 0;
  COFFER_CHECK(EVP_MAC_final(context, AsUnsigned(MutableBytes(digest)), &size, digest.size()) == 1);
  COFFER_CHECK(size == digest.size());
  COFFER_CHECK(SetKey(context, kNoKey));  // The context lives on; the key must not.
  return digest;
}

SecretBytes HkdfSha256(ByteView ikm, ByteView salt, ByteView info, std::size_t length) {
  constexpr std::size_t kMaxLength = 255 * sizeof(Digest);
  COFFER_CHECK(length >= 1 && length <= kMaxLength);
  Digest pseudorandom_key = HmacSha256(salt, {ikm});
  SecretBytes out(length);
  MutableBytes rest = out.ExposeMutable(SecretAccess::kCipher);
  Digest block{};
  for (std::uint8_t counter = 1; !rest.empty(); ++counter) {
    const std::array<std::byte, 1> suffix = {std::byte{counter}};
    const ByteView previous = counter == 1 ? ByteView() : ByteView(block);
    block = HmacSha256(pseudorandom_key, {previous, info, suffix});
    const std::size_t size = std::min(rest.size(), block.size());
    std::copy_n(block.begin(), size, rest.begin());
    rest = rest.subspan(size);
  }
  Wipe(block);
  Wipe(pseudorandom_key);
  return out;
}

}  // namespace coffer
