// coffer audit query, tail, stats: what the audit log says.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <unistd.h>

#include "cli/audit_filter.h"
#include "cli/audit_texts.h"
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/times.h"
#include "io/clock.h"
#include "io/mutex.h"

namespace coffer::cli {
namespace {

constexpr std::uint32_t kPage = 1'000;
constexpr std::uint64_t kMostRecords = 1'000'000;
constexpr int kTailAttempts = 8;  // to go on, without a record in between

struct QueryOptions {
  AuditFilterOptions filter;
  std::uint64_t limit = 100;
  bool oldest_first = false;
};

struct TailOptions {
  AuditFilterOptions filter;
  std::uint64_t limit = 0;
};

struct StatsOptions {
  AuditFilterOptions filter;
  std::vector<std::string> by = {"operation"};
};

// Asks for page after page, until there are as many as wanted. True: there are more.
template <typename Take>
Outcome<bool> ForEachRecord(client::Client& client, v1::QueryRecordsRequest request, std::uint64_t limit, Take take) {
  while (true) {
    request.set_page_size(static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, kPage)));
    COFFER_ASSIGN_OR_RETURN(const auto page, client.QueryRecords(request));
    for (const v1::AuditRecord& record : page.records()) take(record);
    limit -= std::min<std::uint64_t>(limit, static_cast<std::uint64_t>(page.records_size()));
    request.set_page_token(page.next_page_token());
    if (request.page_token().empty()) return false;
    if (limit == 0) return true;
  }
}

Outcome<int> Query(Session& session, const QueryOptions& options) {
  v1::QueryRecordsRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_filter(), AuditFilterOf(options.filter, SystemClock().UnixMicros()));
  request.set_oldest_first(options.oldest_first);
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAuditorRole));
  Json list = Json::array();
  Table table(AuditRecordHeader());
  const bool colors = session.Colors(STDOUT_FILENO);
  std::size_t found = 0;
  const auto take = [&](const v1::AuditRecord& record) {
    ++found;
    if (session.json()) {
      list.push_back(AuditRecordJson(record));
    } else {
      table.Add(AuditRecordCells(record, colors));
    }
  };
  COFFER_ASSIGN_OR_RETURN(const bool more, ForEachRecord(*client, std::move(request), options.limit, take));
  if (session.json()) {
    COFFER_TRY(PrintJson({{"records", std::move(list)}, {"more", more}}));
    return kExitOk;
  }
  COFFER_TRY(Print(table.ToText()));
  if (found == 0) std::cerr << "no record fits\n";
  if (more) COFFER_TRY(Print("there are more: --limit shows them\n"));
  return kExitOk;
}

