#include "bench/database.h"

#include <endian.h>
#include <iostream>

#include "crypto/result.h"

namespace coffer::bench {

std::string_view Rows::Cell(std::size_t row, int column) const {
  const int at = static_cast<int>(row);
  return {PQgetvalue(result_.get(), at, column), static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
}

std::int64_t Rows::Bigint(std::size_t row, int column) const {
  const std::string_view cell = Cell(row, column);
  std::uint64_t number = 0;
  COFFER_CHECK(cell.size() == sizeof(number));
  cell.copy(reinterpret_cast<char*>(&number), sizeof(number));
  return static_cast<std::int64_t>(be64toh(number));
}

Database::Database(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  COFFER_CHECK(PQstatus(connection_.get()) == CONNECTION_OK);
  Query("SET max_parallel_workers_per_gather = 0");
}

Rows Database::Checked(PGresult* result) const {
  Rows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_IN) return rows;
  std::cerr << PQresultErrorMessage(result) << "\n";
  std::abort();
}

Rows Database::Query(const std::string& sql) const { return Checked(PQexec(connection_.get(), sql.c_str())); }

void Database::Prepare(const std::string& name, const std::string& sql) const {
  Checked(PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr));
}

Rows Database::Run(const std::string& name, const std::vector<std::string>& parameters) const {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const int count = static_cast<int>(values.size());
  return Checked(PQexecPrepared(connection_.get(), name.c_str(), count, values.data(), nullptr, nullptr, 1));
}

bool Database::ReadsWholeTable(const std::string& name, const std::vector<std::string>& parameters) const {
  std::string words;
  for (const std::string& parameter : parameters) words += (words.empty() ? "'" : ", '") + parameter + "'";
  const std::string plan = Value("EXPLAIN (FORMAT JSON) EXECUTE " + name + " (" + words + ")");
  return plan.find("Seq Scan") != std::string::npos;
}

void Database::BeginCopy(const std::string& table) const { Query("COPY " + table + " FROM STDIN"); }

void Database::CopyLine(const std::string& line) const {
  COFFER_CHECK(PQputCopyData(connection_.get(), line.data(), static_cast<int>(line.size())) == 1);
}

void Database::EndCopy() const {
  COFFER_CHECK(PQputCopyEnd(connection_.get(), nullptr) == 1);
  while (PGresult* const result = PQgetResult(connection_.get())) Checked(result);
}

}  // namespace coffer::bench
