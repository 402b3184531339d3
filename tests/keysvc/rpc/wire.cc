#include "tests/keysvc/rpc/wire.h"

#include <fstream>
#include <future>
#include <sstream>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include "coffer/v1/access.pb.h"
#include "coffer/v1/admin.pb.h"
#include "coffer/v1/audit.pb.h"
#include "coffer/v1/field.pb.h"
#include "coffer/v1/identity.pb.h"
#include "coffer/v1/key.pb.h"
#include "coffer/v1/secret.pb.h"
#include "io/process.h"

namespace coffer::keysvc {
namespace {

constexpr char kPackage[] = "coffer.v1.";

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(slice.begin(), slice.end());
  return bytes;
}

std::unique_ptr<google::protobuf::Message> RequestOf(const std::string& rpc) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(kPackage + rpc);
  if (method == nullptr) return nullptr;
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<google::protobuf::Message>(factory->GetPrototype(method->input_type())->New());
}

// A request in protobuf's text form, as it is sent; the test fails when it is none.
std::string BytesOfText(const std::string& rpc, const std::string& request) {
  const std::unique_ptr<google::protobuf::Message> message = RequestOf(rpc);
  if (message != nullptr && google::protobuf::TextFormat::ParseFromString(request, message.get()))
    return message->SerializeAsString();
  ADD_FAILURE() << rpc << ": not a request: " << request.substr(0, 200);
  return "";
}

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  return arguments;
}

