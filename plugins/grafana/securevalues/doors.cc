#include "plugins/grafana/securevalues/doors.h"

#include <algorithm>

#include "plugins/grafana/securevalues/decrypt_v1.grpc.pb.h"
#include "plugins/grafana/securevalues/decrypt_v1beta1.grpc.pb.h"
#include "plugins/grafana/securevalues/inline_v1.grpc.pb.h"
#include "plugins/grafana/securevalues/inline_v1beta1.grpc.pb.h"

namespace coffer::grafana {
namespace {

constexpr char kAccessTokenKey[] = "x-access-token";
constexpr char kServiceKey[] = "x-grafana-service-identity-name";

struct DecryptV1 {
  using Service = decryptv1::SecureValueDecrypter::Service;
  using Request = decryptv1::SecureValueDecryptRequest;
  using Response = decryptv1::SecureValueDecryptResponseCollection;
};

struct DecryptV1Beta1 {
  using Service = decryptv1beta1::SecureValueDecrypter::Service;
  using Request = decryptv1beta1::SecureValueDecryptRequest;
  using Response = decryptv1beta1::SecureValueDecryptResponseCollection;
};

struct InlineV1 {
  using Service = inlinev1::InlineSecureValueService::Service;
  using Owner = inlinev1::ObjectReference;
  using CanReferenceRequest = inlinev1::CanReferenceRequest;
  using CanReferenceResponse = inlinev1::CanReferenceResponse;
  using CreateRequest = inlinev1::CreateInlineRequest;
  using CreateResponse = inlinev1::CreateInlineResponse;
  using DeleteRequest = inlinev1::DeleteWhenOwnedByResourceRequest;
  using DeleteResponse = inlinev1::DeleteWhenOwnedByResourceResponse;
};

struct InlineV1Beta1 {
  using Service = inlinev1beta1::InlineSecureValueService::Service;
  using Owner = inlinev1beta1::ObjectReference;
  using CanReferenceRequest = inlinev1beta1::CanReferenceRequest;
  using CanReferenceResponse = inlinev1beta1::CanReferenceResponse;
  using CreateRequest = inlinev1beta1::CreateInlineRequest;
  using CreateResponse = inlinev1beta1::CreateInlineResponse;
  using DeleteRequest = inlinev1beta1::DeleteWhenOwnedByResourceRequest;
  using DeleteResponse = inlinev1beta1::DeleteWhenOwnedByResourceResponse;
};

// Empty: the key is not there, or more than once.
std::string OnlyMetadata(const grpc::ServerContext& context, const char* key) {
  const auto [first, last] = context.client_metadata().equal_range(key);
  if (first == last || std::next(first) != last) return {};
  return {first->second.data(), first->second.size()};
}

Result<GrafanaCall> Authenticate(const DoorContext& door, const grpc::ServerContext& context) {
  const std::string token = OnlyMetadata(context, kAccessTokenKey);
  if (token.empty()) return Error(ErrorCode::kUnauthenticated, "there is no access token, or more than one");
  GrafanaCall call;
  COFFER_ASSIGN_OR_RETURN(call.token, door.tokens.Verify(token, door.clock.UnixMicros() / kMicrosPerSecond));
  call.service = OnlyMetadata(context, kServiceKey);
  call.deadline = std::min(context.deadline(), std::chrono::system_clock::now() + SecureValueCalls::kCallPatience);
  return call;
}

// `act(const GrafanaCall&) -> Result<std::string>` does the call and says what was done.
template <typename Act>
grpc::Status Serve(const DoorContext& door, const grpc::ServerContext& context, std::string_view what,
                   const std::string& namespace_name, Act act) {
  std::string line(what);
  const auto call = Authenticate(door, context);
  Result<std::string> done = std::string();
  if (call.ok()) {
    line += " " + call->ToText();
    const auto canonical = CanonicalNamespace(namespace_name);
    if (canonical.ok()) line += " " + *canonical;
    done = act(*call);
  } else {
    done = call.error();
  }
  door.log(line + ": " + (done.ok() ? *done : done.error().ToString()));
  return done.ok() ? grpc::Status::OK : ToGrafanaStatus(done.error());
}

std::vector<std::string> NamesOf(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return {names.begin(), names.end()};
}

template <typename Owner>
OwnerReference OwnerOf(const Owner& owner) {
  return {
      .api_group = owner.api_group(), .api_version = owner.api_version(), .kind = owner.kind(), .name = owner.name()};
}

template <typename Response>
std::string FillValues(DecryptedValues values, Response& response) {
  std::size_t refused = 0;
  for (auto& [name, one] : values) {
    auto& result = (*response.mutable_decrypted_values())[name];
    if (one.refusal.empty()) {
      result.set_value(std::move(one.value));
    } else {
      result.set_error_message(std::string(one.refusal));
      ++refused;
    }
  }
  return std::to_string(values.size() - refused) + " value(s), " + std::to_string(refused) + " refused";
}

template <typename Api>
class DecryptDoor final : public Api::Service {
 public:
  explicit DecryptDoor(const DoorContext& context) : context_(context) {}

