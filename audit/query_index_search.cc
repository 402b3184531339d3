// Searches of a QueryIndex. Records are looked at in ranges of their indexes, so that nobody waits long for the next
// one; their times never fall, so a time is an index too.
#include <algorithm>
#include <array>

#include "audit/query_index_state.h"
#include "audit/query_index_terms.h"

namespace coffer::audit {
namespace {

constexpr std::uint64_t kRange = std::uint64_t{1} << 18U;  // records that one statement looks at, at most
constexpr std::size_t kMaxCounted = 100'000;               // groups, before the largest are chosen

std::size_t SizeOf(const IndexedRecord& found) {
  const Record& record = found.record;
  const Personal& personal = record.personal;
  return sizeof found + record.object.size() + record.tenant.size() + record.purpose.size() + record.failure.size() +
         personal.principal.size() + personal.peer.size() + personal.on_behalf_of.size() + personal.reason.size() +
         8 * (record.keys.size() + record.row_tags.size());
}

bool IsTime(GroupBy by) { return by == GroupBy::kHour || by == GroupBy::kDay; }

}  // namespace

// A filter, ready to be looked for: the ranges that it can be in, each with what is bound there.
struct QueryIndex::Plan {
  struct Range {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    TermValues values{};
  };
  std::vector<Range> ranges;  // ascending
  TermDriver driver = TermDriver::kAll;
  std::uint64_t opened = 0;  // which opening of the file its ids are of
};

namespace {

struct Limits {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

// The first record whose time is at least `time_us`, of those that are there.
Result<std::uint64_t> FirstAt(SqliteDatabase& database, std::int64_t time_us, const Limits& there) {
  std::uint64_t low = there.from;
  std::uint64_t high = there.to;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database.Prepare("SELECT time_us FROM records WHERE idx = ?1"));
    COFFER_TRY(query.Bind(1, Signed(middle)));
    COFFER_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return Error(ErrorCode::kIntegrity, "the audit log's index lacks a record");
    COFFER_ASSIGN_OR_RETURN(const Datum time, query.Column(0, ValueType::kInt64, false));
    if (std::get<std::int64_t>(time) < time_us) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<Limits> LimitsOf(SqliteDatabase& database, const RecordFilter& filter, const Limits& there) {
  Limits limits{.from = std::max(filter.from, there.from), .to = std::min(filter.to, there.to)};
  if (filter.from_us) {
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t first, FirstAt(database, *filter.from_us, there));
    limits.from = std::max(limits.from, first);
  }
  if (filter.to_us) {
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t end, FirstAt(database, *filter.to_us, there));
    limits.to = std::min(limits.to, end);
  }
  return limits;
}

}  // namespace

Result<QueryIndex::Plan> QueryIndex::MakeRanges(const RecordFilter& filter) {
  SqliteDatabase& database = *state_->database;
  Plan plan{.ranges = {}, .driver = DriverOf(filter), .opened = opened_};
  COFFER_ASSIGN_OR_RETURN(const std::optional<TermValues> fixed, FixedTerms(database, filter));
  if (!fixed) return plan;
  const std::uint64_t size = state_->frontier.size();
  // What the log has dropped is no longer found, even while some of it is still here.
  const Limits there{.from = std::min(log_.oldest(), size), .to = size};
  COFFER_ASSIGN_OR_RETURN(const Limits limits, LimitsOf(database, filter, there));
  std::vector<MonthSegment> segments = {{.from = 0, .to = size, .month = 0}};
  if (NeedsMonths(filter)) {
    COFFER_ASSIGN_OR_RETURN(segments, SegmentsOf(database, size));
  }
  for (const MonthSegment& segment : segments) {
    const std::uint64_t end = std::min(segment.to, limits.to);
    std::uint64_t from = std::max(segment.from, limits.from);
    if (from >= end) continue;
    TermValues values = *fixed;
    COFFER_ASSIGN_OR_RETURN(const bool possible,
                            AddMonthTerms(database, log_.month_keys(), filter, segment.month, values));
    for (; possible && from < end; from += kRange) {
      plan.ranges.push_back({.from = from, .to = std::min(from + kRange, end), .values = values});
    }
  }
  return plan;
}

