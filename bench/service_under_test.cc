#include "bench/service_under_test.h"

#include <charconv>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include <grpcpp/grpcpp.h>

#include "bench/bench_store.h"
#include "bench/load.h"
#include "coffer/v1/admin.grpc.pb.h"
#include "coffer/v1/key.grpc.pb.h"
#include "io/clock.h"
#include "io/file.h"

namespace coffer::bench {
namespace {

constexpr std::int64_t kPatienceUs = 20'000'000;
constexpr char kCatalog[] = R"(scope = "bench"
[field."user.email"]
class = "pii"
keyring = "bench"
row = "int64"
)";

// The field "user.<name>" with an index of the same name.
std::string IndexedEntry(const std::string& name, const std::string& index) {
  return "[field.\"user." + name + "\"]\nclass = \"pii\"\nkeyring = \"bench\"\nrow = \"int64\"\n" +
         "expect = { rows = 1000000, distinct = 1000000, top_share = 0.00001 }\n" + "[field.\"user." + name +
         "\".index." + name + "]\nkeyring = \"bench-index\"\naccept_leak = \"a benchmark\"\n" + index + "\n";
}

std::string Catalog() {
  return kCatalog + IndexedEntry("equality", "kind = \"equality\"\nbits = 20") +
         IndexedEntry("prefix", "kind = \"prefix\"\nbits = 40\nlengths = [3, 5, 8]") +
         IndexedEntry("ngram", "kind = \"ngram\"\nbits = 40\nn = 3\ncount = 64") +
         IndexedEntry("range", "kind = \"range\"\nbits = 40\ntype = \"int64\"\nmin = \"0\"\nmax = \"65535\"");
}

Status Check(const grpc::Status& status) {
  return status.ok() ? Status() : Status(Error(ErrorCode::kInternal, "a call to the service under test failed"));
}

// True when the service answers its status.
bool Answers(const std::string& folder) {
  const auto admin = v1::AdminService::NewStub(UnixChannel(folder + "/admin.sock"));
  grpc::ClientContext context;
  v1::GetStatusResponse status;
  return admin->GetStatus(&context, {}, &status).ok();
}

Result<v1::Column> EncryptColumn(v1::FieldService::Stub& fields, const v1::Column& column) {
  v1::EncryptFieldsRequest request;
  *request.add_columns() = column;
  v1::EncryptFieldsResponse response;
  grpc::ClientContext context;
  COFFER_TRY(Check(fields.EncryptFields(&context, request, &response)));
  v1::Column encrypted = column;
  *encrypted.mutable_values() = response.columns(0).values();
  return encrypted;
}

// How long it took, in microseconds.
Result<std::int64_t> Await(const std::function<bool()>& answers) {
  const SystemClock clock;
  const std::int64_t start = clock.MonotonicMicros();
  while (clock.MonotonicMicros() - start < kPatienceUs) {
    if (answers()) return clock.MonotonicMicros() - start;
    poll(nullptr, 0, 1);
  }
  return Error(ErrorCode::kUnavailable, "the service under test does not answer");
}

}  // namespace

std::vector<IndexedField> ServiceUnderTest::IndexedFields() {
  std::vector<IndexedField> fields;
  for (const char* const name : {"equality", "prefix", "ngram", "range"}) {
    fields.push_back({.name = std::string("bench.user.") + name, .search = {}});
    fields.back().search.set_index(name);
  }
  fields[0].search.set_equals(std::string(64, 'a'));
  fields[1].search.set_begins_with("aaaaa");
  fields[2].search.mutable_contains()->set_text("aaaabbbb");
  fields[3].search.mutable_between()->set_low("1000");
  fields[3].search.mutable_between()->set_high("50000");
  fields[3].numbers = true;
  return fields;
}

Result<std::unique_ptr<ServiceUnderTest>> ServiceUnderTest::Start(const std::vector<std::string>& command,
                                                                  const std::string& folder) {
  ChildOptions options;
  options.error = ChildStream::kNull;
  COFFER_ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Spawn(command, options));
  std::unique_ptr<ServiceUnderTest> service(new ServiceUnderTest(std::move(process)));
  service->folder_ = folder;
  service->socket_ = folder + "/app.sock";
  return service;
}

