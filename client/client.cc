#include "client/client.h"

#include <algorithm>
#include <charconv>

#include "client/bearer_token.h"
#include "client/call_metadata.h"
#include "client/cancellation.h"
#include "client/channel.h"
#include "coffer/v1/access.grpc.pb.h"
#include "coffer/v1/admin.grpc.pb.h"
#include "coffer/v1/audit.grpc.pb.h"
#include "coffer/v1/field.grpc.pb.h"
#include "coffer/v1/identity.grpc.pb.h"
#include "coffer/v1/key.grpc.pb.h"
#include "coffer/v1/secret.grpc.pb.h"

namespace coffer::client {

// Copies share the channel and its stubs, and what cancels their calls.
struct Client::State {
  State(std::shared_ptr<grpc::Channel> opened, ServerAddress address, const ClientOptions& options)
      : channel(std::move(opened)),
        server(std::move(address)),
        deadline(options.deadline),
        claims(options.claims),
        approval(options.approval),
        token_file(options.tls.token),
        fields(v1::FieldService::NewStub(channel)),
        keys(v1::KeyService::NewStub(channel)),
        secrets(v1::SecretService::NewStub(channel)),
        admin(v1::AdminService::NewStub(channel)),
        access(v1::AccessService::NewStub(channel)),
        identity(v1::IdentityService::NewStub(channel)),
        audit(v1::AuditService::NewStub(channel)) {}

  // One call with its repeats. `method` is the stub's blocking member function.
  template <typename Stub, typename Request, typename Response>
  RpcResult<Response> Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                           const Request& request, Repeat repeat) const;
  // False when it is not connected until then, or the calls are cancelled.
  bool WaitForConnected(std::chrono::system_clock::time_point until) const;

  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();
  std::shared_ptr<grpc::Channel> channel;
  ServerAddress server;
  std::chrono::milliseconds deadline;
  CallClaims claims;
  ApprovalWish approval;
  std::string token_file;  // empty unless the channel is TLS
  std::shared_ptr<v1::FieldService::Stub> fields;
  std::shared_ptr<v1::KeyService::Stub> keys;
  std::shared_ptr<v1::SecretService::Stub> secrets;
  std::shared_ptr<v1::AdminService::Stub> admin;
  std::shared_ptr<v1::AccessService::Stub> access;
  std::shared_ptr<v1::IdentityService::Stub> identity;
  std::shared_ptr<v1::AuditService::Stub> audit;
};

namespace {

std::chrono::milliseconds LeftUntil(TimePoint deadline) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::system_clock::now());
}

// For one call: whoever renews the file is not waited for.
RpcResult<void> AddToken(const std::string& file, grpc::ClientContext& context) {
  if (file.empty()) return {};
  COFFER_ASSIGN_OR_RETURN(const SecretBytes token, ReadBearerToken(file));
  std::string value = "Bearer ";
  value += AsText(token.Expose(SecretAccess::kReply));
  context.AddMetadata("authorization", value);
  Wipe(AsMutableBytes(value));
  return {};
}

RpcError CancelledError() { return {ErrorCode::kUnavailable, "the call was cancelled here"}; }

}  // namespace

// gRPC's own wait cannot be ended from outside.
bool Client::State::WaitForConnected(std::chrono::system_clock::time_point until) const {
  constexpr std::chrono::milliseconds kSlice{200};
  while (!cancellation->IsCancelled()) {
    const auto now = std::chrono::system_clock::now();
    if (channel->WaitForConnected(std::min(until, now + kSlice))) return true;
    if (now >= until) return false;
  }
  return false;
}

template <typename Stub, typename Request, typename Response>
RpcResult<Response> Client::State::Call(Stub& stub,
                                        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                        const Request& request, Repeat repeat) const {
  const TimePoint until = std::chrono::system_clock::now() + deadline;
  Backoff backoff;
  for (;;) {
    // Until the channel is connected nothing is sent, so that a mutation may wait here too.
    if (!WaitForConnected(until)) {
      return RpcError(ErrorCode::kUnavailable, "no service at " + server.ToText() + " any more");
    }
    grpc::ClientContext context;
    const Cancellation::Watch watch(*cancellation, context);
    context.set_deadline(until);
    AddClaims(claims, context);
    AddWish(approval, context);
    COFFER_TRY(AddToken(token_file, context));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (status.ok()) return response;
    if (cancellation->IsCancelled()) return CancelledError();
    RpcError error = ErrorOf(status, context);
    const auto pause = backoff.Next();
    if (!MayRetry(repeat, error.code, LeftUntil(until) - pause)) return error;
    cancellation->Pause(pause);
  }
}

