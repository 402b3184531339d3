#include "keysvc/rpc/certificate_callers.h"

#include <algorithm>

#include "crypto/certificate.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kMaxKnown = 1024;

}  // namespace

Result<policy::Principal> PrincipalOfNames(const std::vector<std::string_view>& uris, std::string_view trust_domain) {
  if (uris.size() != 1) return Error(ErrorCode::kUnauthenticated, "the certificate must have exactly one URI name");
  return policy::ParseSpiffeId(uris.front(), trust_domain);
}

Result<Caller> CertificateCallers::Of(std::string_view pem, const std::vector<std::string_view>& uris) const {
  {
    const ReadLock lock(mutex_);
    const auto known = known_.find(pem);
    if (known != known_.end()) return Check(known->second);
  }
  COFFER_ASSIGN_OR_RETURN(policy::Principal principal, PrincipalOfNames(uris, trust_domain_));
  const Result<std::int64_t> not_after = CertificateNotAfter(pem);
  const Result<std::vector<Digest>> digests = CertificateDigests(pem);
  if (!not_after.ok() || !digests.ok()) {
    return Error(ErrorCode::kUnauthenticated, "the certificate cannot be read");
  }
  const Known learnt{
      .caller = {.principal = std::move(principal), .local = false}, .not_after_s = *not_after, .digests = *digests};
  {
    const Lock lock(mutex_);
    if (known_.size() >= kMaxKnown) known_.clear();
    known_.emplace(pem, learnt);
  }
  return Check(learnt);
}

Result<Caller> CertificateCallers::Check(const Known& known) const {
  const std::shared_ptr<const DeniedDigests> denied = denied_now_();
  // A sealed service serves nothing but its status, and to auditors its log.
  if (denied == nullptr && known.caller.principal.role == policy::Role::kAuditor) {
    return Error(ErrorCode::kSealed, "the service was not unsealed since its start: who is denied is not known yet");
  }
  const auto is_denied = [&denied](const Digest& sha256) { return denied->contains(sha256); };
  if (denied != nullptr && std::any_of(known.digests.begin(), known.digests.end(), is_denied)) {
    return Error(ErrorCode::kUnauthenticated, "the certificate is denied");
  }
  if (clock_.UnixMicros() / kMicrosPerSecond <= known.not_after_s) return known.caller;
  return Error(ErrorCode::kUnauthenticated, "the certificate has expired: connect again with a new one");
}

}  // namespace coffer::keysvc
