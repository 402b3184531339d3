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
  COFFER_ASSIGN_OR_RETURN(grafana::DescribedSecret described, GetDescribed(reference));
  return std::move(described.secret);
}

Result<grafana::DescribedSecret> GrafanaVault::GetWithMetadata(const SecretPath& path) {
  return GetDescribed(SecretReference{path, std::nullopt});
}

Result<grafana::DescribedSecret> GrafanaVault::GetDescribed(const SecretReference& reference) {
  v1::GetSecretRequest request;
  request.set_tenant(tenant_);
  request.set_path(reference.path.text());
  request.set_version(reference.version.value_or(0));
  auto answer = client_.GetSecret(request);
  if (!answer.ok()) return Refused(answer.error());
  grafana::DescribedSecret described;
  described.secret.version = answer->version().version();
  described.secret.value = SecretBytes::Absorb(std::move(*answer->mutable_value()));
  for (const v1::Metadata& pair : answer->metadata()) described.metadata.emplace(pair.key(), pair.value());
  return described;
}

Result<grafana::SecretPage> GrafanaVault::List(const std::string& prefix, const std::string& page_token) {
  constexpr std::uint32_t kPage = 1'000;  // entries
  v1::ListSecretsRequest request;
  request.set_tenant(tenant_);
  request.set_prefix(prefix);
  request.set_page_size(kPage);
  request.set_page_token(page_token);
  auto answer = client_.ListSecrets(request);
  if (!answer.ok() && answer.error().code == ErrorCode::kPermissionDenied) {
    return Error(ErrorCode::kPermissionDenied, "this caller may not list secrets: reloading needs ListSecrets");
  }
  if (!answer.ok()) return Refused(answer.error());
  grafana::SecretPage page;
  for (v1::SecretEntry& secret : *answer->mutable_secrets()) {
    page.secrets.push_back({std::move(*secret.mutable_path()), secret.current_version()});
  }
  page.next = std::move(*answer->mutable_next_page_token());
  return page;
}

Result<std::uint64_t> GrafanaVault::Put(const SecretPath& path, const SecretBytes& value,
                                        std::uint64_t expected_version) {
  return Put(path, value, expected_version, {});
}

Result<std::uint64_t> GrafanaVault::PutWithMetadata(const SecretPath& path, const SecretBytes& value,
                                                    std::uint64_t expected_version,
                                                    const grafana::SecretMetadata& metadata) {
  v1::PutSecretRequest request;
  request.set_set_metadata(true);
  if (expected_version > 0) {
    v1::GetSecretHistoryRequest asked;
    asked.set_tenant(tenant_);
    asked.set_path(path.text());
    asked.set_page_size(1);
    const auto history = client_.GetSecretHistory(asked);
    if (!history.ok()) return Refused(history.error());
    for (const v1::Metadata& pair : history->metadata()) {
      if (!metadata.contains(pair.key())) *request.add_metadata() = pair;
    }
  }
  for (const auto& [key, text] : metadata) {
    v1::Metadata& pair = *request.add_metadata();
    pair.set_key(key);
    pair.set_value(text);
  }
  return Put(path, value, expected_version, std::move(request));
}

Result<std::uint64_t> GrafanaVault::Put(const SecretPath& path, const SecretBytes& value,
                                        std::uint64_t expected_version, v1::PutSecretRequest request) {
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
