#include "keysvc/rpc/secret_door.h"

#include <algorithm>
#include <limits>

namespace coffer::keysvc {
namespace {

// A number that no version can have becomes one that none has, so that the service refuses it.
SecretVersion VersionOf(std::uint64_t number) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return SecretVersion{static_cast<std::int64_t>(std::min(number, kMax))};
}

Result<std::vector<SecretVersion>> VersionsOf(const google::protobuf::RepeatedField<std::uint64_t>& numbers) {
  if (static_cast<std::size_t>(numbers.size()) > kMaxVersionsACall) {
    return Error(ErrorCode::kInvalidArgument, "names more versions than allowed")
        .At("versions")
        .WithLimit(kMaxVersionsACall);
  }
  std::vector<SecretVersion> versions;
  for (const std::uint64_t number : numbers) versions.push_back(VersionOf(number));
  return versions;
}

// By key, as the service wants them; nothing when they stay as they are.
Result<std::optional<MetadataPairs>> MetadataOf(const v1::PutSecretRequest& request) {
  const auto& messages = request.metadata();
  if (!request.set_metadata()) {
    if (messages.empty()) return std::optional<MetadataPairs>();
    return Error(ErrorCode::kInvalidArgument, "is given, but set_metadata is not").At("metadata");
  }
  if (static_cast<std::size_t>(messages.size()) > kMaxMetadataPairs) {
    return Error(ErrorCode::kInvalidArgument, "has more pairs than allowed")
        .At("metadata")
        .WithLimit(kMaxMetadataPairs);
  }
  MetadataPairs pairs;
  for (const v1::Metadata& pair : messages) pairs.emplace_back(pair.key(), pair.value());
  std::sort(pairs.begin(), pairs.end());
  return std::optional(std::move(pairs));
}

void FillMetadata(const MetadataPairs& pairs, google::protobuf::RepeatedPtrField<v1::Metadata>& messages) {
  for (const auto& [key, value] : pairs) {
    v1::Metadata* pair = messages.Add();
    pair->set_key(key);
    pair->set_value(value);
  }
}

v1::SecretVersionState StateOf(SecretState state) {
  switch (state) {
    case SecretState::kLive:
      return v1::SECRET_VERSION_STATE_LIVE;
    case SecretState::kDeleted:
      return v1::SECRET_VERSION_STATE_DELETED;
    case SecretState::kDestroyed:
      return v1::SECRET_VERSION_STATE_DESTROYED;
  }
  return v1::SECRET_VERSION_STATE_UNSPECIFIED;
}

void FillVersion(const SecretVersionView& view, v1::SecretVersion& message) {
  message.set_version(static_cast<std::uint64_t>(view.version.value));
  message.set_state(StateOf(view.state));
  message.set_created_us(view.created_us);
  message.set_expires_us(view.expires_us);
  message.set_created_by(view.created_by);
  message.set_key_version(view.key_version);
}

template <typename Request>
SecretName NameOf(const Request& request) {
  return {.tenant = request.tenant(), .path = request.path()};
}

// Copies the value into the reply in one step.
void FillValue(SecretValue value, v1::GetSecretResponse& message) {
  const ByteView bytes = value.value.Expose(SecretAccess::kReply);
  message.mutable_value()->assign(AsText(bytes));
  FillVersion(value.version, *message.mutable_version());
  FillMetadata(value.metadata, *message.mutable_metadata());
}

}  // namespace

grpc::ServerUnaryReactor* SecretDoor::PutSecret(grpc::CallbackServerContext* context,
                                                const v1::PutSecretRequest* request, v1::SecretVersion* response) {
  const auto act = [this, request](const Caller& caller) -> Result<SecretVersionView> {
    PutSecretRequest put{.name = NameOf(*request),
                         .value = AsBytes(request->value()),
                         .expected_version = std::nullopt,
                         .expires_us = request->expires_us(),
                         .metadata = std::nullopt};
    if (request->has_expected_version()) put.expected_version = VersionOf(request->expected_version());
    Result<std::optional<MetadataPairs>> metadata = MetadataOf(*request);
    if (!metadata.ok()) return service_.Reject(caller, policy::Operation::kPutSecret, metadata.error());
    put.metadata = std::move(metadata).value();
    return service_.Put(caller, put);
  };
  return AnswerWith(context, context_, *request, response, act, FillVersion);
}

