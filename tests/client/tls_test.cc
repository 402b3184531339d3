#include <sys/stat.h>

#include <gtest/gtest.h>

#include "client/client.h"
#include "tests/client/fake_service.h"
#include "tests/client/test_certificates.h"
#include "tests/support/temp_dir.h"

namespace coffer::client {
namespace {

class TlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    MakeAuthority(dir_->path(), "ca");
    MakeAuthority(dir_->path(), "other");
    MakeCertificate(dir_->path(), "server", "ca", "DNS:kms.example.org,DNS:localhost");
    MakeCertificate(dir_->path(), "client", "ca", "URI:spiffe://example.org/role/app/test");
    MakeCertificate(dir_->path(), "stranger", "other", "URI:spiffe://example.org/role/app/test");
  }
  static void TearDownTestSuite() { dir_.reset(); }

  void SetUp() override {
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = ReadTestFile(*dir_ / "ca.crt");
    options.pem_key_cert_pairs = {{ReadTestFile(*dir_ / "server.key"), ReadTestFile(*dir_ / "server.crt")}};
    server_ = std::make_unique<FakeServer>(service_, "127.0.0.1:0", grpc::SslServerCredentials(options));
  }

  ClientOptions OptionsOf(const std::string& name, const std::string& authority) const {
    ClientOptions options;
    options.server = "127.0.0.1:" + std::to_string(server_->port());
    options.server_name = "kms.example.org";
    options.tls = {
        .ca = *dir_ / (authority + ".crt"), .certificate = *dir_ / (name + ".crt"), .key = *dir_ / (name + ".key")};
    options.deadline = std::chrono::seconds(10);
    return options;
  }

  // What the first call with these options comes to; TLS 1.3 refuses a client's certificate only after its handshake.
  static RpcResult<v1::GetStatusResponse> StatusWith(const ClientOptions& options) {
    COFFER_ASSIGN_OR_RETURN(const auto client, Client::Connect(options));
    return client->GetStatus({});
  }

  static inline std::unique_ptr<TempDir> dir_;
  FakeService service_;
  std::unique_ptr<FakeServer> server_;
};

TEST_F(TlsTest, BothSidesKnowEachOther) {
  const auto status = StatusWith(OptionsOf("client", "ca"));
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(TlsTest, AServerOfAnotherAuthorityIsRefused) {
  const auto status = StatusWith(OptionsOf("client", "other"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(status.error().message.find("certificates"), std::string::npos) << status.error().message;
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(TlsTest, AServerOfAnotherNameIsRefused) {
  ClientOptions options = OptionsOf("client", "ca");
  options.server_name = "kms.example.com";
  EXPECT_FALSE(StatusWith(options).ok());
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(TlsTest, ACertificateOfAnotherAuthorityNeverReachesTheService) {
  ClientOptions options = OptionsOf("stranger", "ca");
  options.deadline = std::chrono::seconds(2);
  const auto status = StatusWith(options);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(TlsTest, MissingFilesAreNamed) {
  for (const auto& [name, clear] : std::vector<std::pair<std::string, std::string TlsFiles::*>>{
           {"tls-ca", &TlsFiles::ca}, {"tls-cert", &TlsFiles::certificate}, {"tls-key", &TlsFiles::key}}) {
    ClientOptions options = OptionsOf("client", "ca");
    (options.tls.*clear).clear();
    const auto client = Client::Connect(options);
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(client.error().message.starts_with(name)) << client.error().message;
  }
}

TEST_F(TlsTest, AKeyThatOthersMayReadIsRefused) {
  const std::string key = *dir_ / "client.key";
  ASSERT_EQ(chmod(key.c_str(), 0644), 0);
  const auto client = Client::Connect(OptionsOf("client", "ca"));
  ASSERT_EQ(chmod(key.c_str(), 0600), 0);
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace coffer::client