  grpc::Status DecryptSecureValues(grpc::ServerContext* context, const typename Api::Request* request,
                                   typename Api::Response* response) override {
    const auto act = [&](const GrafanaCall& call) -> Result<std::string> {
      COFFER_ASSIGN_OR_RETURN(DecryptedValues values,
                              context_.calls.Decrypt(call, request->namespace_(), NamesOf(request->names())));
      return FillValues(std::move(values), *response);
    };
    return Serve(context_, *context, "decrypt", request->namespace_(), act);
  }

 private:
  const DoorContext context_;
};

template <typename Api>
class InlineDoor final : public Api::Service {
 public:
  explicit InlineDoor(const DoorContext& context) : context_(context) {}

  grpc::Status CanReference(grpc::ServerContext* context, const typename Api::CanReferenceRequest* request,
                            typename Api::CanReferenceResponse*) override {
    const auto& owner = request->owner();
    const auto act = [&](const GrafanaCall& call) -> Result<std::string> {
      COFFER_TRY(context_.calls.CanReference(call, owner.namespace_(), OwnerOf(owner), NamesOf(request->names())));
      return "ok, " + std::to_string(request->names_size()) + " name(s)";
    };
    return Serve(context_, *context, "can-reference", owner.namespace_(), act);
  }

  grpc::Status CreateInline(grpc::ServerContext* context, const typename Api::CreateRequest* request,
                            typename Api::CreateResponse* response) override {
    const auto& owner = request->owner();
    const auto act = [&](const GrafanaCall& call) -> Result<std::string> {
      COFFER_ASSIGN_OR_RETURN(
          *response->mutable_name(),
          context_.calls.Create(call, owner.namespace_(), OwnerOf(owner), request->value(), request->description()));
      return response->name();
    };
    return Serve(context_, *context, "create", owner.namespace_(), act);
  }

  grpc::Status DeleteWhenOwnedByResource(grpc::ServerContext* context, const typename Api::DeleteRequest* request,
                                         typename Api::DeleteResponse*) override {
    const auto& owner = request->owner();
    const auto act = [&](const GrafanaCall& call) -> Result<std::string> {
      COFFER_ASSIGN_OR_RETURN(
          const std::size_t deleted,
          context_.calls.DeleteOwned(call, owner.namespace_(), OwnerOf(owner), NamesOf(request->names())));
      return std::to_string(deleted) + " of " + std::to_string(request->names_size()) + " name(s) deleted";
    };
    return Serve(context_, *context, "delete", owner.namespace_(), act);
  }

 private:
  const DoorContext context_;
};

grpc::StatusCode CodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kUnauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case ErrorCode::kPermissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::kSealed:
    case ErrorCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kConflict:
      return grpc::StatusCode::ABORTED;
    // Never NOT_FOUND: it would tell who asks what there is.
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kFailedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kDecryptFailed:
    case ErrorCode::kIntegrity:
      return grpc::StatusCode::DATA_LOSS;
    case ErrorCode::kInternal:
      break;
  }
  return grpc::StatusCode::INTERNAL;
}

}  // namespace

grpc::Status ToGrafanaStatus(const Error& error) { return {CodeOf(error.code()), error.ToString()}; }

std::vector<std::unique_ptr<grpc::Service>> MakeDoors(const DoorContext& context) {
  std::vector<std::unique_ptr<grpc::Service>> doors;
  doors.push_back(std::make_unique<DecryptDoor<DecryptV1>>(context));
  doors.push_back(std::make_unique<DecryptDoor<DecryptV1Beta1>>(context));
  doors.push_back(std::make_unique<InlineDoor<InlineV1>>(context));
  doors.push_back(std::make_unique<InlineDoor<InlineV1Beta1>>(context));
  return doors;
}

}  // namespace coffer::grafana
