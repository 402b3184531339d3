// IdentityService: who is let in, through the pipeline: bearer tokens of the service's own, and client certificates
// that are refused. A refused certificate never keeps the host's own administrators out: unix sockets ask for none.
#pragma once

#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

// Thread-safe.
class IdentityService {
 public:
  // `pipeline` must outlive it.
  explicit IdentityService(const Pipeline& pipeline) : pipeline_(pipeline) {}

  // Others have to approve it; what cannot be made is not asked of them. Errors of AccessTokens::Wanted::Check and
  // AccessTokens::Create.
  Result<AccessTokens::Made> CreateToken(const Caller& caller, const AccessTokens::Wanted& wanted) const;
  Result<std::vector<AccessTokenRecord>> ListTokens(const Caller& caller) const;
  // `reason`: as policy::IsReason, else kInvalidArgument. Errors of AccessTokens::Revoke.
  Result<bool> RevokeToken(const Caller& caller, const std::string& id, const std::string& reason) const;

  // `reason`: as policy::IsReason, else kInvalidArgument. Errors of DeniedCertificates::Deny.
  Result<bool> DenyCertificate(const Caller& caller, const Digest& sha256, const std::string& reason) const;
  // Others have to approve it. kNotFound: it was not denied.
  Result<bool> AllowCertificate(const Caller& caller, const Digest& sha256) const;
  // By age.
  Result<std::vector<DeniedCertificateRecord>> ListDeniedCertificates(const Caller& caller) const;

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  const Pipeline& pipeline_;
};

}  // namespace coffer::keysvc
