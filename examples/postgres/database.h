// The application's connection to PostgreSQL: libpq, and nothing of Coffer.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <libpq-fe.h>

namespace shop {

using Cell = std::optional<std::string>;  // as PostgreSQL writes it; nothing: NULL
using Row = std::vector<Cell>;

// Why the application cannot go on.
class Failure : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The database has such a row already.
class Duplicate : public Failure {
  using Failure::Failure;
};

class Database {
 public:
  // The database that PGHOST, PGDATABASE and the like name. Throws Failure.
  Database();

  // Runs one statement, whose parameters are $1 and on, and gives its rows. Throws Duplicate or Failure.
  std::vector<Row> Query(const std::string& sql, const std::vector<Cell>& parameters = {});

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
};

// bytea, to and from the text that PostgreSQL writes: "\x01ff".
std::string ByteaText(const std::string& bytes);
std::string BytesOf(const Cell& bytea);

}  // namespace shop
