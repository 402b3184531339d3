// PostgresTables: the tables of a Grafana database on a server, found and locked so that nothing but the tables
// themselves is read: who owns the database must not have his code run with the rights of whoever looks at it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/postgres.h"
#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

struct PostgresColumn {
  std::string type;  // as SQL names it
  bool is_bytes = false;
};
struct PostgresTable {
  std::string name;  // with its schema, quoted
  std::map<std::string, PostgresColumn, std::less<>> columns;
};

// What a name means to the user.
struct PostgresRelation {
  std::string name;  // with its schema, quoted
  TableKind kind = TableKind::kOther;
  bool operator==(const PostgresRelation&) const = default;
};

enum class PostgresLock {
  kForReading,  // others write
  kForWriting,  // others read
};

// Not thread-safe. Of a connection that is not used for anything before; it must outlive this.
//
// Operators and functions are PostgreSQL's own from here on, whatever the search_path is that the database, or its
// owner, sets; where the server can (15.8, 16.4, 17), views are refused in every statement. Columns of wanted names
// have a type of PostgreSQL's own, or a domain over one, so that a cast runs no function of others.
class PostgresTables {
 public:
  // Before the transaction: a snapshot that is taken under the locks sees what is locked.
  static Result<PostgresTables> Open(PostgresConnection& server);

  // What a bare name means to this user (his search_path): a table is an ordinary or partitioned one, without foreign
  // tables among its parts and what inherits from it. Outside the transaction: no lock is taken.
  Result<std::optional<PostgresRelation>> Find(std::string_view table) const;

  // In the transaction, before its first query where that is of one snapshot: locks the table that Find gave. Errors:
  // kUnavailable: others hold it; kPermissionDenied; kNotFound: it is gone.
  Status Lock(const std::string& name, PostgresLock lock) const;

  // Of what is locked. kConflict: something else has its name now; kInvalidArgument: one of `columns` has a type that
  // is not PostgreSQL's; kPermissionDenied: somebody else's functions would run with this user's rights. For writing,
  // whoever does not own the table, or a part of it, runs its triggers; a superuser runs what its indexes compute even
  // for reading, since PostgreSQL evaluates that while it plans (io/postgres_trust.h).
  Result<PostgresTable> Define(std::string_view table, const std::string& name,
                               const std::vector<std::string_view>& columns, PostgresLock lock) const;

 private:
  explicit PostgresTables(PostgresConnection& server) : server_(&server) {}

  PostgresConnection* server_;
  std::vector<std::string> schemas_;  // of the user's search_path
};

}  // namespace coffer::grafana
