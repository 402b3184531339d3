// CertificateCallers: the caller that a client certificate makes, for as long as the certificate is valid and nobody
// has denied it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/service/call.h"
#include "keysvc/service/denied_certificates.h"

namespace coffer::keysvc {

// The one of a certificate's URI names that is `trust_domain`'s. kUnauthenticated: not exactly one name, or another.
// Thread-safe.
Result<policy::Principal> PrincipalOfNames(const std::vector<std::string_view>& uris, std::string_view trust_domain);

// The certificates that are refused now; null: not known before the first unseal. Thread-safe.
using DeniedNow = std::function<std::shared_ptr<const DeniedDigests>()>;

// Thread-safe. Asked at every call: TLS itself looks at a certificate's end only in a full handshake, so that neither a
// resumed session nor a connection that stays open would ever end with its certificate.
class CertificateCallers {
 public:
  // `clock` must outlive it.
  CertificateCallers(std::string trust_domain, const Clock& clock, DeniedNow denied_now)
      : trust_domain_(std::move(trust_domain)), clock_(clock), denied_now_(std::move(denied_now)) {}

  // Of a certificate that the handshake, or the one of the session that it resumes, has verified; `uris` are its URI
  // names. kUnauthenticated: see PrincipalOfNames; or the certificate is denied, or has expired; or it cannot be read.
  Result<Caller> Of(std::string_view pem, const std::vector<std::string_view>& uris) const;

 private:
  struct Known {
    Caller caller;
    std::int64_t not_after_s = 0;  // Unix seconds
    std::vector<Digest> digests;   // CertificateDigests'
  };
  // That it still counts.
  Result<Caller> Check(const Known& known) const;

  const std::string trust_domain_;
  const Clock& clock_;
  const DeniedNow denied_now_;
  mutable SharedMutex mutex_;
  mutable std::map<std::string, Known, std::less<>> known_
      COFFER_GUARDED_BY(mutex_);  // by PEM, so none is parsed twice
};

}  // namespace coffer::keysvc
