#include "plugins/grafana/database/sensitive_columns.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

using enum CellEncoding;
using enum Sensitivity;

constexpr bool kRotated = true;
constexpr bool kNotRotated = false;
constexpr bool kHistory = true;

constexpr std::string_view kIsHash = "a one-way hash: nothing to read";
constexpr std::string_view kIsPersonal = "personal data, which Grafana searches in clear: counted, when asked for";
constexpr std::string_view kIsMetadata = "names and references, no value";

constexpr auto kTables = std::to_array<SensitiveTable>({
    {"data_source", {"id", "org_id", "type", "uid", "name"}},
    {"secrets", {"id", "org_id", "type", "namespace"}},
    {"data_keys", {"name"}},
    {"plugin_setting", {"id", "org_id", "plugin_id"}},
    {"alert_configuration", {"id", "org_id"}},
    {"alert_configuration_history", {"id", "org_id"}, kHistory},
    {"ngalert_configuration", {"id", "org_id"}},
    {"alert_notification", {"id", "org_id", "type", "uid", "name"}},
    {"alert", {"id", "org_id", "name"}},
    {"alert_rule", {"id", "org_id", "uid", "title"}},
    {"alert_rule_version", {"id", "rule_org_id", "rule_uid", "version"}, kHistory},
    {"user_auth", {"id", "user_id", "auth_module"}},
    {"user_external_session", {"id", "user_id", "auth_module"}},
    {"user_auth_token", {"id", "user_id"}},
    {"api_key", {"id", "org_id", "name"}},
    {"user", {"id"}},
    {"temp_user", {"id", "org_id", "status"}},
    {"login_attempt", {"id"}},
    {"team", {"id", "org_id"}},
    {"org", {"id"}},
    {"anon_device", {"id"}},
    {"signing_key", {"id", "key_id"}},
    {"sso_setting", {"id", "provider"}},
    {"setting", {"section", "key"}},
    {"dashboard_snapshot", {"id", "org_id", "name"}},
    {"dashboard_public", {"uid", "org_id", "dashboard_uid"}},
    {"cloud_migration_session", {"id", "uid", "slug"}},
    {"cloud_migration_snapshot", {"id", "uid", "session_uid"}},
    {"resource", {"guid", "group", "resource", "namespace", "name"}},
    {"resource_history", {"guid", "group", "resource", "namespace", "name"}, kHistory},
    {"secret_secure_value", {"guid"}},
    {"secret_encrypted_value", {"namespace", "name", "version", "data_key_id"}},
    {"secret_data_key", {"uid"}},
    {"secret_keeper", {"namespace", "name"}},
    {"dashboard", {"id", "org_id", "uid", "title"}},
    {"dashboard_version", {"id", "dashboard_id", "version"}, kHistory},
    {"library_element", {"id", "org_id", "uid", "name"}},
    {"annotation", {"id", "org_id", "dashboard_id"}},
    {"query_history", {"id", "org_id", "uid", "datasource_uid"}},
    {"short_url", {"id", "org_id", "uid"}},
    {"correlation", {"uid", "org_id", "source_uid"}},
    {"kv_store", {"id", "org_id", "namespace", "key"}},
    {"cache_data", {"cache_key"}},
});