Result<std::unique_ptr<ServiceUnderTest>> ServiceUnderTest::StartNew(const std::string& program,
                                                                     const std::string& folder,
                                                                     const std::string& grants,
                                                                     const std::string& catalog) {
  const std::string configuration = "data_dir = \"" + folder + "\"\nkey_file = \"" + folder +
                                    "/seal.key\"\nallow_swap = true\n[quotas]\nsearches = 1000000000\n" +
                                    "indexed_values = 1000000000\n";
  COFFER_TRY(WriteFileDurably(folder + "/coffer.toml", AsBytes(configuration), 0600));
  COFFER_TRY(MakeBenchStore(folder, catalog.empty() ? Catalog() : catalog, grants));
  COFFER_ASSIGN_OR_RETURN(auto service, Start({program, "--config", folder + "/coffer.toml"}, folder));
  COFFER_TRY(Await([&] { return Answers(folder); }));
  return service;
}

Result<std::unique_ptr<ServiceUnderTest>> ServiceUnderTest::StartAgain(const std::string& program,
                                                                       const std::string& folder) {
  const v1::Column column = MakeColumn(1);
  COFFER_ASSIGN_OR_RETURN(auto service, Start({program, "--config", folder + "/coffer.toml"}, folder));
  const auto first = Await([&] {
    // A channel that found nobody waits a second before it tries again: a new one each time.
    const auto fields = v1::FieldService::NewStub(UnixChannel(folder + "/app.sock"));
    return EncryptColumn(*fields, column).ok();
  });
  if (!first.ok()) return first.error();
  service->first_answer_us_ = *first;
  COFFER_TRY(Await([&] { return Answers(folder); }));
  return service;
}

Status ServiceUnderTest::Stop() {
  COFFER_TRY(process_.Signal(SIGTERM));
  COFFER_ASSIGN_OR_RETURN(const auto code, process_.WaitFor(kPatienceUs));
  if (code == 0) return {};
  return Error(ErrorCode::kUnavailable, "the service under test did not stop cleanly");
}

Result<std::unique_ptr<ServiceUnderTest>> ServiceUnderTest::StartEmpty(const std::string& program,
                                                                       const std::string& option,
                                                                       const std::string& folder) {
  const std::string socket = folder + "/empty.sock";
  COFFER_ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Spawn({program, option, socket}, {}));
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

double ServiceUnderTest::CpuSeconds() const {
  clockid_t clock = 0;
  timespec taken{};
  if (clock_getcpuclockid(process_.pid(), &clock) != 0 || clock_gettime(clock, &taken) != 0) return 0;
  return static_cast<double>(taken.tv_sec) + static_cast<double>(taken.tv_nsec) / 1e9;
}

Result<v1::Column> ServiceUnderTest::Encrypted(const v1::Column& column) const {
  return EncryptColumn(*v1::FieldService::NewStub(UnixChannel(socket_)), column);
}

Status ServiceUnderTest::Rotate() const {
  const auto keys = v1::KeyService::NewStub(UnixChannel(folder_ + "/admin.sock"));
  v1::RotateKeyringRequest rotate;
  rotate.set_name("bench");
  v1::Keyring keyring;
  grpc::ClientContext context;
  return Check(keys->RotateKeyring(&context, rotate, &keyring));
}

Status ServiceUnderTest::MakeDataKeys(int first, int count) const {
  const auto keys = v1::KeyService::NewStub(UnixChannel(folder_ + "/admin.sock"));
  const auto fields = v1::FieldService::NewStub(UnixChannel(socket_));
  v1::Column column = MakeColumn(1);
  for (int i = first; i < first + count; ++i) {
    v1::CreateTenantRequest create;
    create.set_name("t" + std::to_string(i));
    v1::Tenant tenant;
    grpc::ClientContext context;
    COFFER_TRY(Check(keys->CreateTenant(&context, create, &tenant)));
    column.set_tenant(create.name());
    COFFER_TRY(EncryptColumn(*fields, column));
  }
  return {};
}

}  // namespace coffer::bench
