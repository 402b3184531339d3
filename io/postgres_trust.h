// Who could have code of his run by whoever uses a table of PostgreSQL.
#pragma once

#include <string>

#include "io/postgres.h"

namespace coffer {

// Whether all of it is of superusers, or PostgreSQL's own: the relation `name` (with its schema, quoted), what inherits
// from it, its partitions, and their schemas, whose owners could put something else under its name; and the functions,
// operators and types that its columns, indexes, constraints, defaults, statistics, triggers and rules name. PostgreSQL
// calls some of them where it only plans a query. The schema "public" may be the database owner's. False for what is
// not there. Before: search_path is pg_catalog, and the table is locked, so that the answer holds. kInternal: the
// catalogs are described in another way; else the connection's errors.
Result<bool> IsOfSuperusers(PostgresConnection& server, const std::string& name);

}  // namespace coffer