constexpr auto kColumns = std::to_array<SensitiveColumn>({
    {"data_source", "secure_json_data", kJsonMap, kSecret, kRotated, {}},
    {"data_source", "password", kPlaintext, kSecret, kNotRotated, {}},
    {"data_source", "basic_auth_password", kPlaintext, kSecret, kNotRotated, {}},
    {"data_source", "name", kText, kMixed, kNotRotated, {}},
    {"data_source", "url", kText, kMixed, kNotRotated, {}},
    {"data_source", "json_data", kSettings, kMixed, kNotRotated, {}},
    {"data_source", "user", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"data_source", "basic_auth_user", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"secrets", "value", kBase64Raw, kSecret, kRotated, {}},
    {"secrets", "namespace", kText, kMixed, kNotRotated, {}},
    {"data_keys", "encrypted_data", kDataKey, kKey, kRotated, {}},
    {"plugin_setting", "secure_json_data", kJsonMap, kSecret, kRotated, {}},
    {"plugin_setting", "json_data", kSettings, kMixed, kNotRotated, {}},
    {"alert_configuration", "alertmanager_configuration", kAlertingJson, kSecret, kRotated, {}},
    {"alert_configuration_history", "alertmanager_configuration", kAlertingJson, kSecret, kNotRotated, {}},
    {"ngalert_configuration", "alertmanagers", kText, kMixed, kNotRotated, {}},
    {"alert_notification", "secure_settings", kJsonMap, kSecret, kNotRotated, {}},
    {"alert_notification", "name", kText, kMixed, kNotRotated, {}},
    {"alert_notification", "settings", kSettings, kMixed, kNotRotated, {}},
    {"alert", "name", kText, kMixed, kNotRotated, {}},
    {"alert", "message", kText, kMixed, kNotRotated, {}},
    {"alert", "settings", kText, kMixed, kNotRotated, {}},
    {"alert_rule", "title", kText, kMixed, kNotRotated, {}},
    {"alert_rule", "data", kText, kMixed, kNotRotated, {}},
    {"alert_rule", "annotations", kText, kMixed, kNotRotated, {}},
    {"alert_rule_version", "data", kText, kMixed, kNotRotated, {}},
    {"alert_rule_version", "annotations", kText, kMixed, kNotRotated, {}},
    {"user_auth", "o_auth_access_token", kBase64, kToken, kRotated, {}},
    {"user_auth", "o_auth_refresh_token", kBase64, kToken, kRotated, {}},
    {"user_auth", "o_auth_id_token", kBase64, kToken, kRotated, {}},
    {"user_auth", "o_auth_token_type", kBase64, kLabel, kRotated, {}},
    {"user_auth", "auth_id", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"user_external_session", "access_token", kBase64, kToken, kRotated, {}},
    {"user_external_session", "id_token", kBase64, kToken, kRotated, {}},
    {"user_external_session", "refresh_token", kBase64, kToken, kRotated, {}},
    {"user_external_session", "session_id", kBase64, kToken, kRotated, {}},
    {"user_external_session", "name_id", kBase64, kToken, kRotated, {}},
    {"user_auth_token", "auth_token", kHash, kToken, kNotRotated, kIsHash},
    {"user_auth_token", "prev_auth_token", kHash, kToken, kNotRotated, kIsHash},
    {"user_auth_token", "client_ip", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"user_auth_token", "user_agent", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"api_key", "key", kHash, kToken, kNotRotated, kIsHash},
    {"user", "password", kHash, kSecret, kNotRotated, kIsHash},
    {"user", "salt", kHash, kSecret, kNotRotated, kIsHash},
    {"user", "rands", kHash, kSecret, kNotRotated, kIsHash},
    {"user", "login", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"user", "email", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"user", "name", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"user", "company", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"temp_user", "code", kPendingInvite, kToken, kNotRotated, {}},
    {"temp_user", "email", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"temp_user", "name", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"temp_user", "remote_addr", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"login_attempt", "username", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"login_attempt", "ip_address", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"team", "email", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"org", "billing_email", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"org", "address1", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"anon_device", "client_ip", kPersonal, kPii, kNotRotated, kIsPersonal},
    {"signing_key", "private_key", kBase64, kKey, kRotated, {}},
    {"sso_setting", "settings", kSsoJson, kSecret, kRotated, {}},
    {"setting", "value", kMaybeSettings, kMixed, kNotRotated, {}},
    {"setting", "encrypted_value", kBase64, kSecret, kNotRotated, {}},
    {"dashboard_snapshot", "dashboard_encrypted", kBlob, kContent, kRotated, {}},
    {"dashboard_snapshot", "name", kText, kMixed, kNotRotated, {}},
    {"dashboard_snapshot", "dashboard", kText, kMixed, kNotRotated, {}},
    {"dashboard_snapshot", "key", kPlaintext, kToken, kNotRotated, {}},
    {"dashboard_snapshot", "delete_key", kPlaintext, kToken, kNotRotated, {}},
    {"dashboard_public", "access_token", kPlaintext, kToken, kNotRotated, {}},
    {"cloud_migration_session", "auth_token", kBase64, kToken, kNotRotated, {}},
    {"cloud_migration_snapshot", "encryption_key", kBase64, kKey, kNotRotated, {}},
    {"cloud_migration_snapshot", "upload_url", kPlaintext, kToken, kNotRotated, {}},
    {"resource", "value", kResourceJson, kToken, kRotated, {}},
    {"resource_history", "value", kResourceJson, kToken, kNotRotated, {}},
    {"secret_secure_value", "name", kMetadata, kMixed, kNotRotated, kIsMetadata},
    {"secret_secure_value", "description", kMetadata, kMixed, kNotRotated, kIsMetadata},
    {"secret_secure_value", "keeper", kMetadata, kMixed, kNotRotated, kIsMetadata},
    {"secret_secure_value", "ref", kMetadata, kMixed, kNotRotated, kIsMetadata},
    {"secret_secure_value", "external_id", kMetadata, kMixed, kNotRotated, kIsMetadata},
    {"secret_secure_value", "decrypters", kMetadata, kMixed, kNotRotated, kIsMetadata},
    {"secret_encrypted_value", "encrypted_data", kManagerValue, kSecret, kRotated, {}},
    {"secret_data_key", "encrypted_data", kManagerKey, kKey, kRotated, {}},
    {"secret_keeper", "payload", kSettings, kMixed, kNotRotated, {}},
    {"dashboard", "title", kText, kMixed, kNotRotated, {}},
    {"dashboard", "data", kText, kMixed, kNotRotated, {}},
    {"dashboard_version", "data", kText, kMixed, kNotRotated, {}},
    {"library_element", "name", kText, kMixed, kNotRotated, {}},
    {"library_element", "model", kText, kMixed, kNotRotated, {}},
    {"annotation", "text", kText, kMixed, kNotRotated, {}},
    {"annotation", "data", kText, kMixed, kNotRotated, {}},
    {"query_history", "queries", kText, kMixed, kNotRotated, {}},
    {"query_history", "comment", kText, kMixed, kNotRotated, {}},
    {"short_url", "path", kText, kMixed, kNotRotated, {}},
    {"correlation", "config", kText, kMixed, kNotRotated, {}},
    {"kv_store", "key", kText, kMixed, kNotRotated, {}},
    {"kv_store", "value", kMaybeSettings, kMixed, kNotRotated, {}},
    {"cache_data", "cache_key", kText, kMixed, kNotRotated, {}},
    {"cache_data", "data", kText, kMixed, kNotRotated, {}},
});

