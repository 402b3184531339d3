#include "crypto/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/internal/openssl.h"

namespace coffer {
namespace {

using internal::Owned;

constexpr std::int64_t kSecondsADay = 24 * 60 * 60;

Error NoCertificate() { return Error(ErrorCode::kInvalidArgument, "is no certificate in PEM"); }

}  // namespace

Result<std::int64_t> CertificateNotAfter(std::string_view pem) {
  if (pem.size() > kMaxCertificatePem) {
    return Error(ErrorCode::kInvalidArgument, "the certificate is longer than allowed").WithLimit(kMaxCertificatePem);
  }
  if (pem.empty()) return NoCertificate();
  const Owned<BIO, BIO_free_all> input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Owned<ASN1_TIME, ASN1_TIME_free> epoch(ASN1_TIME_set(nullptr, 0));
  COFFER_CHECK(input != nullptr && epoch != nullptr);
  const Owned<X509, X509_free> certificate(PEM_read_bio_X509(input.get(), nullptr, internal::NoPassword, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return NoCertificate();
  int days = 0;
  int seconds = 0;
  const bool readable = ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate.get())) == 1;
  ERR_clear_error();
  if (!readable) return Error(ErrorCode::kInvalidArgument, "the certificate's end of validity cannot be read");
  return days * kSecondsADay + seconds;
}

}  // namespace coffer
