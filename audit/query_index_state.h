// What an open QueryIndex holds, for its parts.
#pragma once

#include "audit/query_index_rows.h"

namespace coffer::audit {

struct QueryIndex::State {
  State(std::unique_ptr<SqliteDatabase> opened, const Frontier& indexed)
      : database(std::move(opened)), writer(*database), frontier(indexed) {}

  std::unique_ptr<SqliteDatabase> database;
  RowWriter writer;
  Frontier frontier;          // of what is committed
  std::uint64_t dropped = 0;  // nothing is left of the records below; 0: not known
};

// Consecutive records whose personal parts are under the key of one month.
struct MonthSegment {
  std::uint64_t from = 0;
  std::uint64_t to = 0;  // the first index behind it
  Month month = 0;
};
// In order, without gaps; the last one ends at `size`.
Result<std::vector<MonthSegment>> SegmentsOf(SqliteDatabase& database, std::uint64_t size);

}  // namespace coffer::audit
