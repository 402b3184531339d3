// How many values of a database's columns name each key: from the headers of their ciphertexts, without any key.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "db/encrypted_column.h"
#include "db/source.h"
#include "io/clock.h"

namespace coffer::db {

using KeyCounts = std::map<std::uint64_t, std::uint64_t>;  // key id to values

struct ColumnCensus {
  ColumnPlace place;
  KeyCounts keys;
  std::uint64_t no_ciphertext = 0;  // values that have not the form of one; NULLs are not counted

  std::uint64_t Values() const;
};

struct DatabaseCensus {
  std::int64_t as_of_unix_micros = 0;  // by `clock`, before the count began
  std::vector<ColumnCensus> columns;   // as asked

  // Of all columns.
  KeyCounts Keys() const;
  std::uint64_t NoCiphertext() const;
};

// What a report may have.
inline constexpr std::size_t kMaxCensusKeys = 250'000;
inline constexpr std::size_t kMaxCensusColumns = 1'000;

// All columns at one moment; rows that this user may not see are an error. `columns`: 1 to kMaxCensusColumns. A
// PostgreSQL column is bytea or coffer.ciphertext; in a SQLite file blobs are counted, and all else as no ciphertext.
//
// kNotFound: no such table or column; kInvalidArgument: it is of another kind or type, or has more keys than
// kMaxCensusKeys; else as PostgresSession and SqliteReader.
Result<DatabaseCensus> TakeCensus(const Source& source, std::span<const ColumnPlace> columns, const Clock& clock);

}  // namespace coffer::db
