#include "plugins/grafana/reload_target.h"

#include <gtest/gtest.h>

#include "io/http_server.h"
#include "io/mutex.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kCanary = "canary-password";

// Grafana's admin API as far as a reload goes: answers with `status`, and keeps what it was asked.
class ReloadTargetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = HttpServer::Start({}, [this](const HttpRequest& request) -> HttpReply {
                const Lock held(mutex_);
                asked_ = request.method + " " + request.target;
                authorization_ = OnlyHeader(request.headers, "authorization").value_or("none");
                return {.status = status_, .body = body_};
              }).value();
  }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  AdminApiOptions Options(std::string secret = std::string(kCanary)) const {
    AdminApiOptions options;
    options.url = Url();
    options.user = "admin";
    options.secret = [secret]() -> Result<SecretBytes> { return SecretBytes::CopyOf(AsBytes(secret)); };
    return options;
  }
  Status Reload(AdminApiOptions options) {
    const std::atomic<bool> cancelled = false;
    return AdminApi(std::move(options)).Reload(cancelled);
  }
  void Answer(int status, std::string body = "{}") {
    const Lock held(mutex_);
    status_ = status;
    body_ = std::move(body);
  }
  std::string asked() {
    const Lock held(mutex_);
    return asked_;
  }
  std::string authorization() {
    const Lock held(mutex_);
    return authorization_;
  }

  Mutex mutex_;
  std::string asked_ COFFER_GUARDED_BY(mutex_);
  std::string authorization_ COFFER_GUARDED_BY(mutex_);
  std::string body_ COFFER_GUARDED_BY(mutex_) = "{}";
  int status_ COFFER_GUARDED_BY(mutex_) = 200;
  std::unique_ptr<HttpServer> server_;  // last: it uses the others
};

TEST_F(ReloadTargetTest, AReloadIsOnePostWithUserAndPassword) {
  const Status told = Reload(Options("open: sesame\n"));
  ASSERT_TRUE(told.ok()) << told.error().ToString();
  EXPECT_EQ(asked(), "POST /api/admin/provisioning/datasources/reload");
  EXPECT_EQ(authorization(), "Basic YWRtaW46b3Blbjogc2VzYW1l");  // admin:open: sesame
}

TEST_F(ReloadTargetTest, WithoutAUserTheSecretIsABearerToken) {
  AdminApiOptions options = Options("glsa_token");
  options.user.clear();
  options.url += "/grafana/";
  ASSERT_TRUE(Reload(options).ok());
  EXPECT_EQ(asked(), "POST /grafana/api/admin/provisioning/datasources/reload");
  EXPECT_EQ(authorization(), "Bearer glsa_token");
}

TEST_F(ReloadTargetTest, EachRefusalHasItsCodeAndNoneRepeatsTheAnswer) {
  const std::pair<int, ErrorCode> table[] = {{401, ErrorCode::kUnauthenticated}, {403, ErrorCode::kPermissionDenied},
                                             {404, ErrorCode::kNotFound},        {500, ErrorCode::kFailedPrecondition},
                                             {302, ErrorCode::kInvalidArgument}, {503, ErrorCode::kUnavailable},
                                             {204, ErrorCode::kUnavailable},     {429, ErrorCode::kUnavailable}};
  for (const auto& [status, code] : table) {
    Answer(status, "the password is canary-password");
    const Status told = Reload(Options());
    ASSERT_FALSE(told.ok()) << status;
    EXPECT_EQ(told.error().code(), code) << status;
    EXPECT_EQ(told.error().ToString().find("canary"), std::string::npos) << status;
  }
}

TEST_F(ReloadTargetTest, AnAnswerBeyondTheLimitIsRefused) {
  Answer(200, std::string(1'000'000, 'x'));
  const Status told = Reload(Options());
  ASSERT_FALSE(told.ok());
  EXPECT_EQ(told.error().code(), ErrorCode::kUnavailable);
}

TEST_F(ReloadTargetTest, NobodyThereIsUnavailable) {
  AdminApiOptions options = Options();
  server_.reset();
  EXPECT_EQ(Reload(options).error().code(), ErrorCode::kUnavailable);
}

TEST_F(ReloadTargetTest, ALoginThatIsNoneIsNotSent) {
  for (const std::string& bad : {std::string(), std::string("\n"), std::string("a\0b", 3), std::string(5'000, 'x')}) {
    const Status told = Reload(Options(bad));
    ASSERT_FALSE(told.ok());
    EXPECT_EQ(told.error().code(), ErrorCode::kInvalidArgument);
  }
  AdminApiOptions token = Options("line\r\nX-Other: header");
  token.user.clear();
  EXPECT_EQ(Reload(token).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(asked(), "");
}

TEST_F(ReloadTargetTest, ALoginThatCannotBeHadIsKnownBefore) {
  AdminApiOptions options = Options();
  options.secret = []() -> Result<SecretBytes> { return Error(ErrorCode::kNotFound, "does not exist"); };
  EXPECT_EQ(AdminApi(options).CheckLogin().error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(Reload(options).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(AdminApi(Options("\n")).CheckLogin().error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(AdminApi(Options()).CheckLogin().ok());
  EXPECT_EQ(asked(), "");
}

TEST_F(ReloadTargetTest, PlainHttpGoesToThisHostAlone) {
  for (const char* good : {"http://127.0.0.1:3000", "http://127.1.2.3", "http://localhost:3000/grafana", "http://[::1]",
                           "http://[::1]:3000/", "https://grafana.example", "https://10.0.0.1:3000"}) {
    EXPECT_TRUE(CheckGrafanaUrl(good).ok()) << good;
  }
  for (const char* bad :
       {"", "localhost:3000", "http://", "http://grafana.example", "http://10.0.0.1", "http://127.0.0.1.example",
        "http://localhost.example", "http://localhost@evil.example", "http://127.1", "http://[::2]", "http://[::1",
        "http://[::1].example", "http://[127.0.0.1]", "ftp://localhost", "http://localhost?x", "file:///etc/passwd",
        "http://user:password@localhost", "http://LOCALHOST%2eexample"}) {
    const Status checked = CheckGrafanaUrl(bad);
    ASSERT_FALSE(checked.ok()) << bad;
    EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace coffer::grafana
