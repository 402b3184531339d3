#include "crypto/jws_key.h"

#include <array>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto/internal/openssl.h"

namespace coffer {
namespace {

using internal::Owned;
using Number = Owned<BIGNUM, BN_free>;
using Builder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;

constexpr std::byte kUncompressedPoint{4};  // SEC 1 section 2.3.3

Error Refused(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

Number NumberOf(ByteView big_endian) {
  Number number(BN_bin2bn(AsUnsigned(big_endian), static_cast<int>(big_endian.size()), nullptr));
  COFFER_CHECK(number != nullptr);
  return number;
}

// Checked by the library: a point on its curve; an odd composite modulus without small factors. Null when it is not.
std::shared_ptr<EVP_PKEY> MakeKey(const char* type, OSSL_PARAM_BLD& builder) {
  const Owned<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(&builder));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> making(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  COFFER_CHECK(params != nullptr && making != nullptr && EVP_PKEY_fromdata_init(making.get()) == 1);
  EVP_PKEY* made = nullptr;
  bool good = EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  std::shared_ptr<EVP_PKEY> key(made, EVP_PKEY_free);
  if (good) {
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> checking(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
    COFFER_CHECK(checking != nullptr);
    good = EVP_PKEY_public_check(checking.get()) == 1;
  }
  ERR_clear_error();
  return good ? key : nullptr;
}

// r and s as they stand in a JWS (RFC 7518 section 3.4), as the DER that the library takes. Its numbers have no fixed
// size, so only zero needs to be refused here: it refuses what is not below the order.
std::optional<Bytes> DerOfRawSignature(ByteView raw) {
  if (raw.size() != 2 * JwsPublicKey::kP256Size) return std::nullopt;
  Number r = NumberOf(raw.first(JwsPublicKey::kP256Size));
  Number s = NumberOf(raw.last(JwsPublicKey::kP256Size));
  if (BN_is_zero(r.get()) || BN_is_zero(s.get())) return std::nullopt;
  const Owned<ECDSA_SIG, ECDSA_SIG_free> signature(ECDSA_SIG_new());
  COFFER_CHECK(signature != nullptr && ECDSA_SIG_set0(signature.get(), r.get(), s.get()) == 1);
  static_cast<void>(r.release());  // the signature's now
  static_cast<void>(s.release());
  const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  COFFER_CHECK(size > 0);
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* end = AsUnsigned(MutableBytes(der));
  COFFER_CHECK(i2d_ECDSA_SIG(signature.get(), &end) == size);
  return der;
}

bool VerifySha256(EVP_PKEY& key, bool rsa, ByteView message, ByteView signature) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;  // the context's
  COFFER_CHECK(context != nullptr);
  COFFER_CHECK(EVP_DigestVerifyInit(context.get(), &settings, EVP_sha256(), nullptr, &key) == 1);
  COFFER_CHECK(!rsa || EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PADDING) == 1);
  const bool verified = EVP_DigestVerify(context.get(), AsUnsigned(signature), signature.size(), AsUnsigned(message),
                                         message.size()) == 1;
  ERR_clear_error();
  return verified;
}

}  // namespace

std::string_view JwsAlgorithmName(JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::kEs256:
      return "ES256";
    case JwsAlgorithm::kRs256:
      return "RS256";
    case JwsAlgorithm::kEdDsa:
      return "EdDSA";
  }
  return "?";
}

std::optional<JwsAlgorithm> ParseJwsAlgorithm(std::string_view name) {
  for (const JwsAlgorithm algorithm : {JwsAlgorithm::kEs256, JwsAlgorithm::kRs256, JwsAlgorithm::kEdDsa}) {
    if (name == JwsAlgorithmName(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Result<JwsPublicKey> JwsPublicKey::FromRsa(ByteView n, ByteView e) {
  if (n.empty() || e.empty() || n.front() == std::byte{0} || e.front() == std::byte{0}) {
    return Refused("an RSA key's n and e are numbers without leading zero bytes");
  }
  if (n.size() > kMaxRsaBits / 8) return Refused("an RSA modulus has 2048 to 8192 bits");
  if (e.size() > kMaxRsaExponentSize) return Refused("an RSA exponent has at most 64 bits");
  const Number modulus = NumberOf(n);
  const Number exponent = NumberOf(e);
  if (BN_num_bits(modulus.get()) < static_cast<int>(kMinRsaBits)) {
    return Refused("an RSA modulus has 2048 to 8192 bits");
  }
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) return Refused("an RSA exponent is odd and at least 3");
  const Builder builder(OSSL_PARAM_BLD_new());
  COFFER_CHECK(builder != nullptr);
  COFFER_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1);
  COFFER_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1);
  EvpKey key = MakeKey("RSA", *builder);
  if (key == nullptr) return Refused("an RSA modulus is the product of two large primes, and this one is not");
  return JwsPublicKey(JwsAlgorithm::kRs256, std::move(key));
}

Result<JwsPublicKey> JwsPublicKey::FromP256(ByteView x, ByteView y) {
  if (x.size() != kP256Size || y.size() != kP256Size) return Refused("a P-256 key's x and y have 32 bytes each");
  Bytes point{kUncompressedPoint};
  Append(point, x);
  Append(point, y);
  const Builder builder(OSSL_PARAM_BLD_new());
  COFFER_CHECK(builder != nullptr);
  COFFER_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
  COFFER_CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) ==
               1);
  EvpKey key = MakeKey("EC", *builder);
  if (key == nullptr) return Refused("a P-256 key's x and y are no point on the curve");
  return JwsPublicKey(JwsAlgorithm::kEs256, std::move(key));
}

Result<JwsPublicKey> JwsPublicKey::FromEd25519(ByteView x) {
  COFFER_ASSIGN_OR_RETURN(Ed25519PublicKey key, Ed25519PublicKey::FromBytes(x));
  return JwsPublicKey(JwsAlgorithm::kEdDsa, key);
}

bool JwsPublicKey::Verify(ByteView message, ByteView signature) const {
  if (algorithm_ == JwsAlgorithm::kEdDsa) return std::get<Ed25519PublicKey>(key_).Verify(message, signature);
  EVP_PKEY& key = *std::get<EvpKey>(key_);
  if (algorithm_ == JwsAlgorithm::kRs256) {
    return signature.size() == static_cast<std::size_t>(EVP_PKEY_get_size(&key)) &&
           VerifySha256(key, true, message, signature);
  }
  const std::optional<Bytes> der = DerOfRawSignature(signature);
  return der && VerifySha256(key, false, message, *der);
}

}  // namespace coffer
