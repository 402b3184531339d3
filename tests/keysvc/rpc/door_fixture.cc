#include "tests/keysvc/rpc/door_fixture.h"

namespace coffer::keysvc {

void Stop::Hold(const std::string& principal) {
  const Lock lock(mutex_);
  held_.insert(principal);
}

void Stop::Release() {
  {
    const Lock lock(mutex_);
    held_.clear();
  }
  changed_.notify_all();
}

void Stop::Pass(const std::string& principal) {
  const Lock lock(mutex_);
  ++passed_[principal];
  ++waiting_;
  while (held_.contains(principal)) changed_.wait(mutex_);
  --waiting_;
}

std::size_t Stop::waiting() {
  const Lock lock(mutex_);
  return waiting_;
}

std::size_t Stop::passed(const std::string& principal) {
  const Lock lock(mutex_);
  return passed_[principal];
}

DoorFixture::~DoorFixture() {
  stop.Release();
  acceptors_.clear();
  pool.Close();
  servers_.clear();
  tls.reset();
}

void DoorFixture::Listen(policy::Role role) {
  Result<std::unique_ptr<RpcServer>> server = RpcServer::ForCaller(AllServices(), LocalCaller(role));
  ASSERT_TRUE(server.ok()) << server.error().ToString();
  RpcServer* const running = (servers_[role] = std::move(server).value()).get();
  Result<UniqueFd> listener = ListenUnix(SocketOf(role), 0600);
  ASSERT_TRUE(listener.ok()) << listener.error().ToString();
  auto acceptor = UnixAcceptor::Start(
      std::move(listener).value(),
      [running](UniqueFd connection, const PeerCredentials&) { running->Adopt(std::move(connection)); });
  ASSERT_TRUE(acceptor.ok()) << acceptor.error().ToString();
  acceptors_.push_back(std::move(acceptor).value());
}

void DoorFixture::ListenTls() {
  Result<std::unique_ptr<RpcServer>> server = RpcServer::ForTls(AllServices(), {.listen = "127.0.0.1:0",
                                                                                .certificate = folder / "server.crt",
                                                                                .key = folder / "server.key",
                                                                                .client_ca = folder / "ca.crt",
                                                                                .trust_domain = "example.org"});
  ASSERT_TRUE(server.ok()) << server.error().ToString();
  tls = std::move(server).value();
}

std::unique_ptr<RpcServer> DoorFixture::ListenForTokens(const std::string& name) {
  Result<std::unique_ptr<RpcServer>> server = RpcServer::ForTokens(AllServices(), {.name = name,
                                                                                   .listen = "127.0.0.1:0",
                                                                                   .certificate = folder / "server.crt",
                                                                                   .key = folder / "server.key",
                                                                                   .trusts = {}});
  COFFER_CHECK(server.ok());
  return std::move(server).value();
}

}  // namespace coffer::keysvc
