#include "bench/service_under_test.h"

#include <charconv>
#include <poll.h>

#include <grpcpp/grpcpp.h>

#include "bench/load.h"
#include "coffer/v1/admin.grpc.pb.h"
#include "coffer/v1/key.grpc.pb.h"
#include "io/clock.h"
#include "io/file.h"

namespace coffer::bench {
namespace {

constexpr std::int64_t kPatienceUs = 20'000'000;
constexpr char kCatalog[] =
    "scope = \"bench\"\n[field.\"user.email\"]\nclass = \"pii\"\nkeyring = \"bench\"\nrow = \"int64\"\n";

Status Check(const grpc::Status& status) {
  return status.ok() ? Status() : Status(Error(ErrorCode::kInternal, "a call to the service under test failed"));
}

Status InitStore(const std::string& folder) {
  const auto channel = UnixChannel(folder + "/admin.sock");
  const auto admin = v1::AdminService::NewStub(channel);
  const auto keys = v1::KeyService::NewStub(channel);
  v1::InitRequest init;
  init.mutable_key_file()->set_path(folder + "/seal.key");
  init.mutable_key_file()->set_allow_same_device(true);
  init.set_accept_total_loss(true);
  v1::InitResponse initialised;
  grpc::ClientContext init_context;
  COFFER_TRY(Check(admin->Init(&init_context, init, &initialised)));
  v1::CreateKeyringRequest create;
  create.set_name("bench");
  v1::Keyring keyring;
  grpc::ClientContext create_context;
  COFFER_TRY(Check(keys->CreateKeyring(&create_context, create, &keyring)));
  v1::ApplyCatalogRequest apply;
  apply.set_catalog(kCatalog);
  v1::ApplyCatalogResponse applied;
  grpc::ClientContext apply_context;
  return Check(admin->ApplyCatalog(&apply_context, apply, &applied));
}

// True when the service answers its status.
bool Answers(const std::string& folder) {
  const auto admin = v1::AdminService::NewStub(UnixChannel(folder + "/admin.sock"));
  grpc::ClientContext context;
  context.set_wait_for_ready(false);
  v1::GetStatusResponse status;
  return admin->GetStatus(&context, {}, &status).ok();
}

}  // namespace

Status ServiceUnderTest::AwaitSocket() {
  const SystemClock clock;
  const std::int64_t start = clock.MonotonicMicros();
  while (clock.MonotonicMicros() - start < kPatienceUs) {
    if (Answers(folder_)) {
      first_answer_us_ = clock.MonotonicMicros() - start;
      return {};
    }
    poll(nullptr, 0, 2);
  }
  return Error(ErrorCode::kUnavailable, "the service under test does not answer");
}

Result<std::unique_ptr<ServiceUnderTest>> ServiceUnderTest::StartCofferd(const std::string& program,
                                                                         const std::string& folder) {
  ChildOptions options;
  options.error = ChildStream::kNull;
  COFFER_ASSIGN_OR_RETURN(ChildProcess process,
                          ChildProcess::Spawn({program, "--data-dir", folder, "--allow-swap"}, options));
  std::unique_ptr<ServiceUnderTest> service(new ServiceUnderTest(std::move(process)));
  service->folder_ = folder;
  service->socket_ = folder + "/app.sock";
  COFFER_TRY(service->AwaitSocket());
  COFFER_TRY(InitStore(folder));
  return service;
}

Result<std::unique_ptr<ServiceUnderTest>> ServiceUnderTest::StartEmpty(const std::string& program,
                                                                       const std::string& folder) {
  const std::string socket = folder + "/empty.sock";
  COFFER_ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Spawn({program, "--serve-empty", socket}, {}));
  std::unique_ptr<ServiceUnderTest> service(new ServiceUnderTest(std::move(process)));
  service->socket_ = socket;
  const bool connected =
      UnixChannel(socket)->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (!connected) return Error(ErrorCode::kUnavailable, "the empty server does not answer");
  return service;
}

std::uint64_t ServiceUnderTest::ResidentKib() const {
  const Result<Bytes> status = ReadFile("/proc/" + std::to_string(process_.pid()) + "/status", 64 * 1024);
  if (!status.ok()) return 0;
  const std::string_view text = AsText(*status);
  const std::size_t at = text.find("VmRSS:");
  if (at == std::string_view::npos) return 0;
  const std::size_t digits = text.find_first_of("0123456789", at);
  std::uint64_t kib = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), kib);
  return kib;
}

Status ServiceUnderTest::MakeDataKeys(int count) {
  const auto keys = v1::KeyService::NewStub(UnixChannel(folder_ + "/admin.sock"));
  const auto fields = v1::FieldService::NewStub(UnixChannel(socket_));
  v1::EncryptFieldsRequest encrypt = MakeRequest(1);
  for (int i = 0; i < count; ++i) {
    v1::CreateTenantRequest create;
    create.set_name("t" + std::to_string(i));
    v1::Tenant tenant;
    grpc::ClientContext create_context;
    COFFER_TRY(Check(keys->CreateTenant(&create_context, create, &tenant)));
    encrypt.mutable_columns(0)->set_tenant(create.name());
    v1::EncryptFieldsResponse encrypted;
    grpc::ClientContext encrypt_context;
    COFFER_TRY(Check(fields->EncryptFields(&encrypt_context, encrypt, &encrypted)));
  }
  return {};
}

}  // namespace coffer::bench