using Op = policy::Operation;
const std::string kEmail = "columns { field: 'shop.user.email' rows { parts { int64: 7 } } values: 'x' }";
const std::vector<Rpc> kRpcs = {
    {"FieldService.EncryptFields", Op::kEncryptFields, kEmail},
    {"FieldService.DecryptFields", Op::kDecryptFields, kEmail},
    {"FieldService.RewrapFields", Op::kRewrapFields, kEmail},
    {"FieldService.IndexTokens", Op::kIndexTokens,
     "queries { field: 'shop.user.email' search { index: 'exact' equals: 'x' } }"},
    {"KeyService.CreateKeyring", Op::kCreateKeyring, "name: 'new'"},
    {"KeyService.GetKeyring", Op::kGetKeyring, "name: 'shop'"},
    {"KeyService.ListKeyrings", Op::kListKeyrings, ""},
    {"KeyService.RotateKeyring", Op::kRotateKeyring, "name: 'shop'"},
    {"KeyService.DisableKeyVersion", Op::kDisableVersion, "name: 'shop' version: 1"},
    {"KeyService.EnableKeyVersion", Op::kEnableVersion, "name: 'shop' version: 1"},
    {"KeyService.CreateTenant", Op::kCreateTenant, "name: 'new'"},
    {"KeyService.ListTenants", Op::kListTenants, ""},
    {"KeyService.RotateKek", Op::kRotateKek, "name: 'shop'"},
    {"KeyService.SetRotation", Op::kSetRotation, "name: 'shop' period_us: 86400000000"},
    {"KeyService.ScheduleDestroy", Op::kScheduleDestroy, "name: 'shop' version: 1"},
    {"KeyService.CancelDestroy", Op::kCancelDestroy, "name: 'shop' version: 1"},
    {"KeyService.GetTenant", Op::kGetTenant, "name: 'fresh'"},
    {"KeyService.ShredTenant", Op::kShredTenant, "name: 'fresh'"},
    {"KeyService.CancelShredTenant", Op::kCancelShredTenant, "name: 'fresh'"},
    {"KeyService.RegisterCensusSource", Op::kRegisterCensusSource, "name: 'new' max_age_us: 86400000000"},
    {"KeyService.RemoveCensusSource", Op::kRemoveCensusSource, "name: 'new'"},
    {"KeyService.ListCensusSources", Op::kListCensusSources, ""},
    {"KeyService.ReportCensus", Op::kReportCensus, "source: 'none' as_of_us: 1"},
    {"KeyService.GetCensus", Op::kGetCensus, "keyring: 'shop'"},
    {"KeyService.GenerateDataKey", Op::kGenerateDataKey, "keyring: 'shop'"},
    {"KeyService.UnwrapDataKey", Op::kUnwrapDataKey, "keyring: 'shop' wrapped: 'x'"},
    {"SecretService.PutSecret", Op::kPutSecret, "path: 'app/db' value: 'x'"},
    {"SecretService.GetSecret", Op::kGetSecret, "path: 'app/db'"},
    {"SecretService.ListSecrets", Op::kListSecrets, ""},
    {"SecretService.GetSecretHistory", Op::kSecretHistory, "path: 'app/db'"},
    {"SecretService.DeleteSecret", Op::kDeleteSecret, "path: 'app/db'"},
    {"SecretService.UndeleteSecret", Op::kUndeleteSecret, "path: 'app/db'"},
    {"SecretService.DestroySecret", Op::kDestroySecret, "path: 'app/db' versions: 1"},
    {"AdminService.Init", Op::kInitStore, "seal { key_file { path: '/nowhere/key' } } accept_total_loss: true"},
    {"AdminService.Unseal", Op::kUnseal, ""},
    {"AdminService.Seal", Op::kSeal, ""},
    {"AdminService.StartRecovery", Op::kStartRecovery,
     "recipients: 'age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z'"},
    {"AdminService.ListSealSlots", Op::kListSealSlots, ""},
    {"AdminService.AddSealSlot", Op::kAddSealSlot, "seal { passphrase: 'correct horse battery' }"},
    {"AdminService.RemoveSealSlot", Op::kRemoveSealSlot, "id: 1"},
    {"AdminService.Rekey", Op::kRekey, "seals { shares { threshold: 2 count: 3 } }"},
    {"AdminService.Backup", Op::kBackupStore, "path: '/nowhere/backup'"},
    {"AdminService.Recover", Op::kRecoverStore, "seal { passphrase: 'correct horse battery' }"},
    {"AdminService.MergeStore", Op::kMergeStore,
     "backup_path: '/nowhere/edge.age' recovery_identity: "
     "'AGE-SECRET-KEY-1R0SU6RP68YM4JSYNZXXT7TUGNCPZ6VYC7JGR64CSSC574L69ED0S64Y3VX'"},
    {"AdminService.CheckStore", Op::kCheckStore, ""},
    {"AdminService.GetStatus", Op::kShowStatus, ""},
    {"AdminService.ApplyCatalog", Op::kApplyCatalog, "catalog: 'scope = \"other\"'"},
    {"AdminService.DiffCatalog", Op::kDiffCatalog, "catalog: 'scope = \"other\"'"},
    {"AdminService.GetCatalog", Op::kShowCatalog, ""},
    {"AccessService.ApplyPolicy", Op::kApplyPolicy, "policy: 'serial = 1'"},
    {"AccessService.GetPolicy", Op::kShowPolicy, ""},
    {"AccessService.ListApprovals", Op::kListApprovals, ""},
    {"AccessService.Approve", Op::kApprove, "id: '01926e3a-0000-7000-8000-000000000000' signature: 'x'"},
    {"AccessService.Deny", Op::kDeny, "id: '01926e3a-0000-7000-8000-000000000000'"},
    {"AccessService.IssueGrant", Op::kIssueGrant, "grant: '[grant.issued-x]'"},
    {"AccessService.ListGrants", Op::kListGrants, ""},
    {"AccessService.RevokeGrant", Op::kRevokeGrant, "name: 'issued-x' reason: 'a test'"},
    {"AccessService.BreakGlass", Op::kBreakGlass, "statement: 'x' signature: 'x'"},
    {"AccessService.ReviewBreakGlass", Op::kReviewBreakGlass,
     "id: '01926e3a-0000-7000-8000-000000000000' review: 'a test'"},
    {"IdentityService.CreateToken", Op::kCreateToken,
     "principal: 'spiffe://example.org/role/app/new' listener: 'tokens' lifetime_s: 3600"},
    {"IdentityService.ListTokens", Op::kListTokens, ""},
    {"IdentityService.RevokeToken", Op::kRevokeToken, "id: '01926e3a-0000-7000-8000-000000000000' reason: 'a test'"},
    {"IdentityService.DenyCertificate", Op::kDenyCertificate,
     "sha256: '0123456789abcdef0123456789abcdef' reason: 'a test'"},
    {"IdentityService.AllowCertificate", Op::kAllowCertificate, "sha256: '0123456789abcdef0123456789abcdef'"},
    {"IdentityService.ListDeniedCertificates", Op::kListDeniedCertificates, ""},
    {"AuditService.QueryRecords", Op::kQueryRecords, ""},
    {"AuditService.AggregateRecords", Op::kAggregateRecords, "by: RECORD_DIMENSION_ROLE"},
    {"AuditService.TailRecords", Op::kTailRecords, "filter { from_index: 0 } max_records: 1"},
    {"AuditService.GetCheckpoint", Op::kGetCheckpoint, ""},
    {"AuditService.ProveConsistency", Op::kProveConsistency, ""},
    {"AuditService.ProveRecord", Op::kProveRecord, "index: 0"},
};

}  // namespace

const std::vector<Rpc>& AllRpcs() { return kRpcs; }

policy::Role CallerOf(const std::string& rpc) {
  for (const Rpc& known : AllRpcs()) {
    if (known.name != rpc) continue;
    for (const policy::Role role : {policy::Role::kApp, policy::Role::kAdmin}) {
      if (policy::MayEver(role, known.operation).allowed) return role;
    }
    return policy::Role::kAuditor;
  }
  ADD_FAILURE() << "no RPC of this name: " << rpc;
  return policy::Role::kApp;
}

