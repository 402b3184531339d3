#include "examples/postgres/database.h"

#include <string_view>

#include "crypto/bytes.h"

namespace shop {
namespace {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};

// Says what the server refused. Its DETAIL is left out, which would show a row.
[[noreturn]] void Throw(PGconn* connection, const PGresult* result) {
  constexpr std::string_view kUniqueViolation = "23505";
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string text = message != nullptr ? message : PQerrorMessage(connection);
  if (state != nullptr && state == kUniqueViolation) throw Duplicate(text);
  throw Failure(text);
}

}  // namespace

Database::Database() : connection_(PQconnectdb("")) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) throw Failure(PQerrorMessage(connection_.get()));
}

std::vector<Row> Database::Query(const std::string& sql, const std::vector<Cell>& parameters) {
  std::vector<const char*> values;
  for (const Cell& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  const std::unique_ptr<PGresult, Clear> result(PQexecParams(
      connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) Throw(connection_.get(), result.get());
  std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      const int row = static_cast<int>(i);
      const bool null = PQgetisnull(result.get(), row, column) != 0;
      rows[i].push_back(null ? Cell() : Cell(PQgetvalue(result.get(), row, column)));
    }
  }
  return rows;
}

std::string ByteaText(const std::string& bytes) { return "\\x" + coffer::ToHex(coffer::AsBytes(bytes)); }

std::string BytesOf(const Cell& bytea) {
  std::size_t size = 0;
  const auto* const text = reinterpret_cast<const unsigned char*>(bytea.value().c_str());
  const std::unique_ptr<unsigned char, void (*)(void*)> bytes(PQunescapeBytea(text, &size), PQfreemem);
  if (bytes == nullptr) throw std::bad_alloc();
  return std::string(bytes.get(), bytes.get() + size);
}

}  // namespace shop
