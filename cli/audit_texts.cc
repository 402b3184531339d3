#include "cli/audit_texts.h"

#include <algorithm>
#include <array>
#include <time.h>

#include "cli/audit_filter.h"
#include "cli/times.h"

namespace coffer::cli {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::array<std::size_t, 6> kLineWidths = {9, 19, 24, 16, 28, 8};  // of a line's cells but the last

Json List(const google::protobuf::RepeatedPtrField<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) list.push_back(name);
  return list;
}

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + Shown(name);
  return text;
}

std::string OutcomeText(const v1::AuditRecord& record, bool colors) {
  if (record.type() == v1::AUDIT_RECORD_TYPE_DENIED) {
    return Colored("refused " + std::to_string(record.items()) + " times", Color::kRed, colors);
  }
  if (!record.allowed()) return Colored("refused", Color::kRed, colors);
  if (record.outcome().empty()) return "begun";
  const bool fine = record.outcome() == "ok" && record.failed() == 0;
  return Colored(Shown(record.outcome()), fine ? Color::kNone : Color::kYellow, colors);
}

std::string ValuesText(const v1::AuditRecord& record) {
  if (record.type() == v1::AUDIT_RECORD_TYPE_DENIED || record.items() == 0) return "";
  std::string text = std::to_string(record.items());
  if (record.failed() > 0) text += ", " + std::to_string(record.failed()) + " failed";
  if (record.unmatched() > 0) text += ", " + std::to_string(record.unmatched()) + " unmatched";
  return text;
}

}  // namespace

std::string LocalTime(std::int64_t unix_micros) {
  const time_t seconds = static_cast<time_t>(unix_micros / kMicros);
  tm local{};
  std::array<char, 32> text{};
  if (localtime_r(&seconds, &local) == nullptr) return FormatTime(unix_micros);
  const std::size_t size = strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return std::string(text.data(), size);
}

std::string Shown(std::string_view text) {
  std::string shown(text);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return shown;
}

Json AuditRecordJson(const v1::AuditRecord& record) {
  Json reasons = Json::object();
  for (const v1::ItemReasonCount& reason : record.reasons()) reasons[reason.reason()] = reason.values();
  Json keys = Json::array();
  for (const std::uint64_t key : record.key_ids()) keys.push_back(std::to_string(key));
  Json tags = Json::array();
  for (const std::string& tag : record.row_tags()) tags.push_back(ToHex(AsBytes(tag)));
  return {{"index", record.index()},
          {"time", FormatTime(record.time_us(), true)},
          {"type", AuditTypeName(record.type())},
          {"principal", record.principal()},
          {"role", record.role()},
          {"authentication", record.authentication()},
          {"peer", record.peer()},
          {"on_behalf_of", record.on_behalf_of()},
          {"operation", record.operation()},
          {"objects", List(record.objects())},
          {"tenants", List(record.tenants())},
          {"purpose", record.purpose()},
          {"request_id", record.request_id()},
          {"allowed", record.allowed()},
          {"rule", record.rule()},
          {"policy_serial", record.policy_serial()},
          {"reason", record.reason()},
          {"outcome", record.outcome()},
          {"failure", record.failure()},
          {"values", record.items()},
          {"failed_values", record.failed()},
          {"unmatched_values", record.unmatched()},
          {"reasons", std::move(reasons)},
          {"key_ids", std::move(keys)},
          {"more_key_ids", record.more_key_ids()},
          {"row_tags", std::move(tags)},
          {"store", record.store()},
          {"store_epoch", record.store_epoch()},
          {"latency_us", record.latency_us()},
          {"begin_index", record.has_begin_index() ? Json(record.begin_index()) : Json(nullptr)}};
}

std::vector<std::string> AuditRecordHeader() { return {"INDEX", "TIME", "WHO", "WHAT", "OBJECT", "VALUES", "OUTCOME"}; }

std::vector<std::string> AuditRecordCells(const v1::AuditRecord& record, bool colors) {
  const bool own = record.operation().empty();
  const std::string who = record.principal().empty() ? Shown(record.role()) : Shown(record.principal());
  return {std::to_string(record.index()), LocalTime(record.time_us()),
          who.empty() ? "service" : who,  own ? AuditTypeName(record.type()) : Shown(record.operation()),
          Joined(record.objects()),       ValuesText(record),
          OutcomeText(record, colors)};
}

std::string AuditRecordLine(const v1::AuditRecord& record, bool colors) {
  std::vector<std::string> cells = AuditRecordCells(record, colors);
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 == cells.size()) break;
    line.append(kLineWidths[i] > cells[i].size() ? kLineWidths[i] - cells[i].size() + 2 : 2, ' ');
  }
  return line + "\n";
}

}  // namespace coffer::cli
