#include "cli/grafana_vault.h"

#include "client/wipe_message.h"

namespace coffer::cli {
namespace {

Error LiteralOf(const client::RpcError& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return Error(error.code, "the vault refused the request's form");
    case ErrorCode::kUnauthenticated:
      return Error(error.code, "the key service does not know this caller");
    case ErrorCode::kPermissionDenied:
      return Error(error.code, "this caller may not use the secret");
    case ErrorCode::kNotFound:
      return Error(error.code, "the vault has no such secret");
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return Error(ErrorCode::kConflict, "the secret was changed in the meantime");
    case ErrorCode::kFailedPrecondition:
      return Error(
          error.code,
          "the secret is deleted, destroyed or expired, or its key is disabled, or the store is not initialised");
    case ErrorCode::kDecryptFailed:
      return Error(error.code, "the secret does not decrypt");
    case ErrorCode::kSealed:
      return Error(error.code, "the key service is sealed");
    case ErrorCode::kUnavailable:
      return Error(error.code, "the key service does not answer");
    case ErrorCode::kResourceExhausted:
      return Error(error.code, "a limit of the store is reached");
    case ErrorCode::kIntegrity:
      return Error(error.code, "the key service's store was altered");
    case ErrorCode::kInternal:
      break;
  }
  return Error(ErrorCode::kInternal, "the key service failed");
}

}  // namespace

Error GrafanaVault::Refused(client::RpcError error) {
  refused_ = std::move(error);
  return LiteralOf(*refused_);
}

Failure GrafanaVault::FailureOf(const Error& error) const {
  Failure failure(kExitFailed, error.ToString());
  if (refused_ && LiteralOf(*refused_).message() == error.message()) failure.next_step = Failure(*refused_).next_step;
  return failure;
}

Result<grafana::StoredSecret> GrafanaVault::Get(const SecretReference& reference) {
  v1::GetSecretRequest request;
  request.set_tenant(tenant_);
  request.set_path(reference.path.text());
  request.set_version(reference.version.value_or(0));
  auto answer = client_.GetSecret(request);
  if (!answer.ok()) return Refused(answer.error());
  grafana::StoredSecret secret;
  secret.version = answer->version().version();
  secret.value = SecretBytes::Absorb(std::move(*answer->mutable_value()));
  return secret;
}

Result<std::uint64_t> GrafanaVault::Put(const SecretPath& path, const SecretBytes& value,
                                        std::uint64_t expected_version) {
  v1::PutSecretRequest request;
  request.set_tenant(tenant_);
  request.set_path(path.text());
  request.set_expected_version(expected_version);
  request.set_value(std::string(AsText(value.Expose(SecretAccess::kReply))));
  const auto answer = client_.PutSecret(request);
  client::WipeMessageField(*request.mutable_value());
  if (!answer.ok()) return Refused(answer.error());
  return answer->version();
}

}  // namespace coffer::cli
