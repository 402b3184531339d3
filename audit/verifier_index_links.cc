#include "audit/verifier_index_links.h"

#include <algorithm>

namespace coffer::audit {
namespace {

constexpr std::array<std::string_view, 4> kTables = {"record_objects", "record_tenants", "record_keys", "record_rows"};

Result<std::uint64_t> CountOf(SqliteDatabase& database, std::string_view table, std::uint64_t from) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query,
                          database.Prepare("SELECT count(*) FROM " + std::string(table) + " WHERE idx >= ?1"));
  COFFER_TRY(query.Bind(1, Signed(from)));
  COFFER_ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) return Error(ErrorCode::kInternal, "the audit log's index counts nothing");
  COFFER_ASSIGN_OR_RETURN(const Datum count, query.Column(0, ValueType::kInt64, false));
  return Unsigned(std::get<std::int64_t>(count));
}

}  // namespace

Result<std::optional<std::int64_t>> IndexLinks::NameId(std::string_view name) {
  std::string text(name);
  const auto known = names_.find(text);
  if (known != names_.end()) return std::optional(known->second);
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database_.Prepare("SELECT id FROM names WHERE text = ?1"));
  COFFER_TRY(query.Bind(1, text));
  COFFER_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<std::int64_t>();
  COFFER_ASSIGN_OR_RETURN(const Datum id, query.Column(0, ValueType::kInt64, false));
  if (names_.size() >= kMaxNames) names_.clear();
  names_.emplace(std::move(text), std::get<std::int64_t>(id));
  return std::optional(std::get<std::int64_t>(id));
}

Result<bool> IndexLinks::Has(Table table, std::int64_t what, std::uint64_t index) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database_.Prepare("SELECT 1 FROM " + std::string(kTables[table]) +
                                                                   " WHERE name = ?1 AND idx = ?2"));
  COFFER_TRY(query.Bind(1, what));
  COFFER_TRY(query.Bind(2, Signed(index)));
  return query.Step();
}

Result<bool> IndexLinks::HasEach(Table table, std::vector<std::int64_t> whats, std::uint64_t index) {
  std::sort(whats.begin(), whats.end());
  whats.erase(std::unique(whats.begin(), whats.end()), whats.end());
  expected_[table] += whats.size();
  for (const std::int64_t what : whats) {
    COFFER_ASSIGN_OR_RETURN(const bool there, Has(table, what, index));
    if (!there) return false;
  }
  return true;
}

Result<bool> IndexLinks::HasNames(Table table, std::string_view list, std::uint64_t index) {
  std::vector<std::int64_t> ids;
  for (const std::string_view part : PartsOf(list)) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<std::int64_t> id, NameId(part));
    if (!id) return false;
    ids.push_back(*id);
  }
  return HasEach(table, std::move(ids), index);
}

Result<bool> IndexLinks::Take(std::uint64_t index, const Record& record, Month month) {
  if (segments_.empty() || segments_.back().month != month) segments_.push_back({.from = index, .month = month});
  std::vector<std::int64_t> keys;
  for (const std::uint64_t key : record.keys) keys.push_back(Signed(key));
  std::vector<std::int64_t> tags;
  for (const RowTag& tag : record.row_tags) tags.push_back(TagNumber(tag));
  COFFER_ASSIGN_OR_RETURN(bool there, HasNames(kObjects, record.object, index));
  if (!there) return false;
  COFFER_ASSIGN_OR_RETURN(there, HasNames(kTenants, record.tenant, index));
  if (!there) return false;
  COFFER_ASSIGN_OR_RETURN(there, HasEach(kKeys, std::move(keys), index));
  if (!there) return false;
  return HasEach(kRows, std::move(tags), index);
}

Result<bool> IndexLinks::Finish() {
  for (std::size_t table = 0; table < kTables.size(); ++table) {
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t count, CountOf(database_, kTables[table], from_));
    if (count != expected_[table]) return false;
  }
  COFFER_ASSIGN_OR_RETURN(std::vector<MonthSegment> segments, SegmentsOf(database_, 0));
  // The month that the first record is of may have begun with one that was dropped.
  while (segments.size() > 1 && segments[1].from <= from_) segments.erase(segments.begin());
  if (!segments.empty()) segments.front().from = std::max(segments.front().from, from_);
  return std::equal(
      segments.begin(), segments.end(), segments_.begin(), segments_.end(),
      [](const MonthSegment& a, const MonthSegment& b) { return a.from == b.from && a.month == b.month; });
}

}  // namespace coffer::audit
