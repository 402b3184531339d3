// SQL expressions and parameters for values of PostgreSQL, of its own types only.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "db/encrypted_column.h"
#include "db/postgres_session.h"

namespace coffer::db {

// The column, when a cast of it runs nobody's code: kNotFound: there is none; kInvalidArgument: it is generated, or of
// a type that is not PostgreSQL's. At the column. Thread-safe, as all here.
Result<const PostgresColumn*> PlainColumnOf(const PostgresTable& table, std::string_view column);

// The next three are of columns that PlainColumnOf knows, of a table that is called t in the statement.

// What it is cast to where text becomes a value: PostgreSQL's type below a domain.
std::string PlainTypeOf(const PostgresTable& table, std::string_view column);
// The value as the service takes one of the declared type: bytes, or text, of at least kMaxBound bytes when it is
// longer. int64: of bool 0 or 1, of timestamptz microseconds.
std::string BoundValueOf(const PostgresTable& table, const TypedColumn& column);
// A value of ciphertexts as bytea.
std::string BytesOf(const PostgresColumn& column);

// Parameters for $n::text[] and $n::bytea[].
std::string TextArray(std::span<const std::string_view> texts);
std::string BytesArray(std::span<const std::string> values);

}  // namespace coffer::db
