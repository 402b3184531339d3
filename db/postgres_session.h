// PostgresSession: a connection for whoever works on a database from outside, whose owner may be hostile.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/source.h"
#include "db/sql_names.h"
#include "io/postgres.h"

namespace coffer::db {

struct PostgresColumn {
  std::string name;
  std::string type;            // as SQL names it, with its schema where it is not PostgreSQL's own
  bool is_own_type = false;    // PostgreSQL's own, or a domain over one: a cast runs nobody's code
  bool is_bytes = false;       // bytea, or a domain over it
  bool is_ciphertext = false;  // coffer.ciphertext of the extension, which is cast to bytea without a function
  bool not_null = false;
  bool generated = false;  // its expression is the owner's
  // Of its base type, where is_own_type: "int8", "bool", "timestamptz", "text", ...
  std::string base_type;

  bool operator==(const PostgresColumn&) const = default;
};

struct PostgresTable {
  std::string name;  // with its schema, quoted
  std::vector<PostgresColumn> columns;
  std::vector<std::string> key;  // columns of the primary key, else of a unique index without NULLs; empty: neither
  bool has_children = false;     // tables that inherit from it, whose keys may be the same; a partitioned one has none

  bool operator==(const PostgresTable&) const = default;
  const PostgresColumn* Find(std::string_view column) const;
};

// Not thread-safe. Operators and functions are PostgreSQL's own, whatever the search_path is that the database or its
// owner sets; where the server can (15.8, 16.4, 17), views and foreign tables are refused in every statement; a policy
// of row-level security that would hide a row is an error; bytes are written in hex, times in ISO form and UTC. A
// statement waits for a lock 5 seconds at most: kUnavailable, like all that `PostgresConnection` says so of.
//
// A superuser is refused (kPermissionDenied) whatever is not wholly of superusers, since PostgreSQL would run what its
// owner hung on it with his rights: triggers where he writes; where he reads too, functions in the expressions of
// indexes and statistics, which PostgreSQL calls when it plans a statement.
class PostgresSession {
 public:
  // `source` is a PostgreSQL server's.
  static Result<std::unique_ptr<PostgresSession>> Open(const Source& source);

  PostgresConnection& server() { return *server_; }

  // An ordinary or partitioned table, locked until the end of the transaction that the caller has begun, so that it
  // stays what is described here: others read and write it meanwhile. kNotFound: there is none of this name, or this
  // user may not know; kInvalidArgument: a view or another kind; kConflict: it was replaced while it was looked at;
  // kPermissionDenied. At the table.
  Result<PostgresTable> Lock(const TableName& name);
  // The same table in another transaction. kConflict: it is not what it was; kPermissionDenied.
  Status LockAgain(const PostgresTable& table);

  // Before anything else of that name (with its schema, quoted) is read; tables that are locked were looked at.
  // kPermissionDenied: this is a superuser, and it, what inherits from it, its schema, or a function, operator or type
  // that one of its parts names is of somebody who is none.
  Status CheckTrust(const std::string& name);
  // Whether it is a superuser's, whatever role it has now.
  bool is_superuser() const { return is_superuser_; }

  explicit PostgresSession(std::unique_ptr<PostgresConnection> server) : server_(std::move(server)) {}  // Open's

 private:
  Result<std::string> NameOf(const TableName& name);
  Result<PostgresTable> LockQuoted(const std::string& name);

  std::unique_ptr<PostgresConnection> server_;
  std::vector<std::string> schemas_;  // of the user's search_path
  bool is_superuser_ = true;
};

}  // namespace coffer::db
