// Callers over TLS: known by their certificate's one URI name, TLS 1.3 only, and never the store's operator.
#include "coffer/v1/secret.pb.h"
#include "keysvc/rpc/server.h"
#include "tests/client/test_certificates.h"
#include "tests/keysvc/rpc/rpc_fixture.h"

namespace coffer::keysvc {
namespace {

class TlsIdentityTest : public RpcFixture {
 protected:
  // Before this process's first use of TLS, as in main().
  static void SetUpTestSuite() { AllowTls13Only(); }

  void SetUp() override {
    client::MakeAuthority(folder.path(), "ca");
    client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
    Config config = DefaultSockets();
    config.tcp = TcpConfig{.listen = "127.0.0.1:0",
                           .certificate = folder / "server.crt",
                           .key = folder / "server.key",
                           .client_ca = folder / "ca.crt",
                           .trust_domain = "example.org"};
    StartShop(config);
    ASSERT_GT(daemon->tcp_port(), 0);
  }

  // A client with a certificate of these alternative names.
  Wire With(const std::string& name, const std::string& alternative_names, const std::string& authority = "ca") const {
    client::MakeCertificate(folder.path(), name, authority, alternative_names);
    return Wire::ToTls(daemon->tcp_port(), folder.path(), name);
  }
  // How often the log says that a certificate was not good enough.
  std::size_t RefusedConnections() const {
    std::size_t count = 0;
    const std::string log = Log();
    const std::string line = "refused a TLS connection: ";
    for (std::size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++count;
    return count;
  }
};

TEST_F(TlsIdentityTest, TheOneUriNameIsThePrincipal) {
  const std::string id = "spiffe://example.org/role/app/grafana-1";
  const Wire app = With("app", "DNS:localhost,URI:" + id);
  EXPECT_EQ(app.Call("AdminService.GetStatus", "").As<v1::GetStatusResponse>().principal(), id);
  const Answer put = app.Call("SecretService.PutSecret", "path: 'tls/x' value: 'v'");
  EXPECT_EQ(put.As<v1::SecretVersion>().created_by(), id);
  EXPECT_EQ(app.Call("KeyService.CreateKeyring", "name: 'x'").code, grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(TlsIdentityTest, OtherCertificatesOfTheAuthorityDoNotGetThroughTheHandshake) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"two uris", "URI:spiffe://example.org/role/app/a,URI:spiffe://example.org/role/admin/a"},
      {"no uri", "DNS:localhost,email:admin@example.org"},
      {"other domain", "URI:spiffe://example.com/role/app/a"},
      {"longer domain", "URI:spiffe://example.org.evil/role/app/a"},
      {"no role", "URI:spiffe://example.org/role/root/a"},
      {"no name", "URI:spiffe://example.org/role/app/"},
      {"more path", "URI:spiffe://example.org/role/app/a/role/admin/b"},
      {"other scheme", "URI:https://example.org/role/app/a"},
  };
  std::size_t number = 0;
  for (const auto& [what, alternative_names] : names) {
    const Wire nobody = With("client" + std::to_string(number++), alternative_names);
    const Answer answer = nobody.Call("AdminService.GetStatus", "");
    EXPECT_EQ(answer.code, grpc::StatusCode::UNAVAILABLE) << what << " " << answer.ToText();
    EXPECT_EQ(answer.error, "") << what << ": no call of ours answered";
    EXPECT_FALSE(nobody.Serving().has_value()) << what;
    EXPECT_EQ(RefusedConnections(), number) << what << ": one attempt a client, and each is logged";
  }
  EXPECT_EQ(Log().find("evil"), std::string::npos) << "no name of theirs is in the log";
}

TEST_F(TlsIdentityTest, StrangersAndTheNamelessDoNotReachUs) {
  client::MakeAuthority(folder.path(), "other");
  const std::string id = "URI:spiffe://example.org/role/app/a";
  EXPECT_EQ(With("stranger", id, "other").Call("AdminService.GetStatus", "").code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Wire::ToTls(daemon->tcp_port(), folder.path(), "").Call("AdminService.GetStatus", "").code,
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsIdentityTest, TheStoresLifeIsForTheAdminSocketOnly) {
  const Wire admin = With("admin", "URI:spiffe://example.org/role/admin/root");
  const std::string unseal = "key_file_path: " + Quoted(key_file());
  const std::string init = "seal { passphrase: 'correct horse battery staple' } accept_total_loss: true";
  for (const auto& [rpc, request] : std::map<std::string, std::string>{
           {"AdminService.Init", init},
           {"AdminService.Unseal", unseal},
           {"AdminService.Seal", ""},
           {"AdminService.AddSealSlot", "seal { passphrase: 'correct horse battery' }"},
           {"AdminService.RemoveSealSlot", "id: 1"},
           {"AdminService.Rekey", "seals { shares { threshold: 2 count: 3 } }"},
           {"AdminService.Backup", "path: '/nowhere/backup'"},
           {"AdminService.Recover", "seal { passphrase: 'correct horse battery' } apply: true"},
           {"AdminService.MergeStore",
            "backup_path: '/nowhere/edge.age' recovery_identity: "
            "'AGE-SECRET-KEY-1R0SU6RP68YM4JSYNZXXT7TUGNCPZ6VYC7JGR64CSSC574L69ED0S64Y3VX'"},
           {"AdminService.CheckStore", ""}}) {
    const Answer answer = admin.Call(rpc, request);
    EXPECT_EQ(answer.code, grpc::StatusCode::PERMISSION_DENIED) << rpc << " " << answer.ToText();
    EXPECT_EQ(answer.message, "is served on the admin's unix socket only");
  }
  EXPECT_EQ(Status().state(), v1::SERVICE_STATE_UNSEALED);
  EXPECT_TRUE(admin.Call("KeyService.CreateKeyring", "name: 'new'").ok()) << "the rest of an administrator's work is";
}

TEST_F(TlsIdentityTest, NobodyActsWithoutApprovalOverTls) {
  const Wire admin = With("admin", "URI:spiffe://example.org/role/admin/root");
  const std::string before = Counts();
  const std::string destroy = "path: 'app/db' versions: 2 ";
  EXPECT_EQ(admin.Call("SecretService.DestroySecret", destroy).code, grpc::StatusCode::FAILED_PRECONDITION);
  const Answer asking = admin.Call("SecretService.DestroySecret", destroy, {{"coffer-approval-reason-bin", "HUNTER2"}});
  EXPECT_EQ(asking.code, grpc::StatusCode::FAILED_PRECONDITION) << asking.ToText();
  EXPECT_NE(asking.message.find("no policy says yet who"), std::string::npos) << asking.ToText();
  EXPECT_EQ(Counts(), before);
  EXPECT_EQ(Log().find("HUNTER2"), std::string::npos) << "a reason that was not accepted";
}

TEST_F(TlsIdentityTest, Tls12IsRefused) {
  client::MakeCertificate(folder.path(), "client", "ca", "URI:spiffe://example.org/role/app/a");
  EXPECT_NE(OpenSslClient(daemon->tcp_port(), folder.path(), "-tls1_2", "client"), 0);
  EXPECT_EQ(OpenSslClient(daemon->tcp_port(), folder.path(), "-tls1_3", "client"), 0)
      << "the same client with TLS 1.3 gets a connection";
}

TEST(TlsStart, WhatIsNoCertificateOrNoAddressStartsNoDaemon) {
  const TempDir folder;
  client::MakeAuthority(folder.path(), "ca");
  client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
  Config config = DefaultConfig(folder / "data", 0);
  config.tcp = TcpConfig{.listen = "no such address",
                         .certificate = folder / "server.crt",
                         .key = folder / "server.key",
                         .client_ca = folder / "ca.crt",
                         .trust_domain = "example.org"};
  const auto started = Daemon::Start(config, true);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::keysvc
