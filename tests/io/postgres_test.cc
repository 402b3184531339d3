#include "io/postgres.h"

#include <array>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/support/postgres_server.h"

namespace coffer {
namespace {

using Texts = std::vector<std::string>;
using Cells = std::span<const std::optional<ByteView>>;

constexpr const char* kPassword = "hunter2";

Error OpenError(const std::string& connection, std::uint32_t timeout_ms = 10'000) {
  PostgresOptions options;
  options.connection = connection;
  options.connect_timeout_ms = timeout_ms;
  const auto opened = PostgresConnection::Open(options);
  EXPECT_FALSE(opened.ok());
  return opened.ok() ? Error(ErrorCode::kInternal, "none") : opened.error();
}

// Cells of all rows, NULL as "~".
Result<Texts> Query(PostgresConnection& server, const std::string& sql, std::span<const std::string> parameters = {}) {
  Texts cells;
  COFFER_TRY(server.Query(sql, parameters, [&cells](Cells row) -> Status {
    for (const auto& cell : row) cells.emplace_back(cell ? AsText(*cell) : "~");
    return {};
  }));
  return cells;
}

TEST(PostgresConnectionTest, WhatIsNoConnectionStringIsRefusedWithoutSayingIt) {
  for (const std::string& bad : {std::string("postgresql://u:hunter2@h:x:y/%zz"), std::string("hunter2"),
                                 std::string("password=hunter2 nothing=x"), std::string("password='hunter2"),
                                 std::string("host=a\0 password=hunter2", 24)}) {
    const Error error = OpenError(bad);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(error.ToString().find(kPassword), std::string::npos) << error.ToString();
  }
}

TEST(PostgresConnectionTest, ServerThatIsNotThereIsUnavailable) {
  TempDir folder;
  const Error error = OpenError("postgresql://user:hunter2@/x?host=" + folder.path());
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_EQ(error.ToString().find(kPassword), std::string::npos);
  EXPECT_EQ(OpenError("postgresql://127.0.0.1:1/x").code(), ErrorCode::kUnavailable);
}

TEST(PostgresConnectionTest, ServerThatSaysNothingIsUnavailable) {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  void* const raw = &address;
  ASSERT_EQ(bind(listener.get(), static_cast<const sockaddr*>(raw), size), 0);
  ASSERT_EQ(listen(listener.get(), 5), 0);
  ASSERT_EQ(getsockname(listener.get(), static_cast<sockaddr*>(raw), &size), 0);
  const std::string url = "postgresql://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/x";
  EXPECT_EQ(OpenError(url, 100).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(OpenError(url + "?connect_timeout=1", 600'000).code(), ErrorCode::kUnavailable);  // else it lasts
}

class PostgresServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!PostgresServer::Programs().empty()) server_ = PostgresServer::Start();
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (PostgresServer::Programs().empty()) GTEST_SKIP() << "no PostgreSQL server";
    ASSERT_NE(server_, nullptr);
    connection_ = Open(server_->Url());
    ASSERT_NE(connection_, nullptr);
  }
  static std::unique_ptr<PostgresConnection> Open(const std::string& url, std::uint32_t answer_timeout_ms = 60'000) {
    PostgresOptions options;
    options.connection = url;
    options.answer_timeout_ms = answer_timeout_ms;
    auto opened = PostgresConnection::Open(options);
    EXPECT_TRUE(opened.ok()) << opened.error().ToString();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  void Execute(const std::string& sql) {
    const Status done = connection_->Execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().ToString();
  }
  Error QueryError(const std::string& sql) {
    const auto cells = Query(*connection_, sql);
    EXPECT_FALSE(cells.ok());
    return cells.ok() ? Error(ErrorCode::kInternal, "none") : cells.error();
  }

  static std::unique_ptr<PostgresServer> server_;
  std::unique_ptr<PostgresConnection> connection_;
};

std::unique_ptr<PostgresServer> PostgresServerTest::server_;

TEST_F(PostgresServerTest, CellsAreBytesAndNullsAreNothing) {
  const std::array<std::string, 2> parameters = {"gr\u00fcn", "2"};
  const auto cells = Query(
      *connection_, "SELECT $1::text, '\\x2a00ff'::bytea, NULL::text, '' FROM generate_series(1, $2::int)", parameters);
  ASSERT_TRUE(cells.ok()) << cells.error().ToString();
  const std::string blob("\x2a\x00\xff", 3);
  EXPECT_EQ(*cells, (Texts{"gr\u00fcn", blob, "~", "", "gr\u00fcn", blob, "~", ""}));
}

TEST_F(PostgresServerTest, TextIsUtf8WhateverTheStringSays) {
  connection_ = Open(server_->Url() + "&client_encoding=LATIN1");
  EXPECT_EQ(*Query(*connection_, "SELECT chr(252)"), (Texts{"\u00fc"}));
}

TEST_F(PostgresServerTest, RefusedUsersAreTold) {
  Execute("DROP ROLE IF EXISTS password_user; CREATE ROLE password_user LOGIN PASSWORD 'right'");
  const Error none = OpenError(server_->Url("postgres", "password_user"));
  EXPECT_EQ(none.code(), ErrorCode::kPermissionDenied);
  EXPECT_NE(none.message().find("PGPASSWORD"), std::string_view::npos);
  const Error wrong = OpenError(server_->Url("postgres", "password_user") + "&password=hunter2");
  EXPECT_EQ(wrong.ToString(), "SQLSTATE 28P01: the PostgreSQL server refuses this user or password");
  EXPECT_NE(Open(server_->Url("postgres", "password_user") + "&password=right"), nullptr);
  EXPECT_EQ(OpenError(server_->Url("postgres", "nobody_of_this_name")).path(), "SQLSTATE 28000");
  EXPECT_EQ(OpenError(server_->Url("no_such_database")).code(), ErrorCode::kNotFound);
}

TEST_F(PostgresServerTest, ErrorsHaveTheirStateAndNoMessage) {
  Execute("DROP TABLE IF EXISTS once; CREATE TABLE once (v text PRIMARY KEY); INSERT INTO once VALUES ('hunter2')");
  const Error constraint = QueryError("INSERT INTO once VALUES ('hunter2')");
  EXPECT_EQ(constraint.ToString(), "SQLSTATE 23505: a PostgreSQL constraint refuses the row");
  EXPECT_EQ(constraint.code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(QueryError("SELECT * FROM \"hunter2\"").ToString(),
            "SQLSTATE 42P01: the PostgreSQL server does not understand a statement");
  EXPECT_EQ(QueryError("SELECT 'hunter2'::int").code(), ErrorCode::kInternal);
  Execute("DROP ROLE IF EXISTS nothing; CREATE ROLE nothing; BEGIN; SET LOCAL ROLE nothing");
  EXPECT_EQ(QueryError("SELECT * FROM once").code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(QueryError("SELECT 1").path(), "SQLSTATE 25P02");
  Execute("ROLLBACK");
  EXPECT_EQ(*Query(*connection_, "SELECT 'works'"), (Texts{"works"}));
}

TEST_F(PostgresServerTest, FirstOfSeveralStatementsThatFailsIsTold) {
  const Status done = connection_->Execute("SELECT 1; SELECT 1/0; SELECT * FROM missing");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().path(), "SQLSTATE 22012");
}

TEST_F(PostgresServerTest, RowsBeforeAnErrorComeAndThenTheError) {
  Texts seen;
  const Status done =
      connection_->Query("SELECT (10 / (3 - n))::text FROM generate_series(1, 5) n", {}, [&seen](Cells row) -> Status {
        seen.emplace_back(AsText(*row[0]));
        return {};
      });
  EXPECT_EQ(seen, (Texts{"5", "10"}));
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().path(), "SQLSTATE 22012");
}

TEST_F(PostgresServerTest, ErrorOfARowIsGivenBackAndTheConnectionIsClosed) {
  const Status done = connection_->Query("SELECT generate_series(1, 100000)::text", {},
                                         [](Cells) -> Status { return Error(ErrorCode::kConflict, "enough"); });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().ToString(), "enough");
  EXPECT_EQ(QueryError("SELECT 1").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(connection_->Execute("SELECT 1").error().code(), ErrorCode::kUnavailable);
}

TEST_F(PostgresServerTest, LockOfAnotherSessionIsUnavailable) {
  Execute("DROP TABLE IF EXISTS held; CREATE TABLE held (v text)");
  const auto other = Open(server_->Url());
  ASSERT_TRUE(other->Execute("BEGIN; LOCK TABLE held").ok());
  Execute("SET lock_timeout = '50ms'");
  EXPECT_EQ(QueryError("SELECT v FROM held").ToString(),
            "SQLSTATE 55P03: another PostgreSQL session holds a lock: try again");
}

TEST_F(PostgresServerTest, ServerThatDoesNotAnswerIsUnavailable) {
  connection_ = Open(server_->Url(), 100);
  EXPECT_EQ(QueryError("SELECT pg_sleep(3600)").code(), ErrorCode::kUnavailable);
}

TEST_F(PostgresServerTest, ConnectionThatTheServerEndsIsUnavailable) {
  const auto pid = Query(*connection_, "SELECT pg_backend_pid()::text");
  ASSERT_TRUE(pid.ok());
  ASSERT_TRUE(Open(server_->Url())->Execute("SELECT pg_terminate_backend(" + pid->front() + ", 10000)").ok());
  EXPECT_EQ(QueryError("SELECT 1").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(QueryError("SELECT 1").code(), ErrorCode::kUnavailable);
}

TEST_F(PostgresServerTest, CopyIsRefused) {
  EXPECT_EQ(connection_->Execute("COPY (SELECT 1) TO STDOUT").error().code(), ErrorCode::kUnavailable);
  connection_ = Open(server_->Url());
  Execute("CREATE TEMP TABLE t (v text)");
  EXPECT_EQ(connection_->Execute("COPY t FROM STDIN").error().code(), ErrorCode::kUnavailable);
}

TEST_F(PostgresServerTest, NoticesGoNowhere) {
  testing::internal::CaptureStderr();
  Execute("DO $$ BEGIN RAISE WARNING 'hunter2'; END $$");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace coffer