RpcResult<std::unique_ptr<Client>> Client::Connect(const ClientOptions& options) {
  COFFER_TRY(CheckClaims(options.claims));
  COFFER_TRY(CheckWish(options.approval));
  COFFER_ASSIGN_OR_RETURN(const ServerAddress parsed, ServerAddress::Parse(ServerFromEnvironment(options.server)));
  COFFER_ASSIGN_OR_RETURN(ServerAddress server, parsed.ForRole(options.role));
  COFFER_ASSIGN_OR_RETURN(auto channel, OpenChannel(server, options));
  auto state = std::make_unique<State>(std::move(channel), std::move(server), options);
  return std::make_unique<Client>(Key(), std::move(state));
}

RpcResult<std::unique_ptr<Client>> Client::ForCalls(CallClaims claims, std::chrono::milliseconds deadline) const {
  COFFER_TRY(CheckClaims(claims));
  auto state = std::make_unique<State>(*state_);
  state->cancellation = std::make_shared<Cancellation>();
  state->claims = std::move(claims);
  state->deadline = deadline;
  return std::make_unique<Client>(Key(), std::move(state));
}

Client::Client(Key, std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

void Client::CancelCalls() { state_->cancellation->Cancel(); }

RpcResult<v1::EncryptFieldsResponse> Client::EncryptFields(const v1::EncryptFieldsRequest& request) {
  return state_->Call(*state_->fields, &v1::FieldService::Stub::EncryptFields, request, Repeat::kSafe);
}

RpcResult<v1::DecryptFieldsResponse> Client::DecryptFields(const v1::DecryptFieldsRequest& request) {
  return state_->Call(*state_->fields, &v1::FieldService::Stub::DecryptFields, request, Repeat::kSafe);
}

RpcResult<v1::RewrapFieldsResponse> Client::RewrapFields(const v1::RewrapFieldsRequest& request) {
  return state_->Call(*state_->fields, &v1::FieldService::Stub::RewrapFields, request, Repeat::kSafe);
}

RpcResult<v1::IndexTokensResponse> Client::IndexTokens(const v1::IndexTokensRequest& request) {
  return state_->Call(*state_->fields, &v1::FieldService::Stub::IndexTokens, request, Repeat::kSafe);
}

RpcResult<v1::Keyring> Client::CreateKeyring(const v1::CreateKeyringRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::CreateKeyring, request, Repeat::kNever);
}

RpcResult<v1::Keyring> Client::GetKeyring(const v1::GetKeyringRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::GetKeyring, request, Repeat::kSafe);
}

RpcResult<v1::ListKeyringsResponse> Client::ListKeyrings(const v1::ListKeyringsRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::ListKeyrings, request, Repeat::kSafe);
}

RpcResult<v1::Keyring> Client::RotateKeyring(const v1::RotateKeyringRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::RotateKeyring, request, Repeat::kNever);
}

RpcResult<v1::Keyring> Client::DisableKeyVersion(const v1::DisableKeyVersionRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::DisableKeyVersion, request, Repeat::kNever);
}

RpcResult<v1::Keyring> Client::EnableKeyVersion(const v1::EnableKeyVersionRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::EnableKeyVersion, request, Repeat::kNever);
}

RpcResult<v1::Tenant> Client::CreateTenant(const v1::CreateTenantRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::CreateTenant, request, Repeat::kNever);
}

RpcResult<v1::ListTenantsResponse> Client::ListTenants(const v1::ListTenantsRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::ListTenants, request, Repeat::kSafe);
}

RpcResult<v1::Keyring> Client::RotateKek(const v1::RotateKekRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::RotateKek, request, Repeat::kNever);
}

RpcResult<v1::Keyring> Client::SetRotation(const v1::SetRotationRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::SetRotation, request, Repeat::kNever);
}

