// A RecordFilter as SQL: one statement for each way to find records, with every term as a parameter, so that there are
// few statements, whatever is asked.
#pragma once

#include "audit/query_index_rows.h"

namespace coffer::audit {

// What leads to the records: the term that few of them meet.
enum class TermDriver : std::uint8_t {
  kRequest,
  kRow,
  kKey,
  kPrincipal,
  kObject,
  kTrouble,  // what was refused or failed
  kEvent,    // what is no call
  kTenant,
  kOperation,
  kAll,
};
TermDriver DriverOf(const RecordFilter& filter);

// Values of the parameters from 3 on; 1 and 2 are the range. NULL: not asked for.
inline constexpr std::size_t kTerms = 11;
using TermValues = std::array<Datum, kTerms>;

// Those that are the same in every month. Nothing: the index has no such name, so no record can fit.
Result<std::optional<TermValues>> FixedTerms(SqliteDatabase& database, const RecordFilter& filter);
// Whether some are of one month only, and those. False: no record of the month can fit.
bool NeedsMonths(const RecordFilter& filter);
Result<bool> AddMonthTerms(SqliteDatabase& database, MonthKeys& keys, const RecordFilter& filter, Month month,
                           TermValues& values);

// Rows of kRecordColumns, or of two group columns and the counts of a RecordGroup.
std::string SearchSql(TermDriver driver, bool oldest_first);
std::string CountSql(TermDriver driver, const std::vector<GroupBy>& by);
Status BindTerms(SqliteStatement& statement, std::uint64_t from, std::uint64_t to, const TermValues& values);

// The length of kHour and kDay.
std::int64_t MicrosOf(GroupBy by);

}  // namespace coffer::audit
