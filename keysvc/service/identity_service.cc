#include "keysvc/service/identity_service.h"

#include <algorithm>

#include "policy/declaration.h"

namespace coffer::keysvc {
namespace {

Subject SubjectOf(const Digest& sha256, const std::string& reason) {
  Subject subject = Subject::Because(reason);
  subject.object = ToHex(sha256);
  return subject;
}

Result<policy::ActFacts> FactsOfToken(const Unsealed& unsealed, const policy::AccessPolicy& policy,
                                      const AccessTokens::Wanted& wanted) {
  if (policy.PersonOf(wanted.principal) != nullptr) {
    return Error(ErrorCode::kPermissionDenied, "is a person of the policy, whom no token stands for").At("principal");
  }
  COFFER_TRY(unsealed.tokens->CheckRoom());
  policy::ActFacts facts;
  facts.Add("principal", wanted.principal).Add("listener", wanted.listener);
  return facts.Add("lifetime-s", static_cast<std::uint64_t>(wanted.lifetime_s));
}

Result<policy::ActFacts> FactsOfDenied(const Unsealed& unsealed, const Digest& sha256) {
  COFFER_ASSIGN_OR_RETURN(const DeniedCertificateRecord denied, unsealed.denied->Find(sha256));
  policy::ActFacts facts;
  facts.Add("sha256", ToHex(sha256)).Add("denied-us", static_cast<std::uint64_t>(denied.denied_us));
  return facts.Add("denied-by", denied.denied_by).Add("because", denied.reason);
}

}  // namespace

Result<AccessTokens::Made> IdentityService::CreateToken(const Caller& caller,
                                                        const AccessTokens::Wanted& wanted) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<AccessTokens::Made> {
    COFFER_TRY(wanted.Check());
    COFFER_ASSIGN_OR_RETURN(const std::string reason, AuthoriseApproved(unsealed, record, record.operation, {}, [&] {
                              return FactsOfToken(unsealed, *record.policy, wanted);
                            }));
    // The record outlives the token's row.
    record.reason = "for " + wanted.principal + ", " + record.reason;
    COFFER_ASSIGN_OR_RETURN(AccessTokens::Made made, unsealed.tokens->Create(wanted, record.principal, reason));
    record.object = made.record.id.ToText();
    return made;
  };
  return pipeline_.Mutate(caller, policy::Operation::kCreateToken, act);
}

Result<std::vector<AccessTokenRecord>> IdentityService::ListTokens(const Caller& caller) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::vector<AccessTokenRecord>> {
    std::vector<AccessTokenRecord> list = unsealed.tokens->List();
    record.items = list.size();
    return list;
  };
  return pipeline_.Read(caller, policy::Operation::kListTokens, act);
}

Result<bool> IdentityService::RevokeToken(const Caller& caller, const std::string& id,
                                          const std::string& reason) const {
  const Subject subject = Subject::OfId(id, reason);
  const auto act = [&](Unsealed& unsealed, CallRecord&) -> Result<bool> {
    COFFER_TRY(policy::CheckReason(reason, "reason"));
    COFFER_TRY(unsealed.tokens->Revoke(id));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kRevokeToken, act, subject);
}

Result<bool> IdentityService::DenyCertificate(const Caller& caller, const Digest& sha256,
                                              const std::string& reason) const {
  const Subject subject = SubjectOf(sha256, reason);
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<bool> {
    COFFER_TRY(policy::CheckReason(reason, "reason"));
    COFFER_TRY(unsealed.denied->Deny(sha256, record.principal, reason));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kDenyCertificate, act, subject);
}

Result<bool> IdentityService::AllowCertificate(const Caller& caller, const Digest& sha256) const {
  const Subject subject = SubjectOf(sha256, "");
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<bool> {
    COFFER_TRY(
        AuthoriseApproved(unsealed, record, record.operation, {}, [&] { return FactsOfDenied(unsealed, sha256); }));
    COFFER_TRY(unsealed.denied->Allow(sha256));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kAllowCertificate, act, subject);
}

Result<std::vector<DeniedCertificateRecord>> IdentityService::ListDeniedCertificates(const Caller& caller) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::vector<DeniedCertificateRecord>> {
    const std::shared_ptr<const DeniedDigests> view = unsealed.denied->view();
    std::vector<DeniedCertificateRecord> list;
    for (const auto& [sha256, denied] : *view) list.push_back(denied);
    std::sort(list.begin(), list.end(), [](const DeniedCertificateRecord& a, const DeniedCertificateRecord& b) {
      return std::tie(a.denied_us, a.sha256) < std::tie(b.denied_us, b.sha256);
    });
    record.items = list.size();
    return list;
  };
  return pipeline_.Read(caller, policy::Operation::kListDeniedCertificates, act);
}

}  // namespace coffer::keysvc
