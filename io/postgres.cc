#include "io/postgres.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <poll.h>
#include <vector>

#include <libpq-fe.h>

#include "io/clock.h"
#include "io/system_error.h"

namespace coffer {
namespace {

constexpr std::uint32_t kLongestConnectTimeoutMs = 600'000;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using OptionsHandle = std::unique_ptr<PQconninfoOption, FreeOptions>;

struct FreeText {
  void operator()(char* text) const { PQfreemem(text); }
};

// The SQLSTATE is of five letters and digits; the first two are its class (PostgreSQL's appendix A).
Error ErrorOfState(std::string_view state) {
  const std::string_view family = state.substr(0, 2);
  if (state == "28P01" || state == "28000") {
    return Error(ErrorCode::kPermissionDenied, "the PostgreSQL server refuses this user or password");
  }
  if (state == "42501") return Error(ErrorCode::kPermissionDenied, "the PostgreSQL user may not do this");
  if (state == "3D000") return Error(ErrorCode::kNotFound, "the PostgreSQL server has no such database");
  if (state == "55P03") return Error(ErrorCode::kUnavailable, "another PostgreSQL session holds a lock: try again");
  if (state == "57014") return Error(ErrorCode::kUnavailable, "the PostgreSQL statement was cancelled: try again");
  if (state == "25006") return Error(ErrorCode::kUnavailable, "the PostgreSQL server is read-only");
  if (family == "40") return Error(ErrorCode::kConflict, "another PostgreSQL transaction was first: try again");
  if (family == "23") return Error(ErrorCode::kAlreadyExists, "a PostgreSQL constraint refuses the row");
  const bool ended = state == "25P03";  // a session that was idle for too long
  if (family == "42" || family == "22" || family == "0A" || (family == "25" && !ended)) {
    return Error(ErrorCode::kInternal, "the PostgreSQL server does not understand a statement");
  }
  return Error(ErrorCode::kUnavailable, "the PostgreSQL server reports an error");
}

Error WithState(std::string_view state) { return ErrorOfState(state).At("SQLSTATE " + std::string(state)); }

bool IsStateCharacter(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }

// With PQERRORS_SQLSTATE the server's own part of a message is "<severity>:  <SQLSTATE>", at the end of its line.
std::string_view LastState(std::string_view message) {
  constexpr std::string_view kBefore = ":  ";
  constexpr std::size_t kSize = 5;
  for (std::size_t at = message.rfind(kBefore); at != message.npos; at = message.rfind(kBefore, at - 1)) {
    const std::string_view state = message.substr(at + kBefore.size(), kSize);
    const char after = message.size() > at + kBefore.size() + kSize ? message[at + kBefore.size() + kSize] : '\n';
    if (state.size() == kSize && after == '\n' && std::all_of(state.begin(), state.end(), IsStateCharacter)) {
      return state;
    }
    if (at == 0) break;
  }
  return "";
}

Error NoSuchString() {
  return Error(ErrorCode::kInvalidArgument, "the PostgreSQL connection string is not one that libpq understands");
}

Error TooLate() { return Error(ErrorCode::kUnavailable, "the PostgreSQL server did not answer in time"); }

Status CheckString(const std::string& connection) {
  if (connection.find('\0') != std::string::npos) return NoSuchString();
  char* raw_message = nullptr;
  const OptionsHandle options(PQconninfoParse(connection.c_str(), &raw_message));
  const std::unique_ptr<char, FreeText> message(raw_message);  // It may hold the password.
  if (options == nullptr) return NoSuchString();
  return {};
}

// What was asked for with connect_timeout (seconds; 0 and less: forever, which is not offered).
std::uint32_t ConnectTimeoutMs(PGconn* connection, std::uint32_t otherwise) {
  const OptionsHandle options(PQconninfo(connection));
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) != "connect_timeout" || option->val == nullptr) continue;
    const std::string_view text(option->val);
    std::uint32_t seconds = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (read.ec != std::errc() || seconds == 0) return otherwise;
    return std::min(seconds, kLongestConnectTimeoutMs / 1'000) * 1'000;
  }
  return otherwise;
}

// Until the socket is ready, or the deadline: kUnavailable.
Status AwaitSocket(int socket, short events, std::int64_t deadline_micros) {
  for (;;) {
    const std::int64_t left_ms = (deadline_micros - SystemClock().MonotonicMicros() + 999) / 1'000;
    if (left_ms <= 0) return TooLate();
    pollfd waiting = {socket, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left_ms, INT_MAX)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return SystemError(errno);
  }
}

Error ConnectFailure(PGconn* connection) {
  const std::string_view state = LastState(PQerrorMessage(connection));
  if (!state.empty()) return WithState(state);
  if (PQconnectionNeedsPassword(connection) != 0) {
    return Error(ErrorCode::kPermissionDenied,
                 "the PostgreSQL server asks for a password: give it in PGPASSWORD or a password file");
  }
  return Error(ErrorCode::kUnavailable, "the PostgreSQL server cannot be reached");
}

