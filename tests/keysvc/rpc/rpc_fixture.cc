#include "tests/keysvc/rpc/rpc_fixture.h"

#include <unistd.h>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

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

}  // namespace coffer::keysvc