Result<QueryIndex::Plan> QueryIndex::MakePlan(const RecordFilter& filter) {
  const Lock held(mutex_);
  if (state_ == nullptr) {
    return Error(ErrorCode::kUnavailable, "the audit log's index is not open yet: try again later");
  }
  // Nothing found would look like nothing that happened.
  if (stuck_) {
    return Error(ErrorCode::kUnavailable,
                 "the audit log cannot be read on from the records that its index has: `coffer audit verify` on the "
                 "service's host says why");
  }
  Result<Plan> plan = MakeRanges(filter);
  if (!plan.ok()) return Failed(plan.error());
  return plan;
}

// Calls `look(database)` unless the index was opened anew since the plan was made.
template <typename Look>
Status QueryIndex::LookAt(const Plan& plan, Look look) {
  const Lock held(mutex_);
  if (state_ == nullptr || opened_ != plan.opened) {
    return Error(ErrorCode::kUnavailable, "the audit log's index was opened anew meanwhile: try again");
  }
  const Status looked = look(*state_->database);
  return looked.ok() ? Status() : Status(Failed(looked.error()));
}

Result<RecordPage> QueryIndex::Search(const RecordQuery& query) {
  const std::int64_t started = clock_.MonotonicMicros();
  COFFER_ASSIGN_OR_RETURN(Plan plan, MakePlan(query.filter));
  if (!query.oldest_first) std::reverse(plan.ranges.begin(), plan.ranges.end());
  const std::string sql = SearchSql(plan.driver, query.oldest_first);
  const std::size_t limit = std::min(query.max_records, kMaxPage);
  RecordPage page;
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < plan.ranges.size(); ++at) {
    const Plan::Range& range = plan.ranges[at];
    bool full = false;
    const auto look = [&](SqliteDatabase& database) -> Status {
      COFFER_ASSIGN_OR_RETURN(SqliteStatement rows, database.Prepare(sql));
      COFFER_TRY(BindTerms(rows, range.from, range.to, range.values));
      NameReader names(database);
      while (true) {
        COFFER_ASSIGN_OR_RETURN(const bool row, rows.Step());
        if (!row) return {};
        full = page.records.size() == limit || bytes > kMaxPageBytes;
        if (full) return {};
        COFFER_ASSIGN_OR_RETURN(IndexedRecord found, RecordOf(rows, names));
        bytes += SizeOf(found);
        page.records.push_back(std::move(found));
      }
    };
    COFFER_TRY(LookAt(plan, look));
    if (full) {
      const std::uint64_t last = page.records.back().index;
      page.next = query.oldest_first ? last + 1 : last;
      return page;
    }
    if (at + 1 < plan.ranges.size() && clock_.MonotonicMicros() - started > query.max_us) {
      const Plan::Range& next = plan.ranges[at + 1];
      page.next = query.oldest_first ? next.from : next.to;
      return page;
    }
  }
  return page;
}

namespace {

using Counted = std::map<std::vector<GroupKey>, RecordGroup>;

// The keys that a column's value stands for: several for a list.
Result<std::vector<GroupKey>> KeysOf(const SqliteStatement& row, int column, GroupBy by, NameReader& names) {
  COFFER_ASSIGN_OR_RETURN(const Datum value, row.Column(column, ValueType::kInt64, true));
  if (IsTime(by)) {
    const auto* number = std::get_if<std::int64_t>(&value);
    return std::vector<GroupKey>{{.text = {}, .start_us = number == nullptr ? 0 : *number * MicrosOf(by)}};
  }
  COFFER_ASSIGN_OR_RETURN(const std::string text, by == GroupBy::kPrincipal ? names.Person(value) : names.Name(value));
  const bool list = by == GroupBy::kObject || by == GroupBy::kTenant;
  if (!list || text.empty()) return std::vector<GroupKey>{{.text = text, .start_us = 0}};
  std::vector<GroupKey> keys;
  for (const std::string_view part : PartsOf(text)) keys.push_back({.text = std::string(part), .start_us = 0});
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());  // A record counts once for each.
  return keys;
}

