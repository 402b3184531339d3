// Certificates, keys and CAs that change on the disk under a running service.
#include "io/file.h"
#include "keysvc/rpc/tls_credentials.h"
#include "tests/client/test_certificates.h"
#include "tests/keysvc/rpc/rpc_fixture.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

class TlsFilesTest : public RpcFixture {
 protected:
  // Before this process's first use of TLS, as in main().
  static void SetUpTestSuite() { AllowTls13Only(); }

  void SetUp() override {
    client::MakeAuthority(folder.path(), "ca");
    client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
    client::MakeCertificate(folder.path(), "app", "ca", "URI:spiffe://example.org/role/app/a");
    Put("ca.crt", "clients.crt");
    Config config = DefaultSockets();
    config.tcp = TcpConfig{.listen = "127.0.0.1:0",
                           .certificate = folder / "server.crt",
                           .key = folder / "server.key",
                           .client_ca = folder / "clients.crt",
                           .trust_domain = "example.org"};
    StartShop(config);
  }
  // The content of one file into another's place.
  void Put(const std::string& from, const std::string& to) const {
    ASSERT_TRUE(ReplaceFile(folder / to, AsBytes(client::ReadTestFile(folder / from)), 0600).ok());
  }
  static bool Serves(const Wire& wire) {
    return wire.CallWithin(std::chrono::seconds(10), "AdminService.GetStatus", "").ok();
  }
  Wire NewWire(const std::string& name) const { return Wire::ToTls(daemon->tcp_port(), folder.path(), name); }
};

TEST_F(TlsFilesTest, AKeyOfAnotherCertificateEndsHandshakesUntilItIsMendedAndNoConnection) {
  const Wire old = NewWire("app");
  ASSERT_TRUE(Serves(old));
  client::MakeCertificate(folder.path(), "next", "ca", "DNS:localhost");
  Put("next.key", "server.key");
  EXPECT_TRUE(WaitUntil([&] { return !Serves(NewWire("app")); }));
  EXPECT_TRUE(Serves(old)) << "the connection that is open";
  EXPECT_FALSE(Serves(NewWire("app")));
  Put("next.crt", "server.crt");
  EXPECT_TRUE(WaitUntil([&] { return Serves(NewWire("app")); })) << "the pair fits again";
  EXPECT_TRUE(Serves(old));
}

TEST_F(TlsFilesTest, AnotherAuthorityCountsForNewConnections) {
  client::MakeAuthority(folder.path(), "next");
  client::MakeCertificate(folder.path(), "new-app", "next", "URI:spiffe://example.org/role/app/b");
  const Wire old = NewWire("app");
  ASSERT_TRUE(Serves(old));
  ASSERT_FALSE(Serves(NewWire("new-app")));
  Put("next.crt", "clients.crt");
  EXPECT_TRUE(WaitUntil([&] { return Serves(NewWire("new-app")); }));
  EXPECT_FALSE(Serves(NewWire("app")));
  EXPECT_TRUE(Serves(old)) << "the connection that is open lives for its ten minutes";
}

}  // namespace
}  // namespace coffer::keysvc
