// Where the server listens, and with whose certificates.
#include <poll.h>
#include <thread>

#include "io/process.h"
#include "tests/client/test_certificates.h"
#include "tests/plugins/grafana/securevalues/server_fixture.h"
#include "tests/support/wait_until.h"

namespace coffer::grafana {
namespace {

using grpc::StatusCode;

class ServerTest : public ServerFixture {
 protected:
  static void SetUpTestSuite() {
    files_ = std::make_unique<TempDir>();
    client::MakeAuthority(files_->path(), "ca");
    client::MakeAuthority(files_->path(), "grafana-ca");
    client::MakeCertificate(files_->path(), "server", "ca", "DNS:secrets.example.org,DNS:localhost");
    client::MakeCertificate(files_->path(), "grafana", "grafana-ca", "DNS:grafana.example.org");
    client::MakeCertificate(files_->path(), "stranger", "ca", "DNS:grafana.example.org");
  }
  static void TearDownTestSuite() { files_.reset(); }

  void SetUp() override {
    ServerFixture::SetUp();
    vault.Set(PathOf("one"), "v", kForGrafana);
  }

  static std::string File(const std::string& name) { return *files_ / name; }
  static ServerOptions Tls(const std::string& client_ca = "") {
    return {.listen = "127.0.0.1:0",
            .certificate = File("server.crt"),
            .key = File("server.key"),
            .client_ca = client_ca.empty() ? "" : File(client_ca + ".crt")};
  }
  GrafanaIni TlsIni(const std::string& ca, const std::string& certificate = "") const {
    GrafanaIni ini = served.Ini();
    ini.grpc_server_use_tls = true;
    ini.grpc_server_tls_server_name = "secrets.example.org";
    ini.apiservice_ca_bundle_file = File(ca + ".crt");
    if (!certificate.empty()) {
      ini.proxy_client_cert_file = File(certificate + ".crt");
      ini.proxy_client_key_file = File(certificate + ".key");
    }
    return ini;
  }
  ReplayedGrafana::Decrypted Decrypt(const GrafanaIni& ini) const {
    ReplayedGrafana grafana(ini, clock);
    return grafana.Decrypt(kService, "default", {"one"});
  }
  Error StartError(const ServerOptions& options) {
    const auto started = SecureValueServer::Start(options, {*served.calls, *served.tokens, clock, served.log});
    EXPECT_FALSE(started.ok());
    return started.ok() ? Error(ErrorCode::kInternal, "it started") : started.error();
  }