std::vector<std::string> DeclaredRpcs() {
  std::vector<std::string> names;
  for (const google::protobuf::FileDescriptor* file :
       {v1::EncryptFieldsRequest::descriptor()->file(), v1::Keyring::descriptor()->file(),
        v1::SecretVersion::descriptor()->file(), v1::InitRequest::descriptor()->file(),
        v1::ApplyPolicyRequest::descriptor()->file(), v1::AccessToken::descriptor()->file(),
        v1::AuditRecord::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        names.push_back(file->service(s)->name() + "." + file->service(s)->method(m)->name());
      }
    }
  }
  return names;
}

int OpenSslClient(int port, const std::string& folder, const std::string& version, const std::string& name) {
  std::vector<std::string> command = {"openssl",         "s_client", "-connect", "127.0.0.1:" + std::to_string(port),
                                      version,           "-alpn",    "h2",       "-CAfile",
                                      folder + "/ca.crt"};
  if (!name.empty()) {
    command.insert(command.end(), {"-cert", folder + "/" + name + ".crt", "-key", folder + "/" + name + ".key"});
  }
  Result<ChildProcess> child = ChildProcess::Spawn(
      command,
      {.input = ChildStream::kNull, .output = ChildStream::kNull, .error = ChildStream::kNull, .environment = {}});
  if (!child.ok()) return -1;
  const Result<int> code = child->Wait();
  return code.ok() ? *code : -1;
}

std::string Quoted(const std::string& bytes) {
  constexpr std::string_view kDigits = "01234567";
  std::string text = "'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += '\\';
    text += kDigits[byte >> 6U];
    text += kDigits[(byte >> 3U) & 7U];
    text += kDigits[byte & 7U];
  }
  return text + "'";
}

struct Wire::Channel {
  explicit Channel(std::shared_ptr<grpc::ChannelInterface> channel) : stub(std::move(channel)) {}
  mutable grpc::GenericStub stub;
};

Wire Wire::ToSocket(const std::string& path) {
  return Wire(std::make_shared<Channel>(
      grpc::CreateCustomChannel("unix:" + path, grpc::experimental::LocalCredentials(UDS), Arguments())));
}

Wire Wire::ToTls(int port, const std::string& folder, const std::string& name) {
  grpc::SslCredentialsOptions options{
      .pem_root_certs = ReadAll(folder + "/ca.crt"), .pem_private_key = {}, .pem_cert_chain = {}};
  if (!name.empty()) {
    options.pem_private_key = ReadAll(folder + "/" + name + ".key");
    options.pem_cert_chain = ReadAll(folder + "/" + name + ".crt");
  }
  grpc::ChannelArguments arguments = Arguments();
  arguments.SetSslTargetNameOverride("localhost");
  return Wire(std::make_shared<Channel>(
      grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::SslCredentials(options), arguments)));
}

std::string Wire::MethodOf(const std::string& rpc) {
  std::string method = "/";
  method.append(kPackage).append(rpc);
  method.at(method.rfind('.')) = '/';
  return method;
}

Answer Wire::Call(const std::string& rpc, const std::string& request, const Metadata& metadata) const {
  return CallRaw(MethodOf(rpc), BytesOfText(rpc, request), metadata);
}

Answer Wire::CallWithin(std::chrono::milliseconds patience, const std::string& rpc, const std::string& request) const {
  return CallRaw(MethodOf(rpc), BytesOfText(rpc, request), {}, patience);
}

Answer Wire::Call(const std::string& rpc, const google::protobuf::Message& request) const {
  return CallRaw(MethodOf(rpc), request.SerializeAsString());
}

Answer Wire::CallRaw(const std::string& method, const std::string& bytes, const Metadata& metadata,
                     std::chrono::milliseconds patience) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  channel_->stub.UnaryCall(&context, method, {}, &request, &response,
                           [&done](const grpc::Status& status) { done.set_value(status); });
  const grpc::Status status = done.get_future().get();
  const auto trailer = [&context](const char* key) {
    const auto found = context.GetServerTrailingMetadata().find(key);
    return found == context.GetServerTrailingMetadata().end() ? std::string()
                                                              : std::string(found->second.data(), found->second.size());
  };
  Answer answer{.code = status.error_code(),
                .message = status.error_message(),
                .error = trailer("coffer-error"),
                .body = BytesOf(response),
                .asked = trailer("coffer-approval-asked")};
  return answer;
}

std::optional<bool> Wire::Serving() const {
  const Answer answer = CallRaw("/grpc.health.v1.Health/Check", "");
  if (!answer.ok() || answer.body.size() != 2) return std::nullopt;
  return answer.body == "\x08\x01";  // status = SERVING; 2 is NOT_SERVING
}

}  // namespace coffer::keysvc