Outcome<void> PrintTailed(const Session& session, const v1::AuditRecord& record, bool colors) {
  if (!session.json()) return Print(AuditRecordLine(record, colors));
  return Print(AuditRecordJson(record).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

// Nothing ends it early but the process's end.
void Pause(std::chrono::milliseconds time) {
  Mutex mutex;
  Condition never;
  const Lock held(mutex);
  never.wait_for(mutex, time);
}

// Connections end from time to time: goes on where it was.
Outcome<int> Tail(Session& session, const TailOptions& options) {
  v1::TailRecordsRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_filter(), AuditFilterOf(options.filter, SystemClock().UnixMicros()));
  request.set_max_records(options.limit);
  COFFER_ASSIGN_OR_RETURN(client::Client * client, session.Connect(kAuditorRole));
  const bool colors = session.Colors(STDOUT_FILENO);
  client::Backoff backoff;
  int attempts = 0;
  while (true) {
    Outcome<void> printed;
    const auto take = [&](const v1::TailRecordsResponse& message) {
      attempts = 0;
      backoff = client::Backoff();
      for (const v1::AuditRecord& record : message.records()) {
        if (printed.ok()) printed = PrintTailed(session, record, colors);
      }
      request.mutable_filter()->set_from_index(message.next_index());
      if (options.limit != 0) {
        const auto taken = static_cast<std::uint64_t>(message.records_size());
        request.set_max_records(request.max_records() - std::min(request.max_records(), taken));
      }
      return printed.ok();
    };
    // A copy: `take` writes where to go on.
    const auto tailed = client->TailRecords(v1::TailRecordsRequest(request), take);
    COFFER_TRY(std::move(printed));
    if (tailed.ok() || (options.limit != 0 && request.max_records() == 0)) return kExitOk;
    const bool cut = tailed.error().code == ErrorCode::kUnavailable;
    if (!cut || ++attempts == kTailAttempts) return Failure(tailed.error());
    Pause(backoff.Next());
  }
}

v1::RecordDimension DimensionOf(const std::string& name) {
  for (int dimension = v1::RecordDimension_MIN + 1; dimension <= v1::RecordDimension_MAX; ++dimension) {
    std::string known = v1::RecordDimension_Name(static_cast<v1::RecordDimension>(dimension));
    known.erase(0, std::string_view("RECORD_DIMENSION_").size());
    const bool same = std::equal(known.begin(), known.end(), name.begin(), name.end(),
                                 [](char upper, char lower) { return static_cast<char>(upper - 'A' + 'a') == lower; });
    if (same) return static_cast<v1::RecordDimension>(dimension);
  }
  return v1::RECORD_DIMENSION_UNSPECIFIED;
}

std::string KeyText(const v1::GroupKey& key, bool local) {
  if (key.has_start_us()) return local ? LocalTime(key.start_us()) : FormatTime(key.start_us());
  return key.text();
}

Json GroupJson(const v1::RecordGroup& group, const std::vector<std::string>& by) {
  Json json;
  for (std::size_t i = 0; i < by.size(); ++i) json[by[i]] = KeyText(group.keys(static_cast<int>(i)), false);
  json["records"] = group.records();
  json["values"] = group.values();
  json["failed_values"] = group.failed_values();
  json["refused"] = group.refused();
  json["failed"] = group.failed();
  return json;
}

std::vector<std::string> GroupCells(const v1::RecordGroup& group) {
  std::vector<std::string> cells;
  for (const v1::GroupKey& key : group.keys()) {
    const std::string text = Shown(KeyText(key, true));
    cells.push_back(text.empty() ? "-" : text);
  }
  for (const std::uint64_t count :
       {group.records(), group.values(), group.failed_values(), group.refused(), group.failed()}) {
    cells.push_back(std::to_string(count));
  }
  return cells;
}

Outcome<int> Stats(Session& session, const StatsOptions& options) {
  v1::AggregateRecordsRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_filter(), AuditFilterOf(options.filter, SystemClock().UnixMicros()));
  std::vector<std::string> header;
  for (const std::string& name : options.by) {
    request.add_by(DimensionOf(name));
    std::string& upper = header.emplace_back(name);
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
  }
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAuditorRole));
  COFFER_ASSIGN_OR_RETURN(const auto counted, client->AggregateRecords(request));
  if (session.json()) {
    Json list = Json::array();
    for (const v1::RecordGroup& group : counted.groups()) list.push_back(GroupJson(group, options.by));
    COFFER_TRY(PrintJson({{"groups", std::move(list)}, {"more", counted.more()}}));
    return kExitOk;
  }
  for (const char* name : {"RECORDS", "VALUES", "FAILED VALUES", "REFUSED", "FAILED"}) header.emplace_back(name);
  Table table(std::move(header));
  for (const v1::RecordGroup& group : counted.groups()) table.Add(GroupCells(group));
  COFFER_TRY(Print(table.ToText()));
  if (counted.more()) COFFER_TRY(Print("there are more groups: ask for a shorter time\n"));
  return kExitOk;
}

}  // namespace

void AddAuditReadCommands(CommandTree& tree, CLI::App& audit) {
  auto querying = std::make_shared<QueryOptions>();
  CLI::App& query = tree.AddCommand(audit, "query", "Records that fit, the newest first",
                                    "  coffer audit query --since 1d --refused\n"
                                    "  coffer audit query --object shop.user.email --row int64:7 --operation "
                                    "DecryptFields",
                                    [querying](Session& session) { return Query(session, *querying); });
  AddAuditFilter(query, querying->filter, true);
  query.add_option("--limit", querying->limit, "At most so many; 100 unless told")
      ->type_name("COUNT")
      ->check(NumberBetween(1, kMostRecords));
  query.add_flag("--oldest-first", querying->oldest_first, "The oldest first");

  auto tailing = std::make_shared<TailOptions>();
  CLI::App& tail = tree.AddCommand(audit, "tail", "Records as they come, from now on unless --from says otherwise",
                                   "  coffer audit tail --refused\n"
                                   "  coffer audit tail --from 0 --output json",
                                   [tailing](Session& session) { return Tail(session, *tailing); });
  AddAuditFilter(tail, tailing->filter, false);
  tail.add_option("--limit", tailing->limit, "Ends after so many")
      ->type_name("COUNT")
      ->check(NumberBetween(1, kMostRecords));

  auto counting = std::make_shared<StatsOptions>();
  CLI::App& stats = tree.AddCommand(audit, "stats", "How many records fit, in groups",
                                    "  coffer audit stats --by principal,operation --since 7d\n"
                                    "  coffer audit stats --by hour --failed",
                                    [counting](Session& session) { return Stats(session, *counting); });
  AddAuditFilter(stats, counting->filter, true);
  stats.add_option("--by", counting->by, "By one or two of these; by operation unless told")
      ->type_name("DIMENSION")
      ->delimiter(',')
      ->expected(1, 2)
      ->check(OneOf({"principal", "role", "operation", "object", "tenant", "outcome", "hour", "day"}));
}

}  // namespace coffer::cli
