#include "cli/audit_filter.h"

#include <algorithm>
#include <limits>

#include "cli/checks.h"
#include "cli/field_values.h"
#include "cli/times.h"

namespace coffer::cli {
namespace {

constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr std::string_view kTypePrefix = "AUDIT_RECORD_TYPE_";

std::vector<std::string> TypeNames() {
  std::vector<std::string> names;
  for (int type = v1::AuditRecordType_MIN + 1; type <= v1::AuditRecordType_MAX; ++type) {
    names.push_back(AuditTypeName(static_cast<v1::AuditRecordType>(type)));
  }
  return names;
}

v1::AuditRecordType TypeOfName(const std::string& name) {
  for (int type = v1::AuditRecordType_MIN + 1; type <= v1::AuditRecordType_MAX; ++type) {
    if (AuditTypeName(static_cast<v1::AuditRecordType>(type)) == name) return static_cast<v1::AuditRecordType>(type);
  }
  return v1::AUDIT_RECORD_TYPE_UNSPECIFIED;
}

// A time, or a duration back from now.
Outcome<std::int64_t> PastOf(std::string_view option, const std::string& text, std::int64_t now_us) {
  for (const auto parse : {ParseTime, ParseLocalTime}) {
    const Result<std::int64_t> time = parse(text);
    if (time.ok()) return *time;
  }
  const Result<std::int64_t> duration = ParseDuration(text);
  if (duration.ok()) return std::max<std::int64_t>(now_us - *duration, 0);
  return Failure(kExitUsage, std::string(option) + ": is no time",
                 "write 2027-01-31T00:00:00Z, \"2027-01-31 00:00\" for local time, or how long ago: 90s, 5m, 2h, 30d");
}

Outcome<void> AddPart(const std::string& text, v1::RowId& row) {
  const std::pair<std::string_view, ValueType> kTypes[] = {{"int64:", ValueType::kInt64},
                                                           {"uuid:", ValueType::kUuid},
                                                           {"text:", ValueType::kText},
                                                           {"bytes:", ValueType::kBytes}};
  for (const auto& [prefix, type] : kTypes) {
    if (!text.starts_with(prefix)) continue;
    auto value = ToMessage({.kind = CellValue::Kind::kText, .text = text.substr(prefix.size())}, type);
    if (!value.ok()) return Failure(std::move(value).error().At("--row"));
    *row.add_parts() = std::move(value).value();
    return {};
  }
  return UsageFailure("--row takes int64:, uuid:, text: or bytes: and the value");
}

}  // namespace

std::string AuditTypeName(v1::AuditRecordType type) {
  std::string name = v1::AuditRecordType_Name(type);
  if (!name.starts_with(kTypePrefix)) return "unknown";
  name.erase(0, kTypePrefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return name;
}

void AddAuditFilter(CLI::App& command, AuditFilterOptions& options, bool with_ends) {
  command.add_option("--since", options.since, "Not before this: a time, or a duration like 2h back from now")
      ->type_name("TIME");
  command.add_option("--from", options.from, "Not before the record of this index")
      ->type_name("INDEX")
      ->check(NumberBetween(0, kMost));
  if (with_ends) {
    command.add_option("--until", options.until, "Before this")->type_name("TIME");
    command.add_option("--to", options.to, "Before the record of this index")
        ->type_name("INDEX")
        ->check(NumberBetween(0, kMost));
  }
  command.add_option("--principal", options.principal, "Of this caller, like unix:app:1000")->type_name("PRINCIPAL");
  command.add_option("--caller-role", options.caller_role, "Of callers in this role")
      ->type_name("ROLE")
      ->check(OneOf({"app", "dba", "auditor", "backup-agent", "restorer", "admin"}));
  command.add_option("--operation", options.operation, "Of this operation, like DecryptFields")->type_name("NAME");
  command.add_option("--object", options.object, "About this field, keyring, tenant, secret or scope")
      ->type_name("NAME");
  command.add_option("--tenant", options.tenant, "About this tenant's values")->type_name("TENANT");
  command.add_option("--row", options.row, "About this row: int64:7, uuid:..., text:... or bytes:\\x...; again a part")
      ->type_name("TYPE:VALUE")
      ->allow_extra_args(false);
  command.add_option("--key-id", options.key_id, "That used this data key")
      ->type_name("ID")
      ->check(NumberBetween(1, kMost));
  command.add_option("--request-id", options.request_id, "That the caller gave this id")->type_name("ID");
  command.add_option("--outcome", options.outcome, "With this outcome: ok, or an error like decrypt_failed")
      ->type_name("OUTCOME");
  command.add_option("--type", options.type, "Of this type")->type_name("TYPE")->check(OneOf(TypeNames()));
  command.add_flag("--refused", options.refused, "Only what the policy refused");
  command.add_flag("--failed", options.failed, "Only what was allowed and failed, whole or in part");
}

Outcome<v1::RecordFilter> AuditFilterOf(const AuditFilterOptions& options, std::int64_t now_us) {
  v1::RecordFilter filter;
  if (!options.since.empty()) {
    COFFER_ASSIGN_OR_RETURN(const std::int64_t since, PastOf("--since", options.since, now_us));
    filter.set_from_us(since);
  }
  if (!options.until.empty()) {
    COFFER_ASSIGN_OR_RETURN(const std::int64_t until, PastOf("--until", options.until, now_us));
    filter.set_to_us(until);
  }
  if (options.from) filter.set_from_index(*options.from);
  if (options.to) filter.set_to_index(*options.to);
  filter.set_type(TypeOfName(options.type));
  filter.set_role(options.caller_role);
  filter.set_principal(options.principal);
  filter.set_operation(options.operation);
  filter.set_object(options.object);
  filter.set_tenant(options.tenant);
  filter.set_outcome(options.outcome);
  filter.set_request_id(options.request_id);
  filter.set_key_id(options.key_id);
  for (const std::string& part : options.row) COFFER_TRY(AddPart(part, *filter.mutable_row()));
  filter.set_refused(options.refused);
  filter.set_failed(options.failed);
  return filter;
}

}  // namespace coffer::cli
