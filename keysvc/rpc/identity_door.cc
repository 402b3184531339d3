#include "keysvc/rpc/identity_door.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

Result<Digest> Sha256Of(const std::string& bytes) {
  Digest digest{};
  if (bytes.size() != digest.size()) {
    return Error(ErrorCode::kInvalidArgument, "must be the 32 bytes of a SHA-256").At("sha256");
  }
  const ByteView view = AsBytes(bytes);
  std::copy(view.begin(), view.end(), digest.begin());
  return digest;
}

// Copies the token into the reply in one step.
void FillMade(const AccessTokens::Made& made, v1::CreateTokenResponse& message) {
  message.set_id(made.record.id.ToText());
  message.mutable_token()->assign(AsText(made.token.Expose(SecretAccess::kReply)));
  message.set_not_after_us(made.record.not_after_us);
}

void FillTokens(const std::vector<AccessTokenRecord>& list, v1::ListTokensResponse& message) {
  for (const AccessTokenRecord& record : list) {
    v1::AccessToken& added = *message.add_tokens();
    added.set_id(record.id.ToText());
    added.set_principal(record.principal);
    added.set_listener(record.listener);
    added.set_created_us(record.created_us);
    added.set_not_after_us(record.not_after_us);
    added.set_created_by(record.created_by);
    added.set_reason(record.reason);
  }
}

void FillDenied(const std::vector<DeniedCertificateRecord>& list, v1::ListDeniedCertificatesResponse& message) {
  for (const DeniedCertificateRecord& record : list) {
    v1::DeniedCertificate& added = *message.add_certificates();
    added.mutable_sha256()->assign(AsText(record.sha256));
    added.set_denied_us(record.denied_us);
    added.set_denied_by(record.denied_by);
    added.set_reason(record.reason);
  }
}

}  // namespace

grpc::ServerUnaryReactor* IdentityDoor::CreateToken(grpc::CallbackServerContext* context,
                                                    const v1::CreateTokenRequest* request,
                                                    v1::CreateTokenResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.CreateToken(caller, {.principal = request->principal(),
                                         .listener = request->listener(),
                                         .lifetime_s = std::int64_t{request->lifetime_s()}});
  };
  return AnswerWith(context, context_, *request, response, act, FillMade, RunOn::kOperator);
}

grpc::ServerUnaryReactor* IdentityDoor::ListTokens(grpc::CallbackServerContext* context,
                                                   const v1::ListTokensRequest* request,
                                                   v1::ListTokensResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.ListTokens(caller); };
  return AnswerWith(context, context_, *request, response, act, FillTokens, RunOn::kOperator);
}

grpc::ServerUnaryReactor* IdentityDoor::RevokeToken(grpc::CallbackServerContext* context,
                                                    const v1::RevokeTokenRequest* request,
                                                    v1::RevokeTokenResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.RevokeToken(caller, request->id(), request->reason());
  };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::RevokeTokenResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* IdentityDoor::DenyCertificate(grpc::CallbackServerContext* context,
                                                        const v1::DenyCertificateRequest* request,
                                                        v1::DenyCertificateResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<bool> {
    const Result<Digest> sha256 = Sha256Of(request->sha256());
    if (!sha256.ok()) return service_.Reject(caller, policy::Operation::kDenyCertificate, sha256.error());
    return service_.DenyCertificate(caller, *sha256, request->reason());
  };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::DenyCertificateResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* IdentityDoor::AllowCertificate(grpc::CallbackServerContext* context,
                                                         const v1::AllowCertificateRequest* request,
                                                         v1::AllowCertificateResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<bool> {
    const Result<Digest> sha256 = Sha256Of(request->sha256());
    if (!sha256.ok()) return service_.Reject(caller, policy::Operation::kAllowCertificate, sha256.error());
    return service_.AllowCertificate(caller, *sha256);
  };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::AllowCertificateResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* IdentityDoor::ListDeniedCertificates(grpc::CallbackServerContext* context,
                                                               const v1::ListDeniedCertificatesRequest* request,
                                                               v1::ListDeniedCertificatesResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.ListDeniedCertificates(caller); };
  return AnswerWith(context, context_, *request, response, act, FillDenied, RunOn::kOperator);
}

}  // namespace coffer::keysvc
