#include "audit/query_index_terms.h"

#include <algorithm>

namespace coffer::audit {
namespace {

// Places in TermValues; the parameter's number is three more.
enum Term : std::uint8_t {
  kType,
  kRole,
  kOperation,
  kOutcome,
  kPrincipal,
  kRequest,
  kObject,
  kTenant,
  kKey,
  kRowTag,
  kStanding,
};

// One expression to the planner: of many it would guess that so few rows are left that they can as well be sorted.
constexpr std::string_view kTermsSql =
    " AND iif((?3 IS NULL OR r.type = ?3) AND (?4 IS NULL OR r.role = ?4) AND (?5 IS NULL OR r.operation = ?5)"
    " AND (?6 IS NULL OR r.outcome = ?6) AND (?7 IS NULL OR r.principal = ?7)"
    " AND (?8 IS NULL OR r.request_id = ?8)"
    " AND (?9 IS NULL OR EXISTS (SELECT 1 FROM record_objects WHERE name = ?9 AND idx = r.idx))"
    " AND (?10 IS NULL OR EXISTS (SELECT 1 FROM record_tenants WHERE name = ?10 AND idx = r.idx))"
    " AND (?11 IS NULL OR EXISTS (SELECT 1 FROM record_keys WHERE name = ?11 AND idx = r.idx))"
    " AND (?12 IS NULL OR EXISTS (SELECT 1 FROM record_rows WHERE name = ?12 AND idx = r.idx))"
    " AND (?13 IS NULL OR (r.standing & ?13) <> 0), 1, 0)";

struct Way {
  std::string_view from;
  std::string_view where;  // makes the way usable
  std::string_view at;     // the column that says the record's index
};

Way WayOf(TermDriver driver) {
  switch (driver) {
    case TermDriver::kRequest:
      return {"records r INDEXED BY by_request", "r.request_id = ?8 AND ", "r.idx"};
    case TermDriver::kRow:
      return {"record_rows d CROSS JOIN records r ON r.idx = d.idx", "d.name = ?12 AND ", "d.idx"};
    case TermDriver::kKey:
      return {"record_keys d CROSS JOIN records r ON r.idx = d.idx", "d.name = ?11 AND ", "d.idx"};
    case TermDriver::kPrincipal:
      return {"records r INDEXED BY by_principal", "r.principal = ?7 AND ", "r.idx"};
    case TermDriver::kObject:
      return {"record_objects d CROSS JOIN records r ON r.idx = d.idx", "d.name = ?9 AND ", "d.idx"};
    case TermDriver::kTrouble:
      return {"records r INDEXED BY by_trouble", "r.standing > 0 AND ", "r.idx"};
    case TermDriver::kEvent:
      return {"records r INDEXED BY by_event", "r.type > 3 AND ", "r.idx"};
    case TermDriver::kTenant:
      return {"record_tenants d CROSS JOIN records r ON r.idx = d.idx", "d.name = ?10 AND ", "d.idx"};
    case TermDriver::kOperation:
      return {"records r INDEXED BY by_operation", "r.operation = ?5 AND ", "r.idx"};
    case TermDriver::kAll:
      break;
  }
  return {"records r NOT INDEXED", "", "r.idx"};
}

std::string Body(const Way& way) {
  std::string sql = " FROM ";
  sql.append(way.from).append(" WHERE ").append(way.where);
  sql.append(way.at).append(" >= ?1 AND ").append(way.at).append(" < ?2").append(kTermsSql);
  return sql;
}

std::string_view ColumnOf(GroupBy by) {
  switch (by) {
    case GroupBy::kPrincipal:
      return "r.principal";
    case GroupBy::kRole:
      return "r.role";
    case GroupBy::kOperation:
      return "r.operation";
    case GroupBy::kObject:
      return "r.object";
    case GroupBy::kTenant:
      return "r.tenant";
    case GroupBy::kOutcome:
      return "r.outcome";
    case GroupBy::kHour:
      return "r.time_us / 3600000000";
    case GroupBy::kDay:
      return "r.time_us / 86400000000";
  }
  return "NULL";
}

// False: a name is asked for that no record has.
Result<bool> AddName(SqliteDatabase& database, const std::string& name, Datum& value) {
  if (name.empty()) return true;
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database.Prepare("SELECT id FROM names WHERE text = ?1"));
  COFFER_TRY(query.Bind(1, name));
  COFFER_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return false;
  COFFER_ASSIGN_OR_RETURN(value, query.Column(0, ValueType::kInt64, false));
  return true;
}

bool AsksForTrouble(const RecordFilter& filter) {
  return filter.refused || filter.failed || (!filter.outcome.empty() && filter.outcome != "ok");
}

}  // namespace

