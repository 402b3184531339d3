#include "tests/crypto/accumulated.h"

#include <openssl/evp.h>

#include "crypto/internal/openssl.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

using DigestContext = internal::Owned<EVP_MD_CTX, EVP_MD_CTX_free>;

DigestContext NewShake128() {
  DigestContext context(EVP_MD_CTX_new());
  COFFER_CHECK(EVP_DigestInit_ex(context.get(), EVP_shake128(), nullptr) == 1);
  return context;
}

// OpenSSL 3.0 squeezes once, so the source is one long output. A round takes at most 32 + 24 + 2 * 256 bytes, 313 on
// average.
Bytes SourceBytes(std::size_t rounds) {
  Bytes source(rounds * 320 + 4096);
  COFFER_CHECK(EVP_DigestFinalXOF(NewShake128().get(), AsUnsigned(MutableBytes(source)), source.size()) == 1);
  return source;
}

}  // namespace

std::string AccumulatedXaes(std::size_t rounds, internal::GcmBackend backend) {
  const Bytes source = SourceBytes(rounds);
  Reader reader(source);
  const DigestContext accumulator = NewShake128();
  Bytes out;
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto key = internal::XaesKey::Create(reader.Take(32), backend);
    const ByteView nonce = reader.Take(24);
    const ByteView plaintext = reader.Take(reader.U8());
    const ByteView associated_data = reader.Take(reader.U8());
    COFFER_CHECK(!reader.failed() && key.ok());
    out.resize(plaintext.size() + internal::kTagSize);
    const MutableBytes content = MutableBytes(out).first(plaintext.size());
    const MutableBytes tag = MutableBytes(out).last(internal::kTagSize);
    COFFER_CHECK(key->Encrypt(nonce, plaintext, associated_data, content, tag).ok());
    COFFER_CHECK(EVP_DigestUpdate(accumulator.get(), out.data(), out.size()) == 1);
  }
  Bytes digest(32);
  COFFER_CHECK(EVP_DigestFinalXOF(accumulator.get(), AsUnsigned(MutableBytes(digest)), digest.size()) == 1);
  return ToHex(digest);
}

}  // namespace coffer
