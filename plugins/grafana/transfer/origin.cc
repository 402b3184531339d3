#include "plugins/grafana/transfer/origin.h"

#include <algorithm>

#include "plugins/grafana/database/json_leaves.h"

namespace coffer::grafana {
namespace {

constexpr char kTable[] = "grafana-table";
constexpr char kRow[] = "grafana-row";
constexpr std::string_view kConfigurations = "alert_configuration";

std::string Limited(std::string_view text) {
  constexpr std::size_t kMaxMetadataValue = 512;
  return std::string(text.substr(0, CharacterEnd(text, kMaxMetadataValue)));
}

std::string_view TextOf(const SecretMetadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string_view() : found->second;
}

// A row's text begins with its id.
bool IsOfRow(std::string_view text, std::string_view id) {
  const std::string start = "id=" + std::string(id);
  return text == start || text.starts_with(start + " ");
}

}  // namespace

SecretMetadata OriginOf(const CredentialRows& rows, const Credential& credential, std::string_view database) {
  constexpr std::string_view kBetween = ": ";
  CredentialSite row = credential.sites.front();
  row.json_path.clear();
  const std::string place = rows.PlaceOf(row);
  const SensitiveColumn& column = SensitiveColumns()[row.column];
  SecretMetadata origin = {{"grafana-database", std::string(database)},
                           {kTable, std::string(column.table)},
                           {"grafana-column", std::string(column.column)},
                           {kRow, Limited(place.substr(place.find(kBetween) + kBetween.size()))},
                           {"grafana-json-path", Limited(credential.sites.front().json_path)},
                           {"grafana-copy", ""}};
  if (credential.sites.size() > 1) origin["grafana-copy"] = Limited(rows.PlaceOf(credential.sites[1]));
  std::erase_if(origin, [](const auto& pair) { return pair.second.empty(); });
  return origin;
}

bool IsFromThere(const CredentialRows& rows, const Credential& credential, const SecretMetadata& origin) {
  return std::any_of(credential.sites.begin(), credential.sites.end(), [&](const CredentialSite& site) {
    const std::string_view table = SensitiveColumns()[site.column].table;
    const std::string_view id = NameIn(rows.rows()[site.row].names, "id");
    return TextOf(origin, kTable) == table &&
           (id.empty() || table == kConfigurations || IsOfRow(TextOf(origin, kRow), id));
  });
}

}  // namespace coffer::grafana
