// The C++ client of the key service: one channel, one typed method a call.
//
// Every method waits for the answer until the deadline, at most. UNAVAILABLE is tried again within the deadline, with
// growing, jittered pauses: reads, searches, encryption, decryption and rewraps always, mutations only while nothing
// was sent. What comes back from the service is an RpcError with its code and its sentence; kUnavailable without
// `from_service` means that nobody answered. Values in requests and answers are the caller's to wipe
// (client/wipe_message.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "client/retry.h"
#include "client/rpc_error.h"
#include "client/server_address.h"
#include "coffer/v1/access.pb.h"
#include "coffer/v1/admin.pb.h"
#include "coffer/v1/audit.pb.h"
#include "coffer/v1/field.pb.h"
#include "coffer/v1/identity.pb.h"
#include "coffer/v1/key.pb.h"
#include "coffer/v1/secret.pb.h"

namespace coffer::client {

// Files for host:port: `ca` with certificate and key, or with a token; none for a unix socket. PEM but for the token.
struct TlsFiles {
  std::string ca;           // who signs the service's certificate
  std::string certificate;  // ours, whose one URI SAN says who we are
  std::string key;          // ours; readable by its owner only (the group too, as orchestrators mount it)
  std::string token = {};   // a bearer token (client/bearer_token.h), read anew for each call
};

// What a caller says of itself for the audit log. Nobody checks it. Printable ASCII; the service's limits are in
// docs/OPERATIONS.md, "The audit log: reading it".
struct CallClaims {
  std::string purpose;
  std::string on_behalf_of;
  std::string request_id;
};

// For an act that others have to approve (coffer/v1/access.proto): to ask for it, or to use what was approved. At most
// one of them.
struct ApprovalWish {
  std::string reason;  // 1 to 200 characters that show
  std::string id;
};

struct ClientOptions {
  std::string server;        // text form of a ServerAddress; empty: COFFER_SERVER, else kDefaultServer
  std::string role = "app";  // which socket of a folder
  TlsFiles tls;
  std::string server_name;                     // the name in the service's certificate, where it is not the host's
  std::chrono::milliseconds deadline{30'000};  // of one call with its repeats; of connecting too
  CallClaims claims;                           // sent with every call
  ApprovalWish approval;  // likewise; a read that nobody has to approve takes no notice, other acts are refused
};

// Thread-safe.
class Client {
 public:
  // Makes the channel and waits until it is connected. kInvalidArgument: the address, the TLS files or a claim, or a
  // token for a unix socket, where it is never sent;
  // kNotFound, kPermissionDenied: the files, or the socket; kUnavailable: nobody answers there, or the certificates do
  // not fit.
  //
  // The first call of a process restricts its TLS to 1.3 by setting an environment variable that gRPC reads when it
  // starts: make the first client before other threads read the environment and before any other use of gRPC.
  static RpcResult<std::unique_ptr<Client>> Connect(const ClientOptions& options);

  // Another client over the same connection, whose calls say these claims and have this deadline: for a process that
  // calls for several. Cheap. kInvalidArgument: a claim.
  RpcResult<std::unique_ptr<Client>> ForCalls(CallClaims claims, std::chrono::milliseconds deadline) const;

  // For Connect and ForCalls alone, which have the key.
  class Key {
    friend class Client;
    Key() = default;
  };
  struct State;
  Client(Key, std::unique_ptr<State> state);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // From another thread: the calls that are under way end at once with kUnavailable, and so do all that come. Other
  // clients of ForCalls go on. What the service was sent may be done all the same.
  void CancelCalls();

  // FieldService.
  RpcResult<v1::EncryptFieldsResponse> EncryptFields(const v1::EncryptFieldsRequest& request);
  RpcResult<v1::DecryptFieldsResponse> DecryptFields(const v1::DecryptFieldsRequest& request);
  RpcResult<v1::RewrapFieldsResponse> RewrapFields(const v1::RewrapFieldsRequest& request);
  // What a search found is decrypted with DecryptFound (client/search.h).
  RpcResult<v1::IndexTokensResponse> IndexTokens(const v1::IndexTokensRequest& request);