RpcResult<v1::Keyring> Client::ScheduleDestroy(const v1::ScheduleDestroyRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::ScheduleDestroy, request, Repeat::kNever);
}

RpcResult<v1::Keyring> Client::CancelDestroy(const v1::CancelDestroyRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::CancelDestroy, request, Repeat::kNever);
}

RpcResult<v1::Tenant> Client::GetTenant(const v1::GetTenantRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::GetTenant, request, Repeat::kSafe);
}

RpcResult<v1::Tenant> Client::ShredTenant(const v1::ShredTenantRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::ShredTenant, request, Repeat::kNever);
}

RpcResult<v1::Tenant> Client::CancelShredTenant(const v1::CancelShredTenantRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::CancelShredTenant, request, Repeat::kNever);
}

RpcResult<v1::CensusSource> Client::RegisterCensusSource(const v1::RegisterCensusSourceRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::RegisterCensusSource, request, Repeat::kNever);
}

RpcResult<v1::RemoveCensusSourceResponse> Client::RemoveCensusSource(const v1::RemoveCensusSourceRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::RemoveCensusSource, request, Repeat::kNever);
}

RpcResult<v1::ListCensusSourcesResponse> Client::ListCensusSources(const v1::ListCensusSourcesRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::ListCensusSources, request, Repeat::kSafe);
}

RpcResult<v1::CensusSource> Client::ReportCensus(const v1::ReportCensusRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::ReportCensus, request, Repeat::kNever);
}

RpcResult<v1::Census> Client::GetCensus(const v1::GetCensusRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::GetCensus, request, Repeat::kSafe);
}

RpcResult<v1::GenerateDataKeyResponse> Client::GenerateDataKey(const v1::GenerateDataKeyRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::GenerateDataKey, request, Repeat::kSafe);
}

RpcResult<v1::UnwrapDataKeyResponse> Client::UnwrapDataKey(const v1::UnwrapDataKeyRequest& request) {
  return state_->Call(*state_->keys, &v1::KeyService::Stub::UnwrapDataKey, request, Repeat::kSafe);
}

RpcResult<v1::SecretVersion> Client::PutSecret(const v1::PutSecretRequest& request) {
  return state_->Call(*state_->secrets, &v1::SecretService::Stub::PutSecret, request, Repeat::kNever);
}

RpcResult<v1::GetSecretResponse> Client::GetSecret(const v1::GetSecretRequest& request) {
  return state_->Call(*state_->secrets, &v1::SecretService::Stub::GetSecret, request, Repeat::kSafe);
}

RpcResult<v1::ListSecretsResponse> Client::ListSecrets(const v1::ListSecretsRequest& request) {
  return state_->Call(*state_->secrets, &v1::SecretService::Stub::ListSecrets, request, Repeat::kSafe);
}

RpcResult<v1::GetSecretHistoryResponse> Client::GetSecretHistory(const v1::GetSecretHistoryRequest& request) {
  return state_->Call(*state_->secrets, &v1::SecretService::Stub::GetSecretHistory, request, Repeat::kSafe);
}

RpcResult<v1::DeleteSecretResponse> Client::DeleteSecret(const v1::DeleteSecretRequest& request) {
  return state_->Call(*state_->secrets, &v1::SecretService::Stub::DeleteSecret, request, Repeat::kNever);
}

RpcResult<v1::UndeleteSecretResponse> Client::UndeleteSecret(const v1::UndeleteSecretRequest& request) {
  return state_->Call(*state_->secrets, &v1::SecretService::Stub::UndeleteSecret, request, Repeat::kNever);
}

RpcResult<v1::DestroySecretResponse> Client::DestroySecret(const v1::DestroySecretRequest& request) {
  return state_->Call(*state_->secrets, &v1::SecretService::Stub::DestroySecret, request, Repeat::kNever);
}

RpcResult<v1::InitResponse> Client::Init(const v1::InitRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::Init, request, Repeat::kNever);
}

RpcResult<v1::UnsealResponse> Client::Unseal(const v1::UnsealRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::Unseal, request, Repeat::kNever);
}

RpcResult<v1::SealResponse> Client::Seal(const v1::SealRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::Seal, request, Repeat::kNever);
}

