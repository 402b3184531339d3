#include "client/client.h"

#include <future>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "client/wipe_message.h"
#include "io/unix_socket.h"
#include "tests/client/fake_service.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer::client {
namespace {

class ClientTest : public ::testing::Test {
 protected:
  void StartServer() {
    server_ = std::make_unique<FakeServer>(service_, "unix:" + (dir_ / "app.sock"),
                                           grpc::experimental::LocalServerCredentials(UDS));
  }

  ClientOptions Options() const {
    ClientOptions options;
    options.server = "unix:" + dir_.path();
    return options;
  }

  std::unique_ptr<Client> Connected(std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
    ClientOptions options = Options();
    options.deadline = deadline;
    auto client = Client::Connect(options);
    if (!client.ok()) {
      ADD_FAILURE() << client.error().message;
      return nullptr;
    }
    return std::move(client).value();
  }

  TempDir dir_;
  FakeService service_;
  std::unique_ptr<FakeServer> server_;
};

TEST_F(ClientTest, ACallOverASocketIsAnswered) {
  StartServer();
  const auto status = Connected()->GetStatus({});
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(status->principal(), "unix:app:1000");
}

TEST_F(ClientTest, AClientForCallsSaysItsOwnClaims) {
  StartServer();
  ClientOptions options = Options();
  options.claims.purpose = "all-day";
  const auto client = Client::Connect(options);
  ASSERT_TRUE(client.ok()) << client.error().message;
  auto other =
      (*client)->ForCalls({.purpose = "once", .on_behalf_of = "ada", .request_id = "r1"}, std::chrono::seconds(20));
  ASSERT_TRUE(other.ok()) << other.error().message;
  ASSERT_TRUE((*other)->GetStatus({}).ok());
  EXPECT_EQ(service_.claims.purpose, "once");
  EXPECT_EQ(service_.claims.on_behalf_of, "ada");
  EXPECT_EQ(service_.claims.request_id, "r1");
  ASSERT_TRUE((*client)->GetStatus({}).ok());
  EXPECT_EQ(service_.claims.purpose, "all-day");
  EXPECT_EQ(service_.claims.on_behalf_of, "");
}

TEST_F(ClientTest, AClientForCallsNeedsTheOtherNoMore) {
  StartServer();
  auto client = Connected();
  auto other = client->ForCalls({}, std::chrono::seconds(20));
  ASSERT_TRUE(other.ok());
  client.reset();
  EXPECT_TRUE((*other)->GetStatus({}).ok());
}

TEST_F(ClientTest, AClientForCallsHasItsOwnDeadline) {
  StartServer();
  const auto client = Connected();
  const auto hasty = client->ForCalls({}, std::chrono::milliseconds(200));
  ASSERT_TRUE(hasty.ok());
  const auto sealed = (*hasty)->Seal({});
  ASSERT_FALSE(sealed.ok());
  EXPECT_EQ(sealed.error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientTest, ABadClaimMakesNoClient) {
  StartServer();
  const auto client = Connected();
  for (const CallClaims& claims : {CallClaims{.purpose = "two words", .on_behalf_of = {}, .request_id = {}},
                                   CallClaims{.purpose = {}, .on_behalf_of = "a\n", .request_id = {}},
                                   CallClaims{.purpose = {}, .on_behalf_of = {}, .request_id = std::string(65, 'r')}}) {
    const auto other = client->ForCalls(claims, std::chrono::seconds(1));
    ASSERT_FALSE(other.ok());
    EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(ClientTest, AMissingSocketIsNamedAtOnce) {
  const auto client = Client::Connect(Options());
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(client.error().message, "no service at unix:" + (dir_ / "app.sock"));
  EXPECT_FALSE(client.error().from_service);
}

TEST_F(ClientTest, ASocketNobodyListensOnIsNoService) {
  StartServer();
  server_.reset();
  const auto client = Client::Connect(Options());
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientTest, ASocketOfAnotherUserInOurFolderIsNotTalkedTo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to listen as somebody else";
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(chmod(dir_.path().c_str(), 0777), 0);
  ASSERT_EQ(seteuid(kNobody), 0);
  const Result<UniqueFd> theirs = ListenUnix(dir_ / "app.sock", 0666);
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_TRUE(theirs.ok());
  const auto refused = Client::Connect(Options());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  EXPECT_NE(refused.error().message.find("neither root, nor you, nor the folder's owner"), std::string::npos);
}

TEST_F(ClientTest, ASocketInAFolderWithOddCharactersIsFound) {
  const std::string folder = dir_ / "a b%c?d#e";
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  // gRPC's own URI form wants the same escapes.
  const FakeServer server(service_, "unix:" + (dir_ / "a%20b%25c%3Fd%23e/app.sock"),
                          grpc::experimental::LocalServerCredentials(UDS));
  ClientOptions options = Options();
  options.server = "unix:" + folder;
  const auto client = Client::Connect(options);
  ASSERT_TRUE(client.ok()) << client.error().message;
  EXPECT_TRUE((*client)->GetStatus({}).ok());
}

TEST_F(ClientTest, ABadAddressIsRefusedBeforeAnythingIsSent) {
  ClientOptions options;
  options.server = "tcp://nowhere";
  const auto client = Client::Connect(options);
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ClientTest, AReadIsTriedAgainWhileTheServiceIsUnavailable) {
  StartServer();
  service_.failures = 3;
  EXPECT_TRUE(Connected()->GetStatus({}).ok());
  EXPECT_EQ(service_.calls, 4);
}

TEST_F(ClientTest, AMutationIsSentOnce) {
  StartServer();
  service_.failures = 1;
  const auto put = Connected()->PutSecret({});
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(put.error().from_service);
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(ClientTest, ASealedServiceIsNotAskedAgain) {
  StartServer();
  service_.failures = 5;
  service_.word = "sealed";
  const auto status = Connected()->GetStatus({});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kSealed);
  EXPECT_EQ(status.error().message, "the disk is full");
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(ClientTest, TheServicesWordWinsOverTheStatusCode) {
  StartServer();
  service_.failures = 1;
  service_.word = "decrypt_failed";
  service_.status = grpc::Status(grpc::StatusCode::DATA_LOSS, "does not decrypt");
  const auto status = Connected()->GetStatus({});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kDecryptFailed);
}

TEST_F(ClientTest, WithoutAWordTheStatusCodeDecides) {
  StartServer();
  const std::vector<std::pair<grpc::StatusCode, ErrorCode>> cases = {
      {grpc::StatusCode::INVALID_ARGUMENT, ErrorCode::kInvalidArgument},
      {grpc::StatusCode::UNAUTHENTICATED, ErrorCode::kUnauthenticated},
      {grpc::StatusCode::PERMISSION_DENIED, ErrorCode::kPermissionDenied},
      {grpc::StatusCode::NOT_FOUND, ErrorCode::kNotFound},
      {grpc::StatusCode::ALREADY_EXISTS, ErrorCode::kAlreadyExists},
      {grpc::StatusCode::FAILED_PRECONDITION, ErrorCode::kFailedPrecondition},
      {grpc::StatusCode::ABORTED, ErrorCode::kConflict},
      {grpc::StatusCode::RESOURCE_EXHAUSTED, ErrorCode::kResourceExhausted},
      {grpc::StatusCode::DATA_LOSS, ErrorCode::kIntegrity},
      {grpc::StatusCode::UNIMPLEMENTED, ErrorCode::kFailedPrecondition},
      {grpc::StatusCode::UNKNOWN, ErrorCode::kInternal},
  };
  const auto client = Connected();
  for (const auto& [code, expected] : cases) {
    service_.calls = 0;
    service_.failures = 1;
    service_.word = "";
    service_.status = grpc::Status(code, "no");
    const auto status = client->GetStatus({});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, expected) << code;
    EXPECT_FALSE(status.error().from_service);
  }
}

TEST_F(ClientTest, AnUnknownWordFallsBackToTheStatusCode) {
  StartServer();
  service_.failures = 1;
  service_.word = "exploded";
  service_.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "no");
  EXPECT_EQ(Connected()->GetStatus({}).error().code, ErrorCode::kNotFound);
}

TEST_F(ClientTest, ACallEndsAtItsDeadline) {
  StartServer();
  const auto sealed = Connected(std::chrono::milliseconds(300))->Seal({});
  ASSERT_FALSE(sealed.ok());
  EXPECT_EQ(sealed.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(sealed.error().message, "no answer within the time allowed");
}

TEST_F(ClientTest, RepeatsEndAtTheDeadline) {
  StartServer();
  service_.failures = 1'000'000;
  const auto status = Connected(std::chrono::milliseconds(600))->GetStatus({});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_GT(service_.calls, 1);
}

TEST_F(ClientTest, ACallUnderWayCanBeCancelled) {
  StartServer();
  const auto client = Connected(std::chrono::minutes(10));
  auto sealed = std::async(std::launch::async, [&client] { return client->Seal({}); });
  EXPECT_TRUE(WaitUntil([this] { return service_.calls == 1; }));
  client->CancelCalls();
  const auto answer = sealed.get();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(answer.error().from_service);
  EXPECT_TRUE(WaitUntil([this] { return service_.cancelled == 1; }));
}

TEST_F(ClientTest, RepeatsAndTheWaitForAConnectionCanBeCancelled) {
  for (const bool is_connected : {true, false}) {
    StartServer();
    service_.failures = 1'000'000;
    const auto client = Connected(std::chrono::minutes(10));
    if (!is_connected) server_.reset();
    auto status = std::async(std::launch::async, [&client] { return client->GetStatus({}); });
    client->CancelCalls();
    EXPECT_EQ(status.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    if (!is_connected) StartServer();
    service_.failures = 0;
    EXPECT_FALSE(status.get().ok());
    server_.reset();
  }
}

TEST_F(ClientTest, OneThatIsCancelledMakesNoMoreCallsAndOthersGoOn) {
  StartServer();
  const auto client = Connected();
  const auto other = client->ForCalls({}, std::chrono::seconds(20));
  ASSERT_TRUE(other.ok());
  (*other)->CancelCalls();
  EXPECT_FALSE((*other)->GetStatus({}).ok());
  EXPECT_EQ(service_.calls, 0);
  EXPECT_TRUE(client->GetStatus({}).ok());
}

TEST_F(ClientTest, AMutationWaitsForAServiceThatComesBack) {
  StartServer();
  const auto client = Connected();
  server_.reset();
  StartServer();
  v1::PutSecretRequest request;
  request.set_value("abc");
  // The first call may still meet the connection that broke; it is not repeated. The next one connects first.
  auto put = client->PutSecret(request);
  if (!put.ok()) put = client->PutSecret(request);
  ASSERT_TRUE(put.ok()) << put.error().message;
  EXPECT_EQ(put->version(), 3U);
}

TEST_F(ClientTest, AMessageAboveTheTransportsLimitIsNotTriedAgain) {
  StartServer();
  v1::PutSecretRequest request;
  request.set_value(std::string(17 << 20, 'x'));
  const auto put = Connected()->PutSecret(request);
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(service_.calls, 0);
}

TEST(WipeMessageField, LeavesNothing) {
  v1::PutSecretRequest request;
  request.set_value(std::string(100, 's'));
  const char* const bytes = request.value().data();
  WipeMessageField(*request.mutable_value());
  EXPECT_TRUE(request.value().empty());
  EXPECT_EQ(std::string_view(bytes, 100).find('s'), std::string_view::npos);
}

}  // namespace
}  // namespace coffer::client
