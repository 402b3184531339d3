// PostgreSQL over libpq, wrapped: a connection, statements, rows that stream. The only place that calls libpq.
//
// No message of libpq or of the server gets out: those hold hosts, users, statements and values. What is known of a
// failure is its SQLSTATE.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypto/bytes.h"

struct pg_conn;

namespace coffer {

struct PostgresOptions {
  // postgresql://..., or "key=value ...", as libpq takes it: its environment, password and service files count too.
  std::string connection;
  // Over all hosts, but for the lookup of their names. A connect_timeout of `connection` or of the environment goes
  // first.
  std::uint32_t connect_timeout_ms = 10'000;
  // How long the server may say nothing while it works on one statement. Working on rows in between does not count.
  std::uint32_t answer_timeout_ms = 300'000;
};

// One connection. Not thread-safe.
//
// Errors of every call: kInvalidArgument: no connection string; kPermissionDenied: the server refuses the user, the
// password or the statement; kNotFound: no such database; kUnavailable: an outage, a timeout, a lock that others hold,
// a connection that ended; kConflict: another transaction was first; kAlreadyExists: a constraint; kInternal: a
// statement that does not fit the database. With the SQLSTATE where the server gave one.
class PostgresConnection {
 public:
  // The cells of one row; nothing for NULL. Until the callback returns.
  using OnRow = std::function<Status(std::span<const std::optional<ByteView>>)>;

  static Result<std::unique_ptr<PostgresConnection>> Open(const PostgresOptions& options);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Statements without parameters, separated by ';'. Rows are thrown away.
  Status Execute(const std::string& sql);
  // One statement. `parameters` ($1 and on) are text; cells come in PostgreSQL's binary form: the bytes of text and of
  // bytea, so cast the rest. One row at a time is in memory. After an error of `on_row`, which is given back, the
  // connection is closed.
  Status Query(const std::string& sql, std::span<const std::string> parameters, const OnRow& on_row);

  explicit PostgresConnection(std::uint32_t answer_timeout_ms) : answer_timeout_ms_(answer_timeout_ms) {}  // Open's

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  Status Connect(const PostgresOptions& options);
  Status Stream(const OnRow& on_row);
  Status AwaitResult();
  Error LostConnection();

  std::uint32_t answer_timeout_ms_;
  std::unique_ptr<pg_conn, Close> connection_;
};

}  // namespace coffer
