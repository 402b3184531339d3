#include "crypto/internal/keyed_hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/internal/spare_context.h"

namespace coffer::internal {
namespace {

using MacContext = SpareContext<EVP_MAC_CTX, EVP_MAC_CTX_free, EVP_MAC_CTX_dup>;

// Fetched once and kept until the process ends: an implicit fetch costs more than the MAC.
EVP_MAC* FetchedHmac() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  COFFER_CHECK(mac != nullptr);
  return mac;
}

Error LibraryFailed() { return {ErrorCode::kInternal, "the HMAC library failed"}; }

}  // namespace

struct KeyedHmac::State {
  explicit State(MacContext::Handle pattern) : contexts(std::move(pattern)) {}
  MacContext contexts;
};

Result<KeyedHmac> KeyedHmac::Create(const SecretBytes& key) {
  COFFER_CHECK(!key.empty());  // A null key means "the same again" to OpenSSL.
  MacContext::Handle pattern(EVP_MAC_CTX_new(FetchedHmac()));
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  if (pattern == nullptr ||
      EVP_MAC_init(pattern.get(), AsUnsigned(key.Expose(SecretAccess::kCipher)), key.size(), parameters.data()) != 1) {
    return LibraryFailed();
  }
  return KeyedHmac(std::make_unique<State>(std::move(pattern)));
}

KeyedHmac::KeyedHmac(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyedHmac::~KeyedHmac() = default;
KeyedHmac::KeyedHmac(KeyedHmac&&) noexcept = default;
KeyedHmac& KeyedHmac::operator=(KeyedHmac&&) noexcept = default;

Result<Digest> KeyedHmac::Of(std::initializer_list<ByteView> pieces) const {
  MacContext::Handle context = state_->contexts.Lease();
  if (context == nullptr || EVP_MAC_init(context.get(), nullptr, 0, nullptr) != 1) return LibraryFailed();
  for (ByteView piece : pieces) {
    if (EVP_MAC_update(context.get(), AsUnsigned(piece), piece.size()) != 1) return LibraryFailed();
  }
  Digest digest{};
  std::size_t size = 0;
  if (EVP_MAC_final(context.get(), AsUnsigned(MutableBytes(digest)), &size, digest.size()) != 1 ||
      size != digest.size()) {
    return LibraryFailed();
  }
  state_->contexts.Return(std::move(context));
  return digest;
}

}  // namespace coffer::internal
