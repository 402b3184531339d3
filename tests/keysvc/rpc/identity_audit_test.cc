// Who was refused before there was a caller is counted in the audit log, whichever way he tried.
#include <poll.h>
#include <unistd.h>

#include "io/unix_socket.h"
#include "keysvc/rpc/tls_credentials.h"
#include "tests/client/test_certificates.h"
#include "tests/keysvc/rpc/rpc_fixture.h"

namespace coffer::keysvc {
namespace {

using policy::Role;

class IdentityAuditTest : public RpcFixture {
 protected:
  // Before this process's first use of TLS, as in main().
  static void SetUpTestSuite() { AllowTls13Only(); }

  // Stops the service, which then writes what it has counted, and starts it again.
  std::vector<v1::AuditRecord> AllRefused(const Config& config, std::uint64_t items) {
    StartDaemon(config);
    return RefusedIdentitiesOf(items);
  }
  static void ExpectOfNobody(const v1::AuditRecord& record, const std::string& authentication,
                             const std::string& failure) {
    EXPECT_EQ(record.type(), v1::AUDIT_RECORD_TYPE_DENIED);
    EXPECT_EQ(record.operation(), "Authenticate");
    EXPECT_EQ(record.authentication(), authentication);
    EXPECT_EQ(record.principal(), "");
    EXPECT_FALSE(record.allowed());
    EXPECT_EQ(record.outcome(), "unauthenticated");
    EXPECT_EQ(record.failure(), failure);
  }
};

TEST_F(IdentityAuditTest, ConnectionsOfUsersWhoAreNotListed) {
  const auto own = static_cast<std::uint32_t>(geteuid());
  Config config = DefaultSockets();
  config.sockets[Role::kApp].uids = {own + 1};
  StartDaemon(config);
  for (int i = 0; i < 3; ++i) {
    const Result<UniqueFd> connection = ConnectUnix(data_dir() + "/app.sock");
    ASSERT_TRUE(connection.ok());
    pollfd closed{connection->get(), POLLIN, 0};
    ASSERT_EQ(poll(&closed, 1, 20'000), 1) << "it is closed";
  }
  const std::vector<v1::AuditRecord> records = AllRefused(config, 3);
  EXPECT_LE(records.size(), 2U) << "the first, and the rest at the end";
  for (const v1::AuditRecord& record : records) {
    ExpectOfNobody(record, "unix_socket", "the user id is not one of the socket's");
    EXPECT_EQ(record.role(), "app");
    EXPECT_EQ(record.peer(), "uid:" + std::to_string(own));
  }
}

TEST_F(IdentityAuditTest, HandshakesWithACertificateOfNoRole) {
  client::MakeAuthority(folder.path(), "ca");
  client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
  client::MakeCertificate(folder.path(), "two", "ca",
                          "URI:spiffe://example.org/role/app/a,URI:spiffe://example.org/role/admin/a");
  Config config = DefaultSockets();
  config.tcp = TcpConfig{.listen = "127.0.0.1:0",
                         .certificate = folder / "server.crt",
                         .key = folder / "server.key",
                         .client_ca = folder / "ca.crt",
                         .trust_domain = "example.org"};
  StartDaemon(config);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Wire::ToTls(daemon->tcp_port(), folder.path(), "two").Call("AdminService.GetStatus", "").code,
              grpc::StatusCode::UNAVAILABLE);
  }
  for (const v1::AuditRecord& record : AllRefused(config, 2)) {
    ExpectOfNobody(record, "certificate", "the certificate must have exactly one URI name");
    EXPECT_EQ(record.role(), "");
  }
}

}  // namespace
}  // namespace coffer::keysvc