RpcResult<v1::StartRecoveryResponse> Client::StartRecovery(const v1::StartRecoveryRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::StartRecovery, request, Repeat::kSafe);
}

RpcResult<v1::ListSealSlotsResponse> Client::ListSealSlots(const v1::ListSealSlotsRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::ListSealSlots, request, Repeat::kSafe);
}

RpcResult<v1::AddSealSlotResponse> Client::AddSealSlot(const v1::AddSealSlotRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::AddSealSlot, request, Repeat::kNever);
}

RpcResult<v1::RemoveSealSlotResponse> Client::RemoveSealSlot(const v1::RemoveSealSlotRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::RemoveSealSlot, request, Repeat::kNever);
}

RpcResult<v1::RekeyResponse> Client::Rekey(const v1::RekeyRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::Rekey, request, Repeat::kNever);
}

RpcResult<v1::BackupResponse> Client::Backup(const v1::BackupRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::Backup, request, Repeat::kNever);
}

RpcResult<v1::MergeStoreResponse> Client::MergeStore(const v1::MergeStoreRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::MergeStore, request, Repeat::kNever);
}

RpcResult<v1::RecoverResponse> Client::Recover(const v1::RecoverRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::Recover, request, Repeat::kNever);
}

RpcResult<v1::CheckStoreResponse> Client::CheckStore(const v1::CheckStoreRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::CheckStore, request, Repeat::kSafe);
}

RpcResult<v1::GetStatusResponse> Client::GetStatus(const v1::GetStatusRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::GetStatus, request, Repeat::kSafe);
}

RpcResult<v1::ApplyCatalogResponse> Client::ApplyCatalog(const v1::ApplyCatalogRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::ApplyCatalog, request, Repeat::kNever);
}

RpcResult<v1::DiffCatalogResponse> Client::DiffCatalog(const v1::DiffCatalogRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::DiffCatalog, request, Repeat::kSafe);
}

RpcResult<v1::GetCatalogResponse> Client::GetCatalog(const v1::GetCatalogRequest& request) {
  return state_->Call(*state_->admin, &v1::AdminService::Stub::GetCatalog, request, Repeat::kSafe);
}

RpcResult<v1::ApplyPolicyResponse> Client::ApplyPolicy(const v1::ApplyPolicyRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::ApplyPolicy, request, Repeat::kNever);
}

RpcResult<v1::GetPolicyResponse> Client::GetPolicy(const v1::GetPolicyRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::GetPolicy, request, Repeat::kSafe);
}

RpcResult<v1::ListApprovalsResponse> Client::ListApprovals(const v1::ListApprovalsRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::ListApprovals, request, Repeat::kSafe);
}

RpcResult<v1::ApproveResponse> Client::Approve(const v1::ApproveRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::Approve, request, Repeat::kNever);
}

RpcResult<v1::DenyResponse> Client::Deny(const v1::DenyRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::Deny, request, Repeat::kNever);
}

RpcResult<v1::IssueGrantResponse> Client::IssueGrant(const v1::IssueGrantRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::IssueGrant, request, Repeat::kNever);
}

RpcResult<v1::ListGrantsResponse> Client::ListGrants(const v1::ListGrantsRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::ListGrants, request, Repeat::kSafe);
}

RpcResult<v1::RevokeGrantResponse> Client::RevokeGrant(const v1::RevokeGrantRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::RevokeGrant, request, Repeat::kNever);
}

RpcResult<v1::BreakGlassResponse> Client::BreakGlass(const v1::BreakGlassRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::BreakGlass, request, Repeat::kNever);
}

RpcResult<v1::ReviewBreakGlassResponse> Client::ReviewBreakGlass(const v1::ReviewBreakGlassRequest& request) {
  return state_->Call(*state_->access, &v1::AccessService::Stub::ReviewBreakGlass, request, Repeat::kNever);
}

RpcResult<v1::CreateTokenResponse> Client::CreateToken(const v1::CreateTokenRequest& request) {
  return state_->Call(*state_->identity, &v1::IdentityService::Stub::CreateToken, request, Repeat::kNever);
}

RpcResult<v1::ListTokensResponse> Client::ListTokens(const v1::ListTokensRequest& request) {
  return state_->Call(*state_->identity, &v1::IdentityService::Stub::ListTokens, request, Repeat::kSafe);
}