// Each table once, with its columns together and in the tables' order; each column once.
constexpr bool IsInOrder() {
  std::size_t at = 0;
  for (const SensitiveTable& table : kTables) {
    if (at == kColumns.size() || kColumns[at].table != table.name) return false;
    for (std::size_t first = at; at < kColumns.size() && kColumns[at].table == table.name; ++at) {
      for (std::size_t before = first; before < at; ++before) {
        if (kColumns[before].column == kColumns[at].column) return false;
      }
    }
  }
  return at == kColumns.size();
}
static_assert(IsInOrder());
static_assert(kColumns.size() < 256);  // a finding keeps one in a byte

// Of each column, its table.
constexpr auto kTableOf = [] {
  std::array<std::size_t, kColumns.size()> tables{};
  for (std::size_t column = 1; column < kColumns.size(); ++column) {
    tables[column] = tables[column - 1] + (kColumns[column].table == kColumns[column - 1].table ? 0 : 1);
  }
  return tables;
}();

}  // namespace

std::string_view SensitivityName(Sensitivity sensitivity) {
  switch (sensitivity) {
    case kSecret:
      return "secret";
    case kToken:
      return "token";
    case kKey:
      return "key";
    case kContent:
      return "content";
    case kLabel:
      return "label";
    case kMixed:
      return "mixed";
    case kPii:
      return "pii";
  }
  return "unknown";
}

std::vector<std::string_view> NameColumns(const SensitiveTable& table) {
  const auto& names = table.row_name;
  return {names.begin(), std::find(names.begin(), names.end(), std::string_view())};
}

std::span<const SensitiveTable> SensitiveTables() { return kTables; }
std::span<const SensitiveColumn> SensitiveColumns() { return kColumns; }
const SensitiveTable& TableOfColumn(std::size_t column) { return kTables[kTableOf[column]]; }
bool MayBeRaw(std::size_t column) { return kColumns[column].column == "encryption_key"; }

}  // namespace coffer::grafana
