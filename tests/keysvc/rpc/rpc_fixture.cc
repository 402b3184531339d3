#include "tests/keysvc/rpc/rpc_fixture.h"

#include <unistd.h>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "tests/keysvc/service/people.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {

RpcFixture::RpcFixture() {
  auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
  logger->set_level(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

RpcFixture::~RpcFixture() {
  daemon.reset();  // it still logs
  auto silent = std::make_shared<spdlog::logger>("silent");
  spdlog::set_default_logger(std::move(silent));
}

Config RpcFixture::DefaultSockets() const { return DefaultConfig(data_dir(), static_cast<std::uint32_t>(geteuid())); }

void RpcFixture::StartDaemon(const Config& config) {
  wires_.clear();
  daemon.reset();
  Result<std::unique_ptr<Daemon>> started = Daemon::Start(config, true);
  ASSERT_TRUE(started.ok()) << started.error().ToString();
  daemon = std::move(started).value();
}

void RpcFixture::StartShop(const Config& config) {
  ASSERT_NO_FATAL_FAILURE(StartDaemon(config));
  const std::vector<std::pair<std::string, std::string>> steps = {
      {"AdminService.Init",
       "seal { key_file { path: " + Quoted(key_file()) + " allow_same_device: true } } accept_total_loss: true"},
      {"KeyService.CreateKeyring", "name: 'shop'"},
      {"KeyService.CreateTenant", "name: 'fresh'"},
      {"AdminService.ApplyCatalog", "catalog: " + Quoted(kShopCatalog)},
      {"SecretService.PutSecret",
       "path: 'app/db' value: 'first' metadata { key: 'owner' value: 'shop' } set_metadata: true"},
      {"SecretService.PutSecret", "path: 'app/db' value: 'second'"},
      {"SecretService.DeleteSecret", "path: 'app/db' versions: 1"},
  };
  for (const auto& [rpc, request] : steps) {
    const Answer answer = Call(rpc, request);
    ASSERT_TRUE(answer.ok()) << rpc << ": " << answer.ToText();
    if (rpc == "AdminService.ApplyCatalog") lock = answer.As<v1::ApplyCatalogResponse>().lock();
  }
}

const Wire& RpcFixture::As(policy::Role role) {
  const auto known = wires_.find(role);
  if (known != wires_.end()) return known->second;
  const std::string socket = data_dir() + "/" + std::string(policy::RoleName(role)) + ".sock";
  return wires_.emplace(role, Wire::ToSocket(socket)).first->second;
}

void RpcFixture::ApplyPolicy() {
  const People people("unix:admin:" + std::to_string(geteuid()));
  const StoreUuid store = StoreUuid::Parse(Status().store_uuid()).value();
  const std::string text = people.PolicyText();
  const Answer applied =
      As(policy::Role::kAdmin)
          .Call("AccessService.ApplyPolicy",
                "policy: " + Quoted(text) + " signatures: " + Quoted(people.Signatures(store, text, 1)));
  ASSERT_TRUE(applied.ok()) << applied.ToText();
}

Answer RpcFixture::CallAsking(const std::string& rpc, const std::string& request) {
  const auto is_asked = [&rpc](const Rpc& one) { return one.name == rpc && policy::NeedsSecondPerson(one.operation); };
  if (std::none_of(AllRpcs().begin(), AllRpcs().end(), is_asked)) return Call(rpc, request);
  return As(CallerOf(rpc)).Call(rpc, request, {{"coffer-approval-reason-bin", "a test"}});
}

v1::GetStatusResponse RpcFixture::Status(policy::Role role) {
  return As(role).Call("AdminService.GetStatus", "").As<v1::GetStatusResponse>();
}

std::string RpcFixture::Counts() {
  const v1::GetStatusResponse status = Status();
  std::ostringstream text;
  text << "state " << status.state() << ", epoch " << status.store_epoch() << ", keyrings " << status.keyrings()
       << ", tenants " << status.tenants() << ", data keys " << status.data_keys() << ", scopes " << status.scopes();
  return text.str();
}

std::string RpcFixture::LogLineWith(const std::string& text) const {
  std::istringstream lines(Log());
  for (std::string line; std::getline(lines, line);) {
    if (line.find(text) != std::string::npos) return line;
  }
  return "";
}

std::vector<v1::AuditRecord> RpcFixture::AuditRecords(const std::string& query) {
  const Answer answer = As(policy::Role::kAuditor).Call("AuditService.QueryRecords", query);
  if (answer.code == grpc::StatusCode::UNAVAILABLE) return {};
  const auto found = answer.As<v1::QueryRecordsResponse>();
  return {found.records().begin(), found.records().end()};
}

std::vector<v1::AuditRecord> RpcFixture::RefusedIdentitiesOf(std::uint64_t items) {
  std::vector<v1::AuditRecord> records;
  const auto complete = [&] {
    records = AuditRecords("filter { operation: 'Authenticate' } oldest_first: true");
    std::uint64_t counted = 0;
    for (const v1::AuditRecord& record : records) counted += record.items();
    return counted == items;
  };
  EXPECT_TRUE(WaitUntil(complete)) << records.size() << " records";
  return records;
}

}  // namespace coffer::keysvc