Result<RecordGroup> CountsOf(const SqliteStatement& row) {
  RecordGroup group;
  int column = 2;
  for (std::uint64_t* count : {&group.records, &group.values, &group.failed_values, &group.refused, &group.failed}) {
    COFFER_ASSIGN_OR_RETURN(const Datum value, row.Column(column++, ValueType::kInt64, false));
    *count = Unsigned(std::get<std::int64_t>(value));
  }
  return group;
}

Status AddGroup(const SqliteStatement& row, const std::vector<GroupBy>& by, NameReader& names, Counted& counted) {
  COFFER_ASSIGN_OR_RETURN(const RecordGroup group, CountsOf(row));
  COFFER_ASSIGN_OR_RETURN(const std::vector<GroupKey> firsts, KeysOf(row, 0, by.front(), names));
  std::vector<GroupKey> seconds(1);
  if (by.size() > 1) {
    COFFER_ASSIGN_OR_RETURN(seconds, KeysOf(row, 1, by.back(), names));
  }
  for (const GroupKey& first : firsts) {
    for (const GroupKey& second : seconds) {
      std::vector<GroupKey> keys = {first};
      if (by.size() > 1) keys.push_back(second);
      RecordGroup& sum = counted[std::move(keys)];
      sum.records += group.records;
      sum.values += group.values;
      sum.failed_values += group.failed_values;
      sum.refused += group.refused;
      sum.failed += group.failed;
    }
  }
  if (counted.size() <= kMaxCounted) return {};
  return Error(ErrorCode::kResourceExhausted, "there are more groups than can be counted in one call: ask for less")
      .WithLimit(kMaxCounted);
}

RecordGroups Largest(Counted counted, bool by_time) {
  RecordGroups result;
  for (auto& [keys, group] : counted) {
    group.keys = keys;
    result.groups.push_back(std::move(group));
  }
  if (!by_time) {
    std::stable_sort(result.groups.begin(), result.groups.end(),
                     [](const RecordGroup& a, const RecordGroup& b) { return a.records > b.records; });
  }
  result.more = result.groups.size() > QueryIndex::kMaxGroups;
  if (result.more) result.groups.resize(QueryIndex::kMaxGroups);
  return result;
}

}  // namespace

Result<RecordGroups> QueryIndex::Count(const RecordFilter& filter, const std::vector<GroupBy>& by,
                                       std::int64_t max_us) {
  COFFER_CHECK(by.size() == 1 || (by.size() == 2 && by[0] != by[1]));
  const std::int64_t started = clock_.MonotonicMicros();
  COFFER_ASSIGN_OR_RETURN(const Plan plan, MakePlan(filter));
  const std::string sql = CountSql(plan.driver, by);
  Counted counted;
  for (const Plan::Range& range : plan.ranges) {
    if (clock_.MonotonicMicros() - started > max_us) {
      return Error(ErrorCode::kResourceExhausted,
                   "there are more records than can be counted in one call: ask for a shorter time");
    }
    const auto look = [&](SqliteDatabase& database) -> Status {
      COFFER_ASSIGN_OR_RETURN(SqliteStatement rows, database.Prepare(sql));
      COFFER_TRY(BindTerms(rows, range.from, range.to, range.values));
      NameReader names(database);
      while (true) {
        COFFER_ASSIGN_OR_RETURN(const bool row, rows.Step());
        if (!row) return {};
        COFFER_TRY(AddGroup(rows, by, names, counted));
      }
    };
    COFFER_TRY(LookAt(plan, look));
  }
  return Largest(std::move(counted), IsTime(by.front()));
}

}  // namespace coffer::audit
