#include "cli/key_texts.h"

#include <numeric>

#include "cli/times.h"

namespace coffer::cli {
namespace {

constexpr std::array<std::pair<std::string_view, v1::KeyringPurpose>, 3> kPurposes = {
    {{"encrypt", v1::KEYRING_PURPOSE_ENCRYPT},
     {"deterministic", v1::KEYRING_PURPOSE_DETERMINISTIC},
     {"index", v1::KEYRING_PURPOSE_INDEX}}};

// Null for a time that is not set.
Json TimeJson(std::int64_t unix_micros) { return unix_micros == 0 ? Json() : Json(FormatTime(unix_micros, true)); }

Json DestructionJson(const v1::Destruction& destruction) {
  return {{"scheduled_at", TimeJson(destruction.scheduled_us())},
          {"due_at", TimeJson(destruction.due_us())},
          {"done_at", TimeJson(destruction.done_us())},
          {"final_at", TimeJson(destruction.final_us())},
          {"scheduled_by", destruction.scheduled_by()},
          {"reason", destruction.reason()},
          {"held", destruction.held()}};
}

std::string DestructionText(const v1::Destruction& destruction) {
  const bool done = destruction.done_us() != 0;
  std::string text = done ? "destroyed " + FormatTime(destruction.done_us())
                          : "to be destroyed at " + FormatTime(destruction.due_us());
  text += ", asked for by " + destruction.scheduled_by() + ": " + destruction.reason() + "\n";
  if (!destruction.held().empty()) text += "  held: " + destruction.held() + "\n";
  return text + "  final when the last backup of the store that holds the keys expires: " +
         FormatTime(destruction.final_us()) + "\n";
}

Json VersionCensusJson(const v1::Census& census, const v1::VersionCensus& version) {
  Json values = Json::object();
  for (int i = 0; i < version.values_size() && i < census.sources_size(); ++i)
    values[census.sources(i).name()] = version.values(i);
  return {{"values", values},
          {"vault_values", version.vault_values()},
          {"may_be_destroyed", version.may_be_destroyed()},
          {"refusal", version.refusal()}};
}

const v1::VersionCensus* FindVersion(const v1::Census* census, std::uint32_t version) {
  if (census == nullptr) return nullptr;
  for (const v1::VersionCensus& of : census->versions()) {
    if (of.version() == version) return &of;
  }
  return nullptr;
}

std::string ValuesText(const v1::Census* census, std::uint32_t number) {
  const v1::VersionCensus* of = FindVersion(census, number);
  if (of == nullptr) return "";
  const std::uint64_t values = std::accumulate(of->values().begin(), of->values().end(), of->vault_values());
  return std::to_string(values) + (census->sources().empty() ? " (no sources)" : "");
}

std::string_view StandingName(v1::CensusStanding standing) {
  switch (standing) {
    case v1::CENSUS_STANDING_FRESH:
      return "fresh";
    case v1::CENSUS_STANDING_NEVER_REPORTED:
      return "never reported";
    case v1::CENSUS_STANDING_STALE:
      return "stale";
    case v1::CENSUS_STANDING_AHEAD:
      return "counted in the future";
    case v1::CENSUS_STANDING_DBA_ALONE:
      return "by a database administrator alone";
    default:
      return "unknown";
  }
}

}  // namespace

std::string_view VersionStateName(v1::KeyVersionState state) {
  switch (state) {
    case v1::KEY_VERSION_STATE_ENABLED:
      return "enabled";
    case v1::KEY_VERSION_STATE_DISABLED:
      return "disabled";
    case v1::KEY_VERSION_STATE_DESTROY_SCHEDULED:
      return "destroy scheduled";
    case v1::KEY_VERSION_STATE_DESTROYED:
      return "destroyed";
    default:
      return "unknown";
  }
}

std::string_view PurposeName(v1::KeyringPurpose purpose) {
  for (const auto& [name, known] : kPurposes) {
    if (known == purpose) return name;
  }
  return "unknown";
}

v1::KeyringPurpose PurposeOf(std::string_view name) {
  for (const auto& [known, purpose] : kPurposes) {
    if (known == name) return purpose;
  }
  return v1::KEYRING_PURPOSE_UNSPECIFIED;
}

std::string_view TenantStateName(v1::TenantState state) {
  switch (state) {
    case v1::TENANT_STATE_ACTIVE:
      return "active";
    case v1::TENANT_STATE_DESTROY_SCHEDULED:
      return "destroy scheduled";
    case v1::TENANT_STATE_DESTROYED:
      return "destroyed";
    default:
      return "unknown";
  }
}

Json KeyringHeadJson(const v1::Keyring& keyring) {
  return {{"name", keyring.name()},
          {"uuid", keyring.uuid()},
          {"purpose", PurposeName(keyring.purpose())},
          {"primary_version", keyring.primary_version()},
          {"created_at", FormatTime(keyring.created_us(), true)}};
}

Json KeyringJson(const v1::Keyring& keyring, const v1::Census* census) {
  Json versions = Json::array();
  for (const v1::KeyVersion& version : keyring.versions()) {
    Json json = {{"version", version.version()},
                 {"state", VersionStateName(version.state())},
                 {"created_at", FormatTime(version.created_us(), true)},
                 {"changed_at", FormatTime(version.changed_us(), true)},
                 {"data_keys", version.data_keys()}};
    if (version.has_destruction()) json["destruction"] = DestructionJson(version.destruction());
    if (!version.origin_store().empty()) json["origin_store"] = version.origin_store();
    const v1::VersionCensus* counted = FindVersion(census, version.version());
    if (counted != nullptr) json["census"] = VersionCensusJson(*census, *counted);
    versions.push_back(std::move(json));
  }
  Json json = KeyringHeadJson(keyring);
  json["rotation_period"] =
      keyring.rotation_period_us() == 0 ? Json() : Json(FormatDuration(keyring.rotation_period_us()));
  json["next_rotation_at"] = TimeJson(keyring.next_rotation_us());
  json["versions"] = versions;
  return json;
}

std::string KeyringText(const v1::Keyring& keyring, const v1::Census* census) {
  std::vector<std::string> header = {"VERSION", "STATE", "CREATED", "CHANGED", "DATA KEYS"};
  if (census != nullptr) header.emplace_back("VALUES");
  Table versions(header);
  std::string ends;
  for (const v1::KeyVersion& version : keyring.versions()) {
    const bool primary = version.version() == keyring.primary_version();
    std::vector<std::string> row = {std::to_string(version.version()) + (primary ? " (primary)" : ""),
                                    std::string(VersionStateName(version.state())), FormatTime(version.created_us()),
                                    FormatTime(version.changed_us()), std::to_string(version.data_keys())};
    if (census != nullptr) row.push_back(ValuesText(census, version.version()));
    versions.Add(std::move(row));
    if (!version.origin_store().empty()) {
      ends +=
          "\nversion " + std::to_string(version.version()) + ": merged in from store " + version.origin_store() + "\n";
    }
    if (version.has_destruction()) {
      ends += "\nversion " + std::to_string(version.version()) + ": " + DestructionText(version.destruction());
    }
  }
  std::vector<std::pair<std::string, std::string>> head = {{"keyring", keyring.name()},
                                                           {"uuid", keyring.uuid()},
                                                           {"purpose", std::string(PurposeName(keyring.purpose()))},
                                                           {"created", FormatTime(keyring.created_us())}};
  if (keyring.rotation_period_us() != 0) {
    head.emplace_back("rotates", "after " + FormatDuration(keyring.rotation_period_us()) + ", next at " +
                                     FormatTime(keyring.next_rotation_us()));
  }
  return AlignedLines(head) + "\n" + versions.ToText() + ends;
}

Json TenantJson(const v1::Tenant& tenant) {
  Json json = {{"name", tenant.name()},
               {"uuid", tenant.uuid()},
               {"created_at", FormatTime(tenant.created_us(), true)},
               {"state", TenantStateName(tenant.state())}};
  if (tenant.has_destruction()) json["destruction"] = DestructionJson(tenant.destruction());
  return json;
}

std::string TenantText(const v1::Tenant& tenant) {
  std::string text = AlignedLines({{"tenant", tenant.name()},
                                   {"uuid", tenant.uuid()},
                                   {"created", FormatTime(tenant.created_us())},
                                   {"state", std::string(TenantStateName(tenant.state()))},
                                   {"data keys", std::to_string(tenant.data_keys())}});
  if (tenant.has_destruction()) text += "\n" + DestructionText(tenant.destruction());
  return text;
}

Json SourceJson(const v1::CensusSource& source) {
  return {{"name", source.name()},
          {"max_age", FormatDuration(source.max_age_us())},
          {"created_at", FormatTime(source.created_us(), true)},
          {"created_by", source.created_by()},
          {"as_of", TimeJson(source.as_of_us())},
          {"reported_at", TimeJson(source.reported_us())},
          {"reported_by", source.reported_by()},
          {"standing", StandingName(source.standing())},
          {"values", source.values()},
          {"unknown_values", source.unknown_values()}};
}

std::string SourcesText(const google::protobuf::RepeatedPtrField<v1::CensusSource>& sources) {
  Table table({"SOURCE", "MAX AGE", "COUNTED", "VALUES", "STANDING", "REPORTED BY"});
  for (const v1::CensusSource& source : sources) {
    table.Add({source.name(), FormatDuration(source.max_age_us()),
               source.as_of_us() == 0 ? "-" : FormatTime(source.as_of_us()), std::to_string(source.values()),
               std::string(StandingName(source.standing())),
               source.reported_by().empty() ? "-" : source.reported_by()});
  }
  return table.ToText();
}

Json CensusJson(const v1::Census& census) {
  Json sources = Json::array();
  for (const v1::CensusSource& source : census.sources()) sources.push_back(SourceJson(source));
  Json versions = Json::array();
  for (const v1::VersionCensus& version : census.versions()) {
    Json json = {{"version", version.version()},
                 {"state", VersionStateName(version.state())},
                 {"data_keys", version.data_keys()}};
    json.update(VersionCensusJson(census, version));
    versions.push_back(std::move(json));
  }
  return {{"keyring", census.keyring()}, {"sources", sources}, {"versions", versions}};
}

std::string CensusText(const v1::Census& census) {
  Table versions({"VERSION", "STATE", "VALUES", "MAY BE DESTROYED"});
  for (const v1::VersionCensus& version : census.versions()) {
    versions.Add({std::to_string(version.version()), std::string(VersionStateName(version.state())),
                  ValuesText(&census, version.version()),
                  version.may_be_destroyed() ? "yes" : "no: " + version.refusal()});
  }
  return (census.sources().empty() ? "" : SourcesText(census.sources()) + "\n") + versions.ToText();
}

}  // namespace coffer::cli
