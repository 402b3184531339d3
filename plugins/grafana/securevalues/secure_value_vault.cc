#include "plugins/grafana/securevalues/secure_value_vault.h"

#include "client/wipe_message.h"

namespace coffer::grafana {
namespace {

constexpr std::uint32_t kVersionsAPage = 1'000;

Error ErrorOf(const client::RpcError& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return Error(error.code, "the vault refused the request's form");
    case ErrorCode::kUnauthenticated:
      return Error(error.code, "the key service does not know this process");
    case ErrorCode::kPermissionDenied:
      return Error(error.code, "the key service does not allow it");
    case ErrorCode::kNotFound:
      return Error(error.code, "the vault has no such secret");
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return Error(ErrorCode::kConflict, "the secret was changed in the meantime");
    case ErrorCode::kFailedPrecondition:
      return Error(error.code, "the secret is deleted, destroyed or expired, or its key is disabled");
    case ErrorCode::kDecryptFailed:
      return Error(error.code, "the secret does not decrypt");
    case ErrorCode::kSealed:
      return Error(error.code, "the key service is sealed");
    case ErrorCode::kUnavailable:
      return Error(error.code, "the key service does not answer");
    case ErrorCode::kResourceExhausted:
      return Error(error.code, "a limit of the key service is reached");
    case ErrorCode::kIntegrity:
      return Error(error.code, "the key service's store was altered");
    case ErrorCode::kInternal:
      break;
  }
  return Error(ErrorCode::kInternal, "the key service failed");
}

template <typename Message>
Result<Message> Answered(client::RpcResult<Message> answer) {
  if (!answer.ok()) return ErrorOf(answer.error());
  return std::move(answer).value();
}

SecureValueFacts FactsOf(const google::protobuf::RepeatedPtrField<v1::Metadata>& pairs) {
  SecureValueFacts facts;
  for (const v1::Metadata& pair : pairs) {
    if (pair.key() == kOwnerKey) facts.owner = pair.value();
    if (pair.key() == kDecryptersKey) facts.decrypters = pair.value();
    if (pair.key() == kDescriptionKey) facts.description = pair.value();
  }
  return facts;
}

void AddPair(v1::PutSecretRequest& request, std::string_view key, const std::string& value) {
  if (value.empty()) return;
  v1::Metadata* const pair = request.add_metadata();
  pair->set_key(std::string(key));
  pair->set_value(value);
}

}  // namespace

Result<std::string> SecureValueVault::PathOf(std::string_view namespace_name, std::string_view name) const {
  const auto path = PathOfSecureValue(place_.prefix, namespace_name, name);
  if (!path) return Error(ErrorCode::kNotFound, "the vault has no such secret");
  return path->text();
}

Result<SecureValue> SecureValueVault::Read(std::string_view namespace_name, std::string_view name) const {
  v1::GetSecretRequest request;
  request.set_tenant(place_.tenant);
  COFFER_ASSIGN_OR_RETURN(*request.mutable_path(), PathOf(namespace_name, name));
  COFFER_ASSIGN_OR_RETURN(auto answer, Answered(client_.GetSecret(request)));
  return SecureValue{.value = std::move(*answer.mutable_value()), .facts = FactsOf(answer.metadata())};
}

Result<SecureValueFacts> SecureValueVault::Describe(std::string_view namespace_name, std::string_view name) const {
  v1::GetSecretHistoryRequest request;
  request.set_tenant(place_.tenant);
  COFFER_ASSIGN_OR_RETURN(*request.mutable_path(), PathOf(namespace_name, name));
  request.set_page_size(1);
  COFFER_ASSIGN_OR_RETURN(const auto answer, Answered(client_.GetSecretHistory(request)));
  return FactsOf(answer.metadata());
}

Status SecureValueVault::Create(std::string_view namespace_name, std::string_view name, std::string_view value,
                                const SecureValueFacts& facts) const {
  v1::PutSecretRequest request;
  request.set_tenant(place_.tenant);
  COFFER_ASSIGN_OR_RETURN(*request.mutable_path(), PathOf(namespace_name, name));
  request.set_expected_version(0);
  request.set_set_metadata(true);
  AddPair(request, kOwnerKey, facts.owner);
  AddPair(request, kDecryptersKey, facts.decrypters);
  AddPair(request, kDescriptionKey, facts.description);
  request.set_value(std::string(value));
  const auto answer = client_.PutSecret(request);
  client::WipeMessageField(*request.mutable_value());
  if (!answer.ok()) return ErrorOf(answer.error());
  return {};
}

Status SecureValueVault::Delete(std::string_view namespace_name, std::string_view name) const {
  v1::GetSecretHistoryRequest request;
  request.set_tenant(place_.tenant);
  COFFER_ASSIGN_OR_RETURN(*request.mutable_path(), PathOf(namespace_name, name));
  request.set_page_size(kVersionsAPage);
  do {
    COFFER_ASSIGN_OR_RETURN(const auto history, Answered(client_.GetSecretHistory(request)));
    v1::DeleteSecretRequest live;
    live.set_tenant(request.tenant());
    live.set_path(request.path());
    for (const v1::SecretVersion& version : history.versions()) {
      if (version.state() == v1::SECRET_VERSION_STATE_LIVE) live.add_versions(version.version());
    }
    if (!live.versions().empty()) COFFER_TRY(Answered(client_.DeleteSecret(live)));
    request.set_page_token(history.next_page_token());
  } while (!request.page_token().empty());
  return {};
}

}  // namespace coffer::grafana