// Ours give way to what `connection` says, but for the encoding. A peer that is gone is noticed within about a minute.
PGconn* Start(const std::string& connection) {
  constexpr std::array kKeywords = {
      "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
      "tcp_user_timeout",          "dbname",          "client_encoding"};
  const std::array values = {"coffer", "30", "10", "3", "60000", connection.c_str(), "UTF8"};
  std::array<const char*, kKeywords.size() + 1> keyword_list = {};
  std::array<const char*, kKeywords.size() + 1> value_list = {};
  std::copy(kKeywords.begin(), kKeywords.end(), keyword_list.begin());
  std::copy(values.begin(), values.end(), value_list.begin());
  constexpr int kExpandDbname = 1;
  return PQconnectStartParams(keyword_list.data(), value_list.data(), kExpandDbname);
}

void ReadCells(const PGresult* row, std::vector<std::optional<ByteView>>& cells) {
  const int count = PQnfields(row);
  cells.assign(static_cast<std::size_t>(count), std::nullopt);
  for (int i = 0; i < count; ++i) {
    if (PQgetisnull(row, 0, i) != 0) continue;
    const std::string_view value(PQgetvalue(row, 0, i), static_cast<std::size_t>(PQgetlength(row, 0, i)));
    cells[static_cast<std::size_t>(i)] = AsBytes(value);
  }
}

void IgnoreNotice(void*, const PGresult*) {}

}  // namespace

void PostgresConnection::Close::operator()(pg_conn* connection) const { PQfinish(connection); }
PostgresConnection::~PostgresConnection() = default;

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(const PostgresOptions& options) {
  COFFER_TRY(CheckString(options.connection));
  auto connection = std::make_unique<PostgresConnection>(options.answer_timeout_ms);
  COFFER_TRY(connection->Connect(options));
  return connection;
}

Status PostgresConnection::Connect(const PostgresOptions& options) {
  connection_.reset(Start(options.connection));
  PGconn* const raw = connection_.get();
  if (raw == nullptr) return SystemError(ENOMEM);
  PQsetErrorVerbosity(raw, PQERRORS_SQLSTATE);
  PQsetNoticeReceiver(raw, IgnoreNotice, nullptr);
  const std::int64_t timeout_ms = ConnectTimeoutMs(raw, options.connect_timeout_ms);
  const std::int64_t deadline = SystemClock().MonotonicMicros() + timeout_ms * 1'000;
  if (PQstatus(raw) == CONNECTION_BAD) return ConnectFailure(raw);
  for (PostgresPollingStatusType step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK; step = PQconnectPoll(raw)) {
    if (step == PGRES_POLLING_FAILED) return ConnectFailure(raw);
    COFFER_TRY(AwaitSocket(PQsocket(raw), step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline));
  }
  return {};
}

Error PostgresConnection::LostConnection() {
  connection_.reset();
  return Error(ErrorCode::kUnavailable, "the connection to the PostgreSQL server is lost");
}

// Until PQgetResult does not block.
Status PostgresConnection::AwaitResult() {
  const std::int64_t deadline = SystemClock().MonotonicMicros() + std::int64_t{answer_timeout_ms_} * 1'000;
  while (PQisBusy(connection_.get()) != 0) {
    Status ready = AwaitSocket(PQsocket(connection_.get()), POLLIN, deadline);
    if (!ready.ok()) {
      connection_.reset();
      return ready;
    }
    if (PQconsumeInput(connection_.get()) == 0) return LostConnection();
  }
  return {};
}

// All results of what was sent, to the last; the first failure wins.
Status PostgresConnection::Stream(const OnRow& on_row) {
  Status outcome;
  std::vector<std::optional<ByteView>> cells;
  for (;;) {
    COFFER_TRY(AwaitResult());
    const ResultHandle result(PQgetResult(connection_.get()));
    if (result == nullptr) return outcome;
    switch (PQresultStatus(result.get())) {
      case PGRES_SINGLE_TUPLE:
        ReadCells(result.get(), cells);
        outcome = on_row(cells);
        if (outcome.ok()) break;
        connection_.reset();
        return outcome;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_EMPTY_QUERY:
        break;
      case PGRES_FATAL_ERROR: {
        const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
        if (state == nullptr) return LostConnection();
        if (outcome.ok()) outcome = WithState(state);
        break;
      }
      default:  // COPY, which would go on for ever
        return LostConnection();
    }
  }
}

Status PostgresConnection::Execute(const std::string& sql) {
  if (connection_ == nullptr || PQsendQuery(connection_.get(), sql.c_str()) == 0) return LostConnection();
  return Stream([](std::span<const std::optional<ByteView>>) { return Status(); });
}

Status PostgresConnection::Query(const std::string& sql, std::span<const std::string> parameters, const OnRow& on_row) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  constexpr int kBinary = 1;
  if (connection_ == nullptr ||
      PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, kBinary) == 0 ||
      PQsetSingleRowMode(connection_.get()) == 0) {
    return LostConnection();
  }
  return Stream(on_row);
}

}  // namespace coffer
