// A connection to the database that is measured: libpq as an application uses it, so that plaintext and ciphertext go
// the same way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

namespace coffer::bench {

// Rows of an answer. Cells of Query are text, those of a Statement binary.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result) {}
  std::size_t size() const { return static_cast<std::size_t>(PQntuples(result_.get())); }
  std::string_view Cell(std::size_t row, int column) const;
  // A binary bigint.
  std::int64_t Bigint(std::size_t row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

// What the server refuses ends the program: a benchmark has nothing to go on with.
class Database {
 public:
  explicit Database(const std::string& url);
  // Statements without parameters, separated by ';': the rows of the last one.
  Rows Query(const std::string& sql) const;
  // One value of one row.
  std::string Value(const std::string& sql) const { return std::string(Query(sql).Cell(0, 0)); }

  // Prepares under `name`; its parameters are text.
  void Prepare(const std::string& name, const std::string& sql) const;
  Rows Run(const std::string& name, const std::vector<std::string>& parameters) const;
  // Whether the statement's plan reads a table in a row where it could use an index.
  bool ReadsWholeTable(const std::string& name, const std::vector<std::string>& parameters) const;

  // COPY `table` FROM STDIN: lines as PostgreSQL's text format has them.
  void BeginCopy(const std::string& table) const;
  void CopyLine(const std::string& line) const;
  void EndCopy() const;

 private:
  Rows Checked(PGresult* result) const;

  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace coffer::bench
