// IndexLinks: the rows of a QueryIndex that it derives from records so that they are found by several names, compared
// with the records: one row each, in the tables of objects, tenants, keys and rows, and the list of months.
#pragma once

#include <array>

#include "audit/query_index_state.h"

namespace coffer::audit {

// Not thread-safe. Errors of both calls are the database's.
class IndexLinks {
 public:
  // `database` must outlive it.
  explicit IndexLinks(SqliteDatabase& database) : database_(database) {}

  // Rows of records below are passed over: they were dropped, or are about to be.
  void Begin(std::uint64_t from) { from_ = from; }
  // The records in order. False: a row of this one is missing.
  Result<bool> Take(std::uint64_t index, const Record& record, Month month);
  // False: there are rows that no record gives, or other months.
  Result<bool> Finish();

 private:
  enum Table : std::uint8_t { kObjects, kTenants, kKeys, kRows };
  static constexpr std::size_t kMaxNames = 20'000;
  Result<std::optional<std::int64_t>> NameId(std::string_view name);
  Result<bool> HasNames(Table table, std::string_view list, std::uint64_t index);
  Result<bool> Has(Table table, std::int64_t what, std::uint64_t index);
  Result<bool> HasEach(Table table, std::vector<std::int64_t> whats, std::uint64_t index);

  SqliteDatabase& database_;
  std::uint64_t from_ = 0;
  std::unordered_map<std::string, std::int64_t> names_;
  std::array<std::uint64_t, 4> expected_{};
  std::vector<MonthSegment> segments_;
};

}  // namespace coffer::audit