  // KeyService.
  RpcResult<v1::Keyring> CreateKeyring(const v1::CreateKeyringRequest& request);
  RpcResult<v1::Keyring> GetKeyring(const v1::GetKeyringRequest& request);
  RpcResult<v1::ListKeyringsResponse> ListKeyrings(const v1::ListKeyringsRequest& request);
  RpcResult<v1::Keyring> RotateKeyring(const v1::RotateKeyringRequest& request);
  RpcResult<v1::Keyring> DisableKeyVersion(const v1::DisableKeyVersionRequest& request);
  RpcResult<v1::Keyring> EnableKeyVersion(const v1::EnableKeyVersionRequest& request);
  RpcResult<v1::Tenant> CreateTenant(const v1::CreateTenantRequest& request);
  RpcResult<v1::ListTenantsResponse> ListTenants(const v1::ListTenantsRequest& request);
  RpcResult<v1::Keyring> RotateKek(const v1::RotateKekRequest& request);
  RpcResult<v1::Keyring> SetRotation(const v1::SetRotationRequest& request);
  RpcResult<v1::Keyring> ScheduleDestroy(const v1::ScheduleDestroyRequest& request);
  RpcResult<v1::Keyring> CancelDestroy(const v1::CancelDestroyRequest& request);
  RpcResult<v1::Tenant> GetTenant(const v1::GetTenantRequest& request);
  RpcResult<v1::Tenant> ShredTenant(const v1::ShredTenantRequest& request);
  RpcResult<v1::Tenant> CancelShredTenant(const v1::CancelShredTenantRequest& request);
  RpcResult<v1::CensusSource> RegisterCensusSource(const v1::RegisterCensusSourceRequest& request);
  RpcResult<v1::RemoveCensusSourceResponse> RemoveCensusSource(const v1::RemoveCensusSourceRequest& request);
  RpcResult<v1::ListCensusSourcesResponse> ListCensusSources(const v1::ListCensusSourcesRequest& request);
  RpcResult<v1::CensusSource> ReportCensus(const v1::ReportCensusRequest& request);
  RpcResult<v1::Census> GetCensus(const v1::GetCensusRequest& request);
  RpcResult<v1::GenerateDataKeyResponse> GenerateDataKey(const v1::GenerateDataKeyRequest& request);
  RpcResult<v1::UnwrapDataKeyResponse> UnwrapDataKey(const v1::UnwrapDataKeyRequest& request);

  // SecretService.
  RpcResult<v1::SecretVersion> PutSecret(const v1::PutSecretRequest& request);
  RpcResult<v1::GetSecretResponse> GetSecret(const v1::GetSecretRequest& request);
  RpcResult<v1::ListSecretsResponse> ListSecrets(const v1::ListSecretsRequest& request);
  RpcResult<v1::GetSecretHistoryResponse> GetSecretHistory(const v1::GetSecretHistoryRequest& request);
  RpcResult<v1::DeleteSecretResponse> DeleteSecret(const v1::DeleteSecretRequest& request);
  RpcResult<v1::UndeleteSecretResponse> UndeleteSecret(const v1::UndeleteSecretRequest& request);
  RpcResult<v1::DestroySecretResponse> DestroySecret(const v1::DestroySecretRequest& request);

