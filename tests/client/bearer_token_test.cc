#include "client/bearer_token.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "client/client.h"
#include "io/file.h"
#include "tests/client/fake_service.h"
#include "tests/client/test_certificates.h"
#include "tests/support/temp_dir.h"

namespace coffer::client {
namespace {

class BearerTokenTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text, mode_t mode = 0600) const {
    const std::string path = dir_ / "token";
    EXPECT_TRUE(WriteFileDurably(path, AsBytes(text), mode).ok());
    return path;
  }

  TempDir dir_;
};

TEST_F(BearerTokenTest, TheOneLineComesWithoutItsEnd) {
  for (const std::string end : {"", "\n", "\r\n"}) {
    const auto token = ReadBearerToken(Write("cft1_abc-DEF_123" + end));
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(AsText(token->Expose(SecretAccess::kTest)), "cft1_abc-DEF_123");
  }
  const std::string longest(kMaxBearerToken, 'x');
  EXPECT_TRUE(ReadBearerToken(Write(longest + "\n")).ok());
}

TEST_F(BearerTokenTest, WhatIsNoTokenIsRefused) {
  for (const std::string& text :
       std::vector<std::string>{"", "\n", "two\nlines\n", "one\n\n", "a b", " a", "a\t", "\x7f", "caf\xc3\xa9",
                                std::string("a\0b", 3), std::string(kMaxBearerToken + 1, 'x')}) {
    const auto token = ReadBearerToken(Write(text));
    ASSERT_FALSE(token.ok()) << text;
    EXPECT_EQ(token.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(ReadBearerToken(dir_ / "nothing").error().code(), ErrorCode::kNotFound);
}

TEST_F(BearerTokenTest, AFileThatOthersMayReadIsRefused) {
  EXPECT_EQ(ReadBearerToken(Write("token", 0604)).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(ReadBearerToken(Write("token", 0660)).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(ReadBearerToken(Write("token", 0400)).ok());
  EXPECT_TRUE(ReadBearerToken(Write("token", 0640)).ok()) << "as an orchestrator mounts it";
}

TEST_F(BearerTokenTest, AMountedTokenIsReadThroughItsLinks) {
  for (const std::string generation : {"one", "two"}) {
    ASSERT_EQ(mkdir((dir_ / generation).c_str(), 0700), 0);
    ASSERT_TRUE(WriteFileDurably(dir_ / (generation + "/token"), AsBytes(generation + "\n"), 0600).ok());
  }
  ASSERT_EQ(symlink("one", (dir_ / "..data").c_str()), 0);
  ASSERT_EQ(symlink("..data/token", (dir_ / "mounted").c_str()), 0);
  EXPECT_EQ(AsText(ReadBearerToken(dir_ / "mounted").value().Expose(SecretAccess::kTest)), "one");
  ASSERT_EQ(symlink("two", (dir_ / "..next").c_str()), 0);
  ASSERT_EQ(rename((dir_ / "..next").c_str(), (dir_ / "..data").c_str()), 0);
  EXPECT_EQ(AsText(ReadBearerToken(dir_ / "mounted").value().Expose(SecretAccess::kTest)), "two");
}

// Against a service that asks for no client certificate.
class TokenCallsTest : public BearerTokenTest {
 protected:
  static void SetUpTestSuite() {
    certificates_ = std::make_unique<TempDir>();
    MakeAuthority(certificates_->path(), "ca");
    MakeCertificate(certificates_->path(), "server", "ca", "DNS:localhost");
  }
  static void TearDownTestSuite() { certificates_.reset(); }

  void SetUp() override {
    grpc::SslServerCredentialsOptions options(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    options.pem_key_cert_pairs = {
        {ReadTestFile(*certificates_ / "server.key"), ReadTestFile(*certificates_ / "server.crt")}};
    server_ = std::make_unique<FakeServer>(service_, "127.0.0.1:0", grpc::SslServerCredentials(options));
  }

  ClientOptions Options() const {
    ClientOptions options;
    options.server = "127.0.0.1:" + std::to_string(server_->port());
    options.server_name = "localhost";
    options.tls.ca = *certificates_ / "ca.crt";
    options.tls.token = dir_ / "token";
    options.deadline = std::chrono::seconds(20);
    return options;
  }

  static void ExpectRefused(const ClientOptions& options, std::string_view sentence) {
    const auto client = Client::Connect(options);
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(client.error().message.find(sentence), std::string::npos) << client.error().message;
  }

  static inline std::unique_ptr<TempDir> certificates_;
  FakeService service_;
  std::unique_ptr<FakeServer> server_;
};

TEST_F(TokenCallsTest, EachCallHasTheTokenThatIsInTheFileThen) {
  Write("first\n");
  auto client = Client::Connect(Options());
  ASSERT_TRUE(client.ok()) << client.error().message;
  for (const std::string token : {"first", "second"}) {
    Write(token + "\n");
    ASSERT_TRUE((*client)->GetStatus({}).ok());
    EXPECT_EQ(service_.authorization, std::vector<std::string>{"Bearer " + token});
    ASSERT_TRUE((*client)->PutSecret({}).ok());
    EXPECT_EQ(service_.authorization, std::vector<std::string>{"Bearer " + token});
  }
}

TEST_F(TokenCallsTest, NothingIsSentWithoutTheFile) {
  Write("token");
  auto client = Client::Connect(Options());
  ASSERT_TRUE(client.ok());
  ASSERT_EQ(unlink((dir_ / "token").c_str()), 0);
  const auto status = (*client)->GetStatus({});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
  const auto tailed = (*client)->TailRecords({}, [](const v1::TailRecordsResponse&) { return true; });
  ASSERT_FALSE(tailed.ok());
  EXPECT_EQ(tailed.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_.calls, 0);
  EXPECT_FALSE(Client::Connect(Options()).ok());
}

TEST_F(TokenCallsTest, ATokenGoesOverTlsAndInsteadOfACertificateOnly) {
  Write("token");
  ClientOptions options = Options();
  options.server = "unix:" + dir_.path();
  ExpectRefused(options, "a token is not sent over a unix socket");
  options = Options();
  options.tls.certificate = *certificates_ / "server.crt";
  ExpectRefused(options, "instead of a certificate");
  options = Options();
  options.tls.key = *certificates_ / "server.key";
  ExpectRefused(options, "instead of a certificate");
  options = Options();
  options.tls.ca.clear();
  ExpectRefused(options, "tls-ca");
  EXPECT_EQ(service_.calls, 0);
}

}  // namespace
}  // namespace coffer::client
