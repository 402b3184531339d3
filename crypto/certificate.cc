#include "crypto/certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/internal/openssl.h"

namespace coffer {
namespace {

using internal::Owned;
using Certificate = Owned<X509, X509_free>;
using Signature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

constexpr std::int64_t kSecondsADay = 24 * 60 * 60;
constexpr int kCurves[] = {NID_X9_62_prime256v1, NID_secp384r1,       NID_secp521r1,      NID_secp256k1,
                           NID_brainpoolP256r1,  NID_brainpoolP384r1, NID_brainpoolP512r1};

Error NoCertificate() { return Error(ErrorCode::kInvalidArgument, "is no certificate in PEM"); }

// The first one.
Result<Certificate> Parse(std::string_view pem) {
  if (pem.size() > kMaxCertificatePem) {
    return Error(ErrorCode::kInvalidArgument, "the certificate is longer than allowed").WithLimit(kMaxCertificatePem);
  }
  if (pem.empty()) return NoCertificate();
  const Owned<BIO, BIO_free_all> input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  COFFER_CHECK(input != nullptr);
  Certificate certificate(PEM_read_bio_X509(input.get(), nullptr, internal::NoPassword, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return NoCertificate();
  return certificate;
}

// What one of OpenSSL's i2d functions writes.
template <typename T>
Bytes DerOf(int (*encode)(const T*, unsigned char**), const T* object) {
  const int size = encode(object, nullptr);
  COFFER_CHECK(size > 0);
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* out = AsUnsigned(MutableBytes(der));
  COFFER_CHECK(encode(object, &out) == size);
  return der;
}

// One element of DER.
Bytes Element(int tag, bool constructed, ByteView content) {
  const int length = static_cast<int>(content.size());
  const int size = ASN1_object_size(0, length, tag);
  COFFER_CHECK(size > length);
  Bytes element(static_cast<std::size_t>(size - length));
  unsigned char* out = AsUnsigned(MutableBytes(element));
  ASN1_put_object(&out, constructed ? 1 : 0, length, tag, V_ASN1_UNIVERSAL);
  Append(element, content);
  return element;
}

// (r, n - s) for the curve's n; null when the signature is none of the curve, or OpenSSL does not know it.
Signature Flipped(const ECDSA_SIG& signature, int curve) {
  const Owned<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(curve));
  if (group == nullptr) return nullptr;
  const BIGNUM* const order = EC_GROUP_get0_order(group.get());
  if (BN_cmp(ECDSA_SIG_get0_s(&signature), order) >= 0) return nullptr;
  Owned<BIGNUM, BN_free> r(BN_dup(ECDSA_SIG_get0_r(&signature)));
  Owned<BIGNUM, BN_free> s(BN_new());
  Signature flipped(ECDSA_SIG_new());
  COFFER_CHECK(r != nullptr && s != nullptr && flipped != nullptr);
  COFFER_CHECK(BN_sub(s.get(), order, ECDSA_SIG_get0_s(&signature)) == 1);
  COFFER_CHECK(ECDSA_SIG_set0(flipped.get(), r.release(), s.release()) == 1);
  return flipped;
}

// What stands in a certificate before its signature: what is signed, and the algorithm.
ByteView PartBefore(ByteView der, std::size_t signature_size) {
  const unsigned char* content = AsUnsigned(der);
  long size = 0;
  int tag = 0;
  int tag_class = 0;
  ASN1_get_object(&content, &size, &tag, &tag_class, static_cast<long>(der.size()));
  const auto content_size = static_cast<std::size_t>(size);
  COFFER_CHECK(signature_size < content_size && content_size < der.size());
  return der.last(content_size).first(content_size - signature_size);
}

}  // namespace

Result<std::int64_t> CertificateNotAfter(std::string_view pem) {
  COFFER_ASSIGN_OR_RETURN(const Certificate certificate, Parse(pem));
  const Owned<ASN1_TIME, ASN1_TIME_free> epoch(ASN1_TIME_set(nullptr, 0));
  COFFER_CHECK(epoch != nullptr);
  int days = 0;
  int seconds = 0;
  const bool readable = ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate.get())) == 1;
  ERR_clear_error();
  if (!readable) return Error(ErrorCode::kInvalidArgument, "the certificate's end of validity cannot be read");
  return days * kSecondsADay + seconds;
}

Result<Digest> CertificateSha256(std::string_view pem) {
  COFFER_ASSIGN_OR_RETURN(const Certificate certificate, Parse(pem));
  return Sha256({DerOf<X509>(i2d_X509, certificate.get())});
}

Result<std::vector<Digest>> CertificateDigests(std::string_view pem) {
  COFFER_ASSIGN_OR_RETURN(const Certificate certificate, Parse(pem));
  const Bytes der = DerOf<X509>(i2d_X509, certificate.get());
  std::vector<Digest> digests = {Sha256({der})};
  const ASN1_BIT_STRING* bits = nullptr;
  X509_get0_signature(&bits, nullptr, certificate.get());
  const unsigned char* start = ASN1_STRING_get0_data(bits);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &start, ASN1_STRING_length(bits)));
  const ByteView before = PartBefore(der, DerOf<ASN1_BIT_STRING>(i2d_ASN1_BIT_STRING, bits).size());
  for (const int curve : kCurves) {
    const Signature flipped = signature == nullptr ? nullptr : Flipped(*signature, curve);
    if (flipped == nullptr) continue;
    Bytes content = {std::byte{0}};  // no unused bits
    Append(content, DerOf<ECDSA_SIG>(i2d_ECDSA_SIG, flipped.get()));
    Bytes parts = CopyOf(before);
    Append(parts, Element(V_ASN1_BIT_STRING, false, content));
    digests.push_back(Sha256({Element(V_ASN1_SEQUENCE, true, parts)}));
  }
  ERR_clear_error();
  return digests;
}

}  // namespace coffer