  // AdminService.
  RpcResult<v1::InitResponse> Init(const v1::InitRequest& request);
  RpcResult<v1::UnsealResponse> Unseal(const v1::UnsealRequest& request);
  RpcResult<v1::SealResponse> Seal(const v1::SealRequest& request);
  RpcResult<v1::StartRecoveryResponse> StartRecovery(const v1::StartRecoveryRequest& request);
  RpcResult<v1::ListSealSlotsResponse> ListSealSlots(const v1::ListSealSlotsRequest& request);
  RpcResult<v1::AddSealSlotResponse> AddSealSlot(const v1::AddSealSlotRequest& request);
  RpcResult<v1::RemoveSealSlotResponse> RemoveSealSlot(const v1::RemoveSealSlotRequest& request);
  RpcResult<v1::RekeyResponse> Rekey(const v1::RekeyRequest& request);
  RpcResult<v1::BackupResponse> Backup(const v1::BackupRequest& request);
  RpcResult<v1::RecoverResponse> Recover(const v1::RecoverRequest& request);
  RpcResult<v1::MergeStoreResponse> MergeStore(const v1::MergeStoreRequest& request);
  RpcResult<v1::CheckStoreResponse> CheckStore(const v1::CheckStoreRequest& request);
  RpcResult<v1::GetStatusResponse> GetStatus(const v1::GetStatusRequest& request);
  RpcResult<v1::ApplyCatalogResponse> ApplyCatalog(const v1::ApplyCatalogRequest& request);
  RpcResult<v1::DiffCatalogResponse> DiffCatalog(const v1::DiffCatalogRequest& request);
  RpcResult<v1::GetCatalogResponse> GetCatalog(const v1::GetCatalogRequest& request);

  // AccessService.
  RpcResult<v1::ApplyPolicyResponse> ApplyPolicy(const v1::ApplyPolicyRequest& request);
  RpcResult<v1::GetPolicyResponse> GetPolicy(const v1::GetPolicyRequest& request);
  RpcResult<v1::ListApprovalsResponse> ListApprovals(const v1::ListApprovalsRequest& request);
  RpcResult<v1::ApproveResponse> Approve(const v1::ApproveRequest& request);
  RpcResult<v1::DenyResponse> Deny(const v1::DenyRequest& request);
  RpcResult<v1::IssueGrantResponse> IssueGrant(const v1::IssueGrantRequest& request);
  RpcResult<v1::ListGrantsResponse> ListGrants(const v1::ListGrantsRequest& request);
  RpcResult<v1::RevokeGrantResponse> RevokeGrant(const v1::RevokeGrantRequest& request);
  RpcResult<v1::BreakGlassResponse> BreakGlass(const v1::BreakGlassRequest& request);
  RpcResult<v1::ReviewBreakGlassResponse> ReviewBreakGlass(const v1::ReviewBreakGlassRequest& request);

  // IdentityService.
  RpcResult<v1::CreateTokenResponse> CreateToken(const v1::CreateTokenRequest& request);
  RpcResult<v1::ListTokensResponse> ListTokens(const v1::ListTokensRequest& request);
  RpcResult<v1::RevokeTokenResponse> RevokeToken(const v1::RevokeTokenRequest& request);
  RpcResult<v1::DenyCertificateResponse> DenyCertificate(const v1::DenyCertificateRequest& request);
  RpcResult<v1::AllowCertificateResponse> AllowCertificate(const v1::AllowCertificateRequest& request);
  RpcResult<v1::ListDeniedCertificatesResponse> ListDeniedCertificates(
      const v1::ListDeniedCertificatesRequest& request);

  // AuditService.
  RpcResult<v1::QueryRecordsResponse> QueryRecords(const v1::QueryRecordsRequest& request);
  RpcResult<v1::AggregateRecordsResponse> AggregateRecords(const v1::AggregateRecordsRequest& request);
  // Gives each message to `take` until it returns false or the stream ends; no deadline, no repeats. Where the request
  // says no from_index, the first message has no records and says where the tail begins. kUnavailable: it was cut, go
  // on at the last next_index.
  RpcResult<void> TailRecords(const v1::TailRecordsRequest& request,
                              const std::function<bool(const v1::TailRecordsResponse&)>& take);
  // These two are asked for whenever a client connects (client/log_memory.h): UNAVAILABLE is not tried again.
  RpcResult<v1::GetCheckpointResponse> GetCheckpoint(const v1::GetCheckpointRequest& request);
  RpcResult<v1::ProveConsistencyResponse> ProveConsistency(const v1::ProveConsistencyRequest& request);
  RpcResult<v1::ProveRecordResponse> ProveRecord(const v1::ProveRecordRequest& request);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace coffer::client