  static inline std::unique_ptr<TempDir> files_;
};

TEST_F(ServerTest, TlsWithAnAuthorityThatGrafanaKnows) {
  served.StartServer(Tls());
  const auto answer = Decrypt(TlsIni("ca"));
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_EQ(answer.values.at("one").value, "v");
}

TEST_F(ServerTest, AnAuthorityThatGrafanaDoesNotKnowIsNoConnection) {
  served.StartServer(Tls());
  EXPECT_EQ(Decrypt(TlsIni("grafana-ca")).code, StatusCode::UNAVAILABLE);
  EXPECT_TRUE(vault.Calls().empty());
}

TEST_F(ServerTest, PlainTextDoesNotReachATlsServer) {
  served.StartServer(Tls());
  EXPECT_FALSE(Decrypt(served.Ini()).ok());
  EXPECT_TRUE(vault.Calls().empty());
}

TEST_F(ServerTest, WithAnAuthorityForGrafanasOnlyTheirCertificatesGetIn) {
  served.StartServer(Tls("grafana-ca"));
  const auto answer = Decrypt(TlsIni("ca", "grafana"));
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_FALSE(Decrypt(TlsIni("ca")).ok());
  EXPECT_FALSE(Decrypt(TlsIni("ca", "stranger")).ok());
  EXPECT_EQ(vault.Calls().size(), 1U);
}

// How the program openssl ends that speaks one version: 0 when it got a connection.
int OpenSslClient(int port, const std::string& version) {
  ChildOptions quiet;
  quiet.input = ChildStream::kNull;
  quiet.output = ChildStream::kNull;
  quiet.error = ChildStream::kNull;
  auto child = ChildProcess::Spawn(
      {"openssl", "s_client", "-connect", "127.0.0.1:" + std::to_string(port), version, "-alpn", "h2"}, quiet);
  EXPECT_TRUE(child.ok());
  return child.ok() ? child->Wait().value() : -1;
}

TEST_F(ServerTest, NothingOlderThanTls13IsSpoken) {
  served.StartServer(Tls());
  EXPECT_EQ(OpenSslClient(served.server->port(), "-tls1_3"), 0);
  EXPECT_NE(OpenSslClient(served.server->port(), "-tls1_2"), 0);
}

TEST_F(ServerTest, ACertificateIsReadAgainWhenItChanges) {
  const ServerOptions options{.listen = "127.0.0.1:0",
                              .certificate = served.files / "now.crt",
                              .key = served.files / "now.key",
                              .client_ca = {}};
  const auto put = [&](const std::string& name) {
    ASSERT_TRUE(WriteFileDurably(options.key, AsBytes(client::ReadTestFile(File(name + ".key"))), 0600).ok());
    ASSERT_TRUE(WriteFileDurably(options.certificate, AsBytes(client::ReadTestFile(File(name + ".crt"))), 0644).ok());
  };
  put("grafana");  // of another authority, and another name
  served.StartServer(options);
  EXPECT_FALSE(Decrypt(TlsIni("ca")).ok());
  put("server");
  EXPECT_TRUE(WaitUntil([&] {
    poll(nullptr, 0, 50);  // each failure is a line of gRPC's log
    return Decrypt(TlsIni("ca")).ok();
  }));
}

TEST_F(ServerTest, WithoutTlsItListensOnThisHostAlone) {
  for (const std::string listen :
       {"0.0.0.0:0", "[::]:0", "10.0.0.1:7490", "localhost:0", "[fe80::1]:0", "1.127.0.1:0"}) {
    const Error error = StartError({.listen = listen, .certificate = {}, .key = {}, .client_ca = {}});
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << listen;
    EXPECT_NE(error.message().find("without TLS"), std::string::npos) << listen;
  }
  for (const std::string listen : {"127.0.0.1:1", "127.9.9.9:0", "[::1]:0"}) {
    EXPECT_TRUE(CheckLoopback(listen).ok()) << listen;
  }
  ServerOptions everywhere = Tls();
  everywhere.listen = "0.0.0.0:0";
  served.StartServer(everywhere);
  EXPECT_TRUE(Decrypt(TlsIni("ca")).ok());
}

TEST_F(ServerTest, BadOptionsAreRefused) {
  for (const std::string listen : {"", "7490", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x"}) {
    EXPECT_EQ(StartError({.listen = listen, .certificate = {}, .key = {}, .client_ca = {}}).code(),
              ErrorCode::kInvalidArgument)
        << listen;
  }
  ServerOptions options = Tls();
  options.key = "";
  EXPECT_EQ(StartError(options).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(StartError({.listen = "127.0.0.1:0", .certificate = {}, .key = {}, .client_ca = File("ca.crt")}).code(),
            ErrorCode::kInvalidArgument);
  options = Tls();
  options.certificate = File("absent.crt");
  EXPECT_EQ(StartError(options).code(), ErrorCode::kNotFound);
  options = Tls("absent");
  EXPECT_EQ(StartError(options).code(), ErrorCode::kNotFound);
  options = Tls();
  options.key = File("server.crt");  // which others may read
  EXPECT_EQ(StartError(options).code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(
      StartError(
          {.listen = "127.0.0.1:" + std::to_string(served.http->port()), .certificate = {}, .key = {}, .client_ca = {}})
          .code(),
      ErrorCode::kUnavailable);
}

TEST_F(ServerTest, ACallThatRunsMayEndAtShutdown) {
  vault.Hold();
  ReplayedGrafana::Decrypted answer;
  std::thread caller([&] { answer = Decrypt(served.Ini()); });
  EXPECT_TRUE(WaitUntil([&] { return vault.waiting() == 1; }));
  std::thread stopper([&] { served.server->Shutdown(std::chrono::seconds(20)); });
  EXPECT_TRUE(WaitUntil([&] {  // nobody new gets in
    return !ReplayedGrafana(served.Ini(), clock).CallOnce("/grpc.health.v1.Health/Check", "", {}).ok();
  }));
  vault.LetGo();
  caller.join();
  stopper.join();
  EXPECT_TRUE(answer.ok()) << answer.ToText();
}

TEST_F(ServerTest, ASilentVaultIsAnOutage) {
  vault.Hold();
  ReplayedGrafana grafana(served.Ini(), clock);
  const std::string token = grafana.AccessTokenFor("default");
  const auto answer = grafana.CallOnce("/decryptv1.SecureValueDecrypter/DecryptSecureValues",
                                       DecryptRequestOf("default", {"one"}), {{"x-access-token", token}});
  EXPECT_EQ(answer.code, StatusCode::UNAVAILABLE) << answer.ToText();
  vault.LetGo();
}

}  // namespace
}  // namespace coffer::grafana
