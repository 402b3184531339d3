// JwsSigner: the other side of JWS verification, for tests: makes keys, JWKs, signatures and tokens.
#pragma once

#include <memory>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/ed25519.h"
#include "crypto/internal/openssl.h"
#include "crypto/jws_key.h"

namespace coffer {

class JwsSigner {
 public:
  static JwsSigner Rsa(unsigned bits = 2048) { return JwsSigner("RS256", EVP_RSA_gen(bits)); }
  static JwsSigner P256() { return JwsSigner("ES256", EVP_EC_gen("P-256")); }
  static JwsSigner Ed25519() { return JwsSigner("EdDSA", Ed25519PrivateKey::Generate()); }
  static JwsSigner Ed25519FromSeed(ByteView seed) {
    return JwsSigner("EdDSA", Ed25519PrivateKey::FromSeed(SecretBytes::CopyOf(seed)).value());
  }

  const std::string& algorithm() const { return algorithm_; }

  Bytes n() const { return Number(OSSL_PKEY_PARAM_RSA_N); }
  Bytes e() const { return Number(OSSL_PKEY_PARAM_RSA_E); }
  Bytes x() const { return ed25519_ ? CopyOf(ed25519_->public_key().bytes()) : Number(OSSL_PKEY_PARAM_EC_PUB_X, 32); }
  Bytes y() const { return Number(OSSL_PKEY_PARAM_EC_PUB_Y, 32); }

  JwsPublicKey PublicKey() const {
    if (ed25519_) return JwsPublicKey::FromEd25519(x()).value();
    return algorithm_ == "RS256" ? JwsPublicKey::FromRsa(n(), e()).value() : JwsPublicKey::FromP256(x(), y()).value();
  }

  EVP_PKEY* evp_key() const { return key_.get(); }  // null for Ed25519

  // The members of the JWK that are its type and its numbers, without braces.
  std::string JwkMembers() const {
    if (ed25519_) return R"("kty":"OKP","crv":"Ed25519","x":")" + ToBase64Url(x()) + "\"";
    if (algorithm_ == "RS256") {
      return R"("kty":"RSA","n":")" + ToBase64Url(n()) + R"(","e":")" + ToBase64Url(e()) + "\"";
    }
    return R"("kty":"EC","crv":"P-256","x":")" + ToBase64Url(x()) + R"(","y":")" + ToBase64Url(y()) + "\"";
  }

  // As the library makes it: of ECDSA that is DER.
  Bytes SignPlainly(std::string_view message) const {
    if (ed25519_) return CopyOf(ed25519_->Sign(AsBytes(message)));
    const internal::Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    COFFER_CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
    const ByteView bytes = AsBytes(message);
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
    Bytes signature(size);
    COFFER_CHECK(EVP_DigestSign(context.get(), AsUnsigned(MutableBytes(signature)), &size, AsUnsigned(bytes),
                                bytes.size()) == 1);
    signature.resize(size);
    return signature;
  }

  // As JWS has it.
  Bytes Sign(std::string_view message) const {
    const Bytes plain = SignPlainly(message);
    if (algorithm_ != "ES256") return plain;
    const unsigned char* der = AsUnsigned(ByteView(plain));
    const internal::Owned<ECDSA_SIG, ECDSA_SIG_free> signature(
        d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(plain.size())));
    COFFER_CHECK(signature != nullptr);
    Bytes raw(64);
    const MutableBytes out(raw);
    COFFER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), AsUnsigned(out.first(32)), 32) == 32);
    COFFER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), AsUnsigned(out.last(32)), 32) == 32);
    return raw;
  }

  // The compact form over exactly these texts.
  std::string Token(std::string_view header, std::string_view claims) const {
    const std::string text = ToBase64Url(AsBytes(header)) + "." + ToBase64Url(AsBytes(claims));
    return text + "." + ToBase64Url(Sign(text));
  }

 private:
  JwsSigner(std::string algorithm, EVP_PKEY* key) : algorithm_(std::move(algorithm)), key_(key, EVP_PKEY_free) {
    COFFER_CHECK(key != nullptr);
  }
  JwsSigner(std::string algorithm, Ed25519PrivateKey key)
      : algorithm_(std::move(algorithm)), ed25519_(std::make_shared<Ed25519PrivateKey>(std::move(key))) {}

  Bytes Number(const char* name, int size = 0) const {
    BIGNUM* read = nullptr;
    COFFER_CHECK(EVP_PKEY_get_bn_param(key_.get(), name, &read) == 1);
    const internal::Owned<BIGNUM, BN_free> number(read);
    Bytes bytes(static_cast<std::size_t>(size == 0 ? BN_num_bytes(read) : size));
    COFFER_CHECK(BN_bn2binpad(read, AsUnsigned(MutableBytes(bytes)), static_cast<int>(bytes.size())) >= 0);
    return bytes;
  }

  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<const Ed25519PrivateKey> ed25519_;
};

}  // namespace coffer
