#include "crypto/es256_key.h"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "crypto/internal/openssl.h"
#include "crypto/random.h"

namespace coffer {
namespace {

using internal::Owned;
using SecretNumber = Owned<BIGNUM, BN_clear_free>;

constexpr std::size_t kScalarSize = Es256PrivateKey::kSize;

// What the scalar's point is in SEC 1's uncompressed form: 4, x, y.
using UncompressedPoint = std::array<std::byte, 1 + 2 * kScalarSize>;

// Null when it is not from 1 to the order less 1.
SecretNumber NumberOf(const SecretBytes& d, const EC_GROUP& group) {
  SecretNumber number(BN_secure_new());
  COFFER_CHECK(number != nullptr);
  const ByteView bytes = d.Expose(SecretAccess::kCipher);
  COFFER_CHECK(BN_bin2bn(AsUnsigned(bytes), static_cast<int>(bytes.size()), number.get()) != nullptr);
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  const bool good = !BN_is_zero(number.get()) && BN_cmp(number.get(), EC_GROUP_get0_order(&group)) < 0;
  return good ? std::move(number) : nullptr;
}

UncompressedPoint PointOf(const BIGNUM& number, const EC_GROUP& group) {
  const Owned<EC_POINT, EC_POINT_free> point(EC_POINT_new(&group));
  COFFER_CHECK(point != nullptr && EC_POINT_mul(&group, point.get(), &number, nullptr, nullptr, nullptr) == 1);
  UncompressedPoint bytes{};
  const std::size_t size = EC_POINT_point2oct(&group, point.get(), POINT_CONVERSION_UNCOMPRESSED,
                                              AsUnsigned(MutableBytes(bytes)), bytes.size(), nullptr);
  COFFER_CHECK(size == bytes.size());
  return bytes;
}

std::shared_ptr<EVP_PKEY> KeyOf(const BIGNUM& number, const UncompressedPoint& point) {
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  COFFER_CHECK(builder != nullptr);
  COFFER_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
  COFFER_CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) ==
               1);
  COFFER_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1);
  const Owned<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> making(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  COFFER_CHECK(params != nullptr && making != nullptr && EVP_PKEY_fromdata_init(making.get()) == 1);
  EVP_PKEY* made = nullptr;
  COFFER_CHECK(EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_KEYPAIR, params.get()) == 1);
  return {made, EVP_PKEY_free};
}

// DER's numbers as a JWS has them: of a fixed size.
Es256PrivateKey::Signature RawOf(const Bytes& der) {
  const unsigned char* begin = AsUnsigned(ByteView(der));
  const Owned<ECDSA_SIG, ECDSA_SIG_free> signature(d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(der.size())));
  COFFER_CHECK(signature != nullptr);
  Es256PrivateKey::Signature raw{};
  unsigned char* const out = AsUnsigned(MutableBytes(raw));
  constexpr int kPart = static_cast<int>(kScalarSize);
  COFFER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kPart) == kPart);
  COFFER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kPart, kPart) == kPart);
  return raw;
}

}  // namespace

Es256PrivateKey Es256PrivateKey::Generate() {
  for (;;) {
    Result<Es256PrivateKey> key = FromScalar(RandomSecret(kSize));
    if (key.ok()) return std::move(key).value();  // one of 2^32 is not below the order
  }
}

Result<Es256PrivateKey> Es256PrivateKey::FromScalar(const SecretBytes& d) {
  if (d.size() != kSize) return Error(ErrorCode::kInvalidArgument, "a P-256 private key has 32 bytes");
  const Owned<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  COFFER_CHECK(group != nullptr);
  const SecretNumber number = NumberOf(d, *group);
  if (number == nullptr) {
    return Error(ErrorCode::kInvalidArgument, "a P-256 private key is from 1 to the order of the curve less 1");
  }
  const UncompressedPoint uncompressed = PointOf(*number, *group);
  Point point{};
  std::copy(uncompressed.begin() + 1, uncompressed.end(), point.begin());
  const ByteView x_and_y(point);
  COFFER_ASSIGN_OR_RETURN(JwsPublicKey public_key, JwsPublicKey::FromP256(x_and_y.first(kSize), x_and_y.last(kSize)));
  return Es256PrivateKey(d.Clone(), KeyOf(*number, uncompressed), point, std::move(public_key));
}

SecretBytes Es256PrivateKey::Scalar() const { return d_.Clone(); }

Es256PrivateKey::Signature Es256PrivateKey::Sign(ByteView message) const {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  COFFER_CHECK(context != nullptr &&
               EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  Bytes der(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  std::size_t size = der.size();
  COFFER_CHECK(
      EVP_DigestSign(context.get(), AsUnsigned(MutableBytes(der)), &size, AsUnsigned(message), message.size()) == 1);
  der.resize(size);
  return RawOf(der);
}

}  // namespace coffer