TermDriver DriverOf(const RecordFilter& filter) {
  if (!filter.request_id.empty()) return TermDriver::kRequest;
  if (!filter.row.empty()) return TermDriver::kRow;
  if (filter.key) return TermDriver::kKey;
  if (!filter.principal.empty()) return TermDriver::kPrincipal;
  if (!filter.object.empty()) return TermDriver::kObject;
  if (AsksForTrouble(filter)) return TermDriver::kTrouble;
  if (filter.type && *filter.type > RecordType::kResult) return TermDriver::kEvent;
  if (!filter.operation.empty()) return TermDriver::kOperation;
  if (!filter.tenant.empty()) return TermDriver::kTenant;
  return TermDriver::kAll;
}

Result<std::optional<TermValues>> FixedTerms(SqliteDatabase& database, const RecordFilter& filter) {
  TermValues values;
  for (const auto& [name, term] :
       {std::pair(&filter.role, kRole), std::pair(&filter.operation, kOperation), std::pair(&filter.outcome, kOutcome),
        std::pair(&filter.object, kObject), std::pair(&filter.tenant, kTenant)}) {
    COFFER_ASSIGN_OR_RETURN(const bool known, AddName(database, *name, values[term]));
    if (!known) return std::optional<TermValues>();
  }
  if (filter.type) values[kType] = std::int64_t{static_cast<std::uint8_t>(*filter.type)};
  if (!filter.request_id.empty()) values[kRequest] = filter.request_id;
  if (filter.key) values[kKey] = Signed(*filter.key);
  const std::int64_t standing = (filter.refused ? kRefusedStanding : 0) | (filter.failed ? kFailedStanding : 0);
  if (standing != 0) values[kStanding] = standing;
  return std::optional(std::move(values));
}

bool NeedsMonths(const RecordFilter& filter) { return !filter.principal.empty() || !filter.row.empty(); }

Result<bool> AddMonthTerms(SqliteDatabase& database, MonthKeys& keys, const RecordFilter& filter, Month month,
                           TermValues& values) {
  if (!filter.principal.empty()) {
    COFFER_ASSIGN_OR_RETURN(SqliteStatement query,
                            database.Prepare("SELECT id FROM people WHERE month = ?1 AND text = ?2"));
    COFFER_TRY(query.Bind(1, std::int64_t{month}));
    COFFER_TRY(query.Bind(2, filter.principal));
    COFFER_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return false;
    COFFER_ASSIGN_OR_RETURN(values[kPrincipal], query.Column(0, ValueType::kInt64, false));
  }
  if (!filter.row.empty()) {
    const Result<std::shared_ptr<const AuditKey>> key = keys.Find(month);
    if (!key.ok() || *key == nullptr) return false;
    COFFER_ASSIGN_OR_RETURN(const Digest mac, (*key)->RowMac(filter.row));
    RowTag tag;
    std::copy_n(mac.begin(), tag.size(), tag.begin());
    values[kRowTag] = TagNumber(tag);
  }
  return true;
}

std::string SearchSql(TermDriver driver, bool oldest_first) {
  const Way way = WayOf(driver);
  std::string sql = "SELECT ";
  sql.append(kRecordColumns).append(Body(way)).append(" ORDER BY ").append(way.at);
  return sql.append(oldest_first ? " ASC" : " DESC");
}

std::string CountSql(TermDriver driver, const std::vector<GroupBy>& by) {
  std::string sql = "SELECT ";
  sql.append(ColumnOf(by.front())).append(", ").append(by.size() > 1 ? ColumnOf(by.back()) : "NULL");
  // 2^40 is more than any call has; so a sum over a range cannot overflow. Several refusals may share one record.
  sql.append(
      ", COUNT(*), SUM(min(r.items, 1099511627776)), SUM(min(r.failed, 1099511627776)),"
      " SUM(CASE WHEN r.standing <> 2 THEN 0 WHEN r.type = 4 THEN min(r.items, 1099511627776) ELSE 1 END),"
      " SUM(r.standing = 1)");
  return sql.append(Body(WayOf(driver))).append(" GROUP BY 1, 2");
}

Status BindTerms(SqliteStatement& statement, std::uint64_t from, std::uint64_t to, const TermValues& values) {
  COFFER_TRY(statement.Bind(1, Signed(from)));
  COFFER_TRY(statement.Bind(2, Signed(to)));
  int index = 2;
  for (const Datum& value : values) COFFER_TRY(statement.Bind(++index, value));
  return {};
}

std::int64_t MicrosOf(GroupBy by) { return by == GroupBy::kHour ? 3'600'000'000 : 86'400'000'000; }

}  // namespace coffer::audit