RpcResult<v1::RevokeTokenResponse> Client::RevokeToken(const v1::RevokeTokenRequest& request) {
  return state_->Call(*state_->identity, &v1::IdentityService::Stub::RevokeToken, request, Repeat::kNever);
}

RpcResult<v1::DenyCertificateResponse> Client::DenyCertificate(const v1::DenyCertificateRequest& request) {
  return state_->Call(*state_->identity, &v1::IdentityService::Stub::DenyCertificate, request, Repeat::kNever);
}

RpcResult<v1::AllowCertificateResponse> Client::AllowCertificate(const v1::AllowCertificateRequest& request) {
  return state_->Call(*state_->identity, &v1::IdentityService::Stub::AllowCertificate, request, Repeat::kNever);
}

RpcResult<v1::ListDeniedCertificatesResponse> Client::ListDeniedCertificates(
    const v1::ListDeniedCertificatesRequest& request) {
  return state_->Call(*state_->identity, &v1::IdentityService::Stub::ListDeniedCertificates, request, Repeat::kSafe);
}

RpcResult<v1::QueryRecordsResponse> Client::QueryRecords(const v1::QueryRecordsRequest& request) {
  return state_->Call(*state_->audit, &v1::AuditService::Stub::QueryRecords, request, Repeat::kSafe);
}

RpcResult<v1::AggregateRecordsResponse> Client::AggregateRecords(const v1::AggregateRecordsRequest& request) {
  return state_->Call(*state_->audit, &v1::AuditService::Stub::AggregateRecords, request, Repeat::kSafe);
}

namespace {

// The index of a call's own record; nothing when it was refused.
std::optional<std::uint64_t> AuditIndexOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  const auto found = metadata.find("coffer-audit-index");
  if (found == metadata.end()) return std::nullopt;
  const std::string_view text(found->second.data(), found->second.size());
  std::uint64_t index = 0;
  const auto [stop, wrong] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (wrong != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return index;
}

}  // namespace

RpcResult<void> Client::TailRecords(const v1::TailRecordsRequest& request,
                                    const std::function<bool(const v1::TailRecordsResponse&)>& take) {
  if (!state_->WaitForConnected(std::chrono::system_clock::now() + state_->deadline)) {
    return RpcError(ErrorCode::kUnavailable, "no service at " + state_->server.ToText() + " any more");
  }
  grpc::ClientContext context;
  const Cancellation::Watch watch(*state_->cancellation, context);
  AddClaims(state_->claims, context);
  AddWish(state_->approval, context);
  COFFER_TRY(AddToken(state_->token_file, context));
  const auto reader = state_->audit->TailRecords(&context, request);
  v1::TailRecordsResponse message;
  bool wanted = true;
  reader->WaitForInitialMetadata();
  const std::optional<std::uint64_t> own = AuditIndexOf(context.GetServerInitialMetadata());
  if (own && !request.filter().has_from_index()) {
    message.set_next_index(*own + 1);
    wanted = take(message);
  }
  while (reader->Read(&message)) {
    if (wanted && !take(message)) {
      wanted = false;
      context.TryCancel();  // What is under way is still read, and dropped.
    }
  }
  const grpc::Status status = reader->Finish();
  if (status.ok() || !wanted) return {};
  if (state_->cancellation->IsCancelled()) return CancelledError();
  return ErrorOf(status, context);
}

RpcResult<v1::GetCheckpointResponse> Client::GetCheckpoint(const v1::GetCheckpointRequest& request) {
  return state_->Call(*state_->audit, &v1::AuditService::Stub::GetCheckpoint, request, Repeat::kNever);
}

RpcResult<v1::ProveConsistencyResponse> Client::ProveConsistency(const v1::ProveConsistencyRequest& request) {
  return state_->Call(*state_->audit, &v1::AuditService::Stub::ProveConsistency, request, Repeat::kNever);
}

RpcResult<v1::ProveRecordResponse> Client::ProveRecord(const v1::ProveRecordRequest& request) {
  return state_->Call(*state_->audit, &v1::AuditService::Stub::ProveRecord, request, Repeat::kSafe);
}

}  // namespace coffer::client