grpc::ServerUnaryReactor* SecretDoor::GetSecret(grpc::CallbackServerContext* context,
                                                const v1::GetSecretRequest* request, v1::GetSecretResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.Get(caller, NameOf(*request), VersionOf(request->version()));
  };
  return AnswerWith(context, context_, *request, response, act, FillValue);
}

grpc::ServerUnaryReactor* SecretDoor::ListSecrets(grpc::CallbackServerContext* context,
                                                  const v1::ListSecretsRequest* request,
                                                  v1::ListSecretsResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.List(caller, request->tenant(), request->prefix(), request->page_size(), request->page_token());
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](const SecretPage& page, v1::ListSecretsResponse& message) {
                      for (const SecretRecord& secret : page.secrets) {
                        v1::SecretEntry* entry = message.add_secrets();
                        entry->set_path(secret.path);
                        entry->set_current_version(static_cast<std::uint64_t>(secret.current.value));
                        entry->set_created_us(secret.created_us);
                        entry->set_updated_us(secret.updated_us);
                      }
                      message.set_next_page_token(page.next);
                    });
}

grpc::ServerUnaryReactor* SecretDoor::GetSecretHistory(grpc::CallbackServerContext* context,
                                                       const v1::GetSecretHistoryRequest* request,
                                                       v1::GetSecretHistoryResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.History(caller, NameOf(*request), request->page_size(), request->page_token());
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](const SecretHistory& history, v1::GetSecretHistoryResponse& message) {
                      for (const SecretVersionView& version : history.versions)
                        FillVersion(version, *message.add_versions());
                      FillMetadata(history.metadata, *message.mutable_metadata());
                      message.set_next_page_token(history.next);
                    });
}

grpc::ServerUnaryReactor* SecretDoor::DeleteSecret(grpc::CallbackServerContext* context,
                                                   const v1::DeleteSecretRequest* request,
                                                   v1::DeleteSecretResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<std::uint32_t> {
    const Result<std::vector<SecretVersion>> versions = VersionsOf(request->versions());
    if (!versions.ok()) return service_.Reject(caller, policy::Operation::kDeleteSecret, versions.error());
    return service_.Delete(caller, NameOf(*request), *versions);
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](std::uint32_t changed, v1::DeleteSecretResponse& message) { message.set_changed(changed); });
}

grpc::ServerUnaryReactor* SecretDoor::UndeleteSecret(grpc::CallbackServerContext* context,
                                                     const v1::UndeleteSecretRequest* request,
                                                     v1::UndeleteSecretResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<std::uint32_t> {
    const Result<std::vector<SecretVersion>> versions = VersionsOf(request->versions());
    if (!versions.ok()) return service_.Reject(caller, policy::Operation::kUndeleteSecret, versions.error());
    return service_.Undelete(caller, NameOf(*request), *versions);
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](std::uint32_t changed, v1::UndeleteSecretResponse& message) { message.set_changed(changed); });
}

grpc::ServerUnaryReactor* SecretDoor::DestroySecret(grpc::CallbackServerContext* context,
                                                    const v1::DestroySecretRequest* request,
                                                    v1::DestroySecretResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<std::uint32_t> {
    const Result<std::vector<SecretVersion>> versions = VersionsOf(request->versions());
    if (!versions.ok()) return service_.Reject(caller, policy::Operation::kDestroySecret, versions.error());
    return service_.Destroy(caller, NameOf(*request), *versions);
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](std::uint32_t changed, v1::DestroySecretResponse& message) { message.set_changed(changed); });
}

}  // namespace coffer::keysvc
