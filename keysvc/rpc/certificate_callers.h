// CertificateCallers: the caller that a client certificate makes, for as long as the certificate is valid.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/service/call.h"

namespace coffer::keysvc {

// The one of a certificate's URI names that is `trust_domain`'s. kUnauthenticated: not exactly one name, or another.
// Thread-safe.
Result<policy::Principal> PrincipalOfNames(const std::vector<std::string_view>& uris, std::string_view trust_domain);

// Thread-safe. Asked at every call: TLS itself looks at a certificate's end only in a full handshake, so that neither a
// resumed session nor a connection that stays open would ever end with its certificate.
class CertificateCallers {
 public:
  // `clock` must outlive it.
  CertificateCallers(std::string trust_domain, const Clock& clock)
      : trust_domain_(std::move(trust_domain)), clock_(clock) {}

  // Of a certificate that the handshake, or the one of the session that it resumes, has verified; `uris` are its URI
  // names. kUnauthenticated: see PrincipalOfNames; or the certificate has expired; or it cannot be read.
  Result<Caller> Of(std::string_view pem, const std::vector<std::string_view>& uris) const;

 private:
  struct Known {
    Caller caller;
    std::int64_t not_after_s = 0;  // Unix seconds
  };
  Result<Caller> CheckEnd(const Known& known) const;

  const std::string trust_domain_;
  const Clock& clock_;
  mutable SharedMutex mutex_;
  mutable std::map<std::string, Known, std::less<>> known_
      COFFER_GUARDED_BY(mutex_);  // by PEM, so none is parsed twice
};

}  // namespace coffer::keysvc
