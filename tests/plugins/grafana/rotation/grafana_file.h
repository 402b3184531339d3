// Grafana databases of tests: a schema as Grafana makes it, filled with rows that a test planted, and what one key
// reads of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/data_keys.h"
#include "plugins/grafana/database/plausible.h"
#include "tests/plugins/grafana/database/grafana_rows.h"

namespace coffer::grafana {

enum class Dialect { kSqlite, kPostgres };

// Every table with something under one of the keys, and sessions.
inline const std::vector<WantedTable>& TestSchema() {
  static const std::vector<WantedTable> tables = {
      {"data_source",
       {"id", "org_id", "type", "uid", "name", "url", "password", "basic_auth_password", "json_data",
        "secure_json_data", "updated"}},
      {"secrets", {"id", "org_id", "type", "namespace", "value", "updated"}},
      {"data_keys", {"name", "provider", "encrypted_data", "active", "label", "scope", "updated"}},
      {"plugin_setting", {"id", "org_id", "plugin_id", "secure_json_data", "updated"}},
      {"alert_configuration", {"id", "org_id", "alertmanager_configuration", "configuration_hash"}},
      {"alert_configuration_history", {"id", "org_id", "alertmanager_configuration"}},
      {"alert_notification", {"id", "org_id", "type", "uid", "name", "secure_settings"}},
      {"user_auth",
       {"id", "user_id", "auth_module", "o_auth_access_token", "o_auth_refresh_token", "o_auth_id_token",
        "o_auth_token_type"}},
      {"user_external_session",
       {"id", "user_id", "auth_module", "access_token", "id_token", "refresh_token", "session_id", "name_id"}},
      {"user_auth_token", {"id", "user_id", "auth_token"}},
      {"signing_key", {"id", "key_id", "private_key"}},
      {"sso_setting", {"id", "provider", "settings"}},
      {"setting", {"section", "key", "encrypted_value"}},
      {"dashboard_snapshot", {"id", "org_id", "name", "dashboard_encrypted", "updated"}},
      {"cloud_migration_session", {"id", "uid", "slug", "auth_token"}},
      {"cloud_migration_snapshot", {"id", "uid", "session_uid", "encryption_key"}},
      {"resource", {"guid", "group", "resource", "namespace", "name", "value"}},
      {"resource_history", {"guid", "group", "resource", "namespace", "name", "value"}},
      {"secret_data_key", {"uid", "provider", "encrypted_data", "active", "label", "namespace"}},
      {"secret_encrypted_value", {"namespace", "name", "version", "encrypted_data", "data_key_id"}},
  };
  return tables;
}

inline bool IsByteColumn(std::string_view column) {
  return column == "encrypted_data" || column == "dashboard_encrypted";
}

inline std::string SqlTypeOf(std::string_view column, Dialect dialect) {
  if (IsByteColumn(column)) return dialect == Dialect::kSqlite ? "BLOB" : "bytea";
  if (column == "id") return dialect == Dialect::kSqlite ? "INTEGER PRIMARY KEY" : "bigint PRIMARY KEY";
  if (column == "updated") return dialect == Dialect::kSqlite ? "DATETIME" : "timestamp without time zone";
  return "TEXT";
}

inline std::string SqlLiteral(std::string_view column, const std::optional<ByteView>& cell, Dialect dialect) {
  if (!cell) return "NULL";
  if (IsByteColumn(column)) return (dialect == Dialect::kSqlite ? "x'" : "'\\x") + ToHex(*cell) + "'";
  std::string quoted = "'";
  for (const char c : AsText(*cell)) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

// Statements that make the database of these rows.
inline std::string SqlOf(MemoryRows& rows, Dialect dialect) {
  std::string sql = "BEGIN;\n";
  for (const WantedTable& table : TestSchema()) {
    sql += "CREATE TABLE \"" + std::string(table.name) + "\" (";
    for (const std::string_view column : table.columns) {
      if (column != table.columns.front()) sql += ", ";
      sql += "\"" + std::string(column) + "\" " + SqlTypeOf(column, dialect);
    }
    sql += ");\n";
  }
  const auto read = rows.Read(TestSchema(), [&sql, dialect](const ReadRow& row) -> Status {
    const WantedTable& table = TestSchema()[row.table];
    sql += "INSERT INTO \"" + std::string(table.name) + "\" VALUES (";
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      sql += (i == 0 ? "" : ", ") + SqlLiteral(table.columns[i], row.cells[i], dialect);
    }
    sql += ");\n";
    return {};
  });
  EXPECT_TRUE(read.ok());
  return sql + "COMMIT;\n";
}

// Blobs under [security] secret_key, or under a data key that is.
inline bool HoldsBlobs(CellEncoding encoding) {
  switch (encoding) {
    case CellEncoding::kBase64:
    case CellEncoding::kBase64Raw:
    case CellEncoding::kBlob:
    case CellEncoding::kJsonMap:
    case CellEncoding::kAlertingJson:
    case CellEncoding::kSsoJson:
    case CellEncoding::kResourceJson:
      return true;
    default:
      return false;
  }
}

// What a key reads: "table.column id path" to the plaintext, "?" where the key does not open it. Written for the tests,
// value by value; it knows what Grafana knows, and nothing of rotations.
using Plaintexts = std::map<std::string, std::string>;

class PlaintextReader {
 public:
  explicit PlaintextReader(std::string_view secret_key) : secret_key_(known_answers::Secret(secret_key)) {}

  Plaintexts Read(RowReader& reader) {
    std::vector<WantedTable> wanted = {DataKeyColumns(DataKeyTable::kDataKeys)};
    for (const SensitiveTable& table : SensitiveTables()) AskFor(table, wanted);
    // Data keys first: rows come table by table.
    const auto found = reader.Read(wanted, [this, &wanted](const ReadRow& row) -> Status {
      if (row.table == 0) return TakeDataKey(row);
      for (std::size_t i = 1; i < row.cells.size(); ++i) {
        if (row.cells[i]) TakeCell(wanted[row.table], i, row);
      }
      return {};
    });
    EXPECT_TRUE(found.ok()) << found.error().ToString();
    return std::move(plaintexts_);
  }

 private:
  static void AskFor(const SensitiveTable& table, std::vector<WantedTable>& wanted) {
    WantedTable one{table.name, {table.row_name[0]}};
    for (const SensitiveColumn& column : SensitiveColumns()) {
      if (column.table == table.name && HoldsBlobs(column.encoding)) one.columns.push_back(column.column);
    }
    if (one.columns.size() > 1) wanted.push_back(one);
  }

  Status TakeDataKey(const ReadRow& row) {
    const std::string id(AsText(*row.cells[0]));
    const std::string place = "data_keys.encrypted_data " + id + " ";
    const auto wrapped = SecretBlob::Parse(row.cells[2].value_or(ByteView()));
    if (!wrapped.ok()) {
      plaintexts_[place] = "?";
      return {};
    }
    auto data_key = wrapped->Decrypt(secret_key_);
    plaintexts_[place] = data_key.ok() ? known_answers::Revealed(*data_key) : "?";
    if (data_key.ok()) data_keys_.emplace(id, std::move(*data_key));
    return {};
  }

  void TakeCell(const WantedTable& table, std::size_t i, const ReadRow& row) {
    CellEncoding encoding = CellEncoding::kText;
    for (const SensitiveColumn& column : SensitiveColumns()) {
      if (column.table == table.name && column.column == table.columns[i]) encoding = column.encoding;
    }
    ReadCell(encoding, *row.cells[i], [&](const CellSecret& secret) {
      const std::string place = std::string(table.name) + "." + std::string(table.columns[i]) + " " +
                                std::string(AsText(row.cells[0].value_or(ByteView()))) + " " + std::string(secret.path);
      plaintexts_[place] =
          secret.form == SecretForm::kBlob ? Decrypted(secret.bytes) : std::string(AsText(secret.bytes));
    });
  }

  // Copies of a value once.
  const std::string& Decrypted(ByteView bytes) {
    const auto [known, is_new] = decrypted_.try_emplace(std::string(AsText(bytes)));
    if (is_new) known->second = DecryptedAnew(bytes);
    return known->second;
  }

  std::string DecryptedAnew(ByteView bytes) const {
    const SecretBlob blob = SecretBlob::Parse(bytes).value();
    const SecretBytes* passphrase = &secret_key_;
    if (blob.data_key) {
      const auto found = data_keys_.find(*blob.data_key);
      if (found == data_keys_.end()) return "?";
      passphrase = &found->second;
    }
    const auto plaintext = blob.Decrypt(*passphrase);
    return plaintext.ok() ? known_answers::Revealed(*plaintext) : "?";
  }

  SecretBytes secret_key_;
  std::map<std::string, SecretBytes, std::less<>> data_keys_;
  std::map<std::string, std::string> decrypted_;
  Plaintexts plaintexts_;
};

// The keys of the tests, both of which CheckSecretKey takes.
inline constexpr std::string_view kOldKey = "the-old-secret-key-of-this-grafana";
inline constexpr std::string_view kNewKey = "the-new-secret-key-of-this-grafana";

inline std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

// Alerting's, with both forms of it, and two old versions.
inline void PlantAlerting(GrafanaRows& grafana, const std::string& data_key) {
  const std::string alerting =
      R"({ "template_files": {}, "alertmanager_config": {"route":{"group_wait":1.50},"receivers":[
      {"name":"a","grafana_managed_receiver_configs":[{"secureSettings":{"url":")" +
      GrafanaRows::Base64(grafana.Legacy("https://hooks.example/one")) + R"(","token":")" +
      GrafanaRows::Base64(grafana.Envelope(data_key, "a-token-of-alerting")) + R"("}}]}]},
      "extra":[{"alertmanager_config":"crypto_)" +
      GrafanaRows::Base64(grafana.Legacy("receivers: []")) + "\"}]}";
  grafana.rows.Add(
      "alert_configuration",
      {{"id", "1"}, {"org_id", "1"}, {"alertmanager_configuration", alerting}, {"configuration_hash", "0123"}});
  for (const std::string id : {"1", "2"}) {
    grafana.rows.Add("alert_configuration_history",
                     {{"id", id}, {"org_id", "1"}, {"alertmanager_configuration", alerting}});
  }
}

// Tokens and keys that people and Grafana itself sign in and sign with.
inline void PlantTokens(GrafanaRows& grafana, const std::string& data_key) {
  grafana.rows.Add("user_auth",
                   {{"id", "1"},
                    {"user_id", "7"},
                    {"auth_module", "oauth_google"},
                    {"o_auth_access_token", GrafanaRows::Base64(grafana.Legacy("ya29.access"))},
                    {"o_auth_refresh_token", GrafanaRows::Base64(grafana.Envelope(data_key, "1//refresh"))},
                    {"o_auth_id_token", ""},
                    {"o_auth_token_type", GrafanaRows::Base64(grafana.Legacy("Bearer"))}});
  for (const std::string id : {"1", "2", "3"}) {
    grafana.rows.Add("user_auth_token", {{"id", id}, {"user_id", "7"}, {"auth_token", "hash" + id}});
  }
  grafana.rows.Add(
      "signing_key",
      {{"id", "1"}, {"key_id", "x"}, {"private_key", GrafanaRows::Base64(grafana.Legacy("-----BEGIN-----"))}});
  grafana.rows.Add("sso_setting",
                   {{"id", "1"},
                    {"provider", "saml"},
                    {"settings", R"({"client_secret":)" + Quoted(GrafanaRows::Raw(grafana.Legacy("sso-secret"))) +
                                     R"(,"name":"SAML"})"}});
  grafana.rows.Add("dashboard_snapshot", {{"id", "1"},
                                          {"org_id", "1"},
                                          {"name", "snap"},
                                          {"dashboard_encrypted", grafana.Legacy(R"({"panels":[]})")},
                                          {"updated", "2024-01-02 03:04:05"}});
  grafana.rows.Add(
      "cloud_migration_session",
      {{"id", "1"}, {"uid", "u"}, {"slug", "s"}, {"auth_token", GrafanaRows::Base64(grafana.Legacy("glc_token"))}});
  for (const std::string table : {"resource", "resource_history"}) {
    grafana.rows.Add(table,
                     {{"guid", "g"},
                      {"group", "provisioning.grafana.app"},
                      {"resource", "repositories"},
                      {"namespace", "default"},
                      {"name", "r"},
                      {"value", R"({"spec":{"github":{"encryptedToken":)" +
                                    Quoted(GrafanaRows::Base64(grafana.Legacy("github_pat of " + table))) + "}}}"}});
  }
}

// The columns that the others leave.
inline void PlantTheRest(GrafanaRows& grafana) {
  const auto legacy = [&grafana](const std::string& text) { return GrafanaRows::Base64(grafana.Legacy(text)); };
  grafana.rows.Add("alert_notification",
                   {{"id", "1"},
                    {"org_id", "1"},
                    {"type", "slack"},
                    {"name", "ops"},
                    {"secure_settings", GrafanaRows::Map("url", grafana.Legacy("https://hooks.example/old"))}});
  grafana.rows.Add("user_auth", {{"id", "2"},
                                 {"user_id", "8"},
                                 {"auth_module", "oauth_google"},
                                 {"o_auth_access_token", legacy("another access token")},
                                 {"o_auth_refresh_token", legacy("another refresh token")},
                                 {"o_auth_id_token", legacy("another id token")},
                                 {"o_auth_token_type", legacy("Bearer")}});
  grafana.rows.Add("user_external_session", {{"id", "1"},
                                             {"user_id", "7"},
                                             {"auth_module", "oauth_google"},
                                             {"access_token", legacy("an access token of a session")},
                                             {"id_token", legacy("an id token of a session")},
                                             {"refresh_token", legacy("a refresh token of a session")},
                                             {"session_id", legacy("the session's id")},
                                             {"name_id", legacy("the session's name")}});
  grafana.rows.Add(
      "setting", {{"section", "auth.saml"}, {"key", "private_key"}, {"encrypted_value", legacy("a setting's value")}});
  grafana.rows.Add("cloud_migration_snapshot", {{"id", "1"},
                                                {"uid", "u"},
                                                {"session_uid", "s"},
                                                {"encryption_key", legacy("a key, which may be of any bytes")}});
}

// How much of PlantEverything a rotation changes.
inline constexpr std::uint64_t kPlantedDataKeys = 2;
inline constexpr std::uint64_t kPlantedValues = 29;  // copies too
inline constexpr std::uint64_t kPlantedRows = 20;    // data keys' too

// A Grafana with values of every form, under data keys and, in every column that can hold one, under secret_key itself.
inline void PlantEverything(GrafanaRows& grafana) {
  const std::string k1 = "k1";
  const std::string k2 = "k2";
  const auto b64 = [](const std::string& bytes) { return GrafanaRows::Base64(bytes); };
  grafana.AddDataKey(k1);
  grafana.AddDataKey(k2, "secretKey", false);
  grafana.AddDataKey("kms", "awskms.prod");
  grafana.AddDataSource("1", GrafanaRows::Map("password", grafana.Envelope(k1, "a-password-under-a-data-key")));
  grafana.AddDataSource("2", R"({"password": ")" + b64(grafana.Legacy("a-password-from-before-data-keys")) +
                                 R"(", "tlsClientKey" :")" + b64(grafana.Envelope(k2, "under-the-second-one")) + "\"}");
  const auto unified = [&grafana](const std::string& id, const std::string& value) {
    grafana.rows.Add("secrets", {{"id", id},
                                 {"org_id", "1"},
                                 {"type", "datasource"},
                                 {"namespace", "Source " + id},
                                 {"value", GrafanaRows::Raw(value)},
                                 {"updated", "2024-01-02 03:04:05"}});
  };
  unified("1", grafana.Envelope(k1, R"({"password":"a-password-under-a-data-key"})"));
  unified("2", grafana.Legacy(R"({"password":"a-password-from-before-data-keys"})"));
  grafana.rows.Add("plugin_setting", {{"id", "1"},
                                      {"org_id", "1"},
                                      {"plugin_id", "app"},
                                      {"secure_json_data", GrafanaRows::Map("token", grafana.Legacy("an-app's-token"))},
                                      {"updated", "2024-01-02 03:04:05"}});
  PlantAlerting(grafana, k1);
  PlantTokens(grafana, k2);
  PlantTheRest(grafana);
}

// Of what a rotation changed.
inline void ExpectEveryColumn(const std::map<std::size_t, std::uint64_t>& values) {
  for (std::size_t i = 0; i < SensitiveColumns().size(); ++i) {
    const SensitiveColumn& column = SensitiveColumns()[i];
    EXPECT_EQ(values.find(i) != values.end(), HoldsBlobs(column.encoding)) << column.table << "." << column.column;
  }
}

// Its data keys, for values that were made with it.
inline void CopyDataKeys(GrafanaRows& from, GrafanaRows& to) {
  const std::vector<WantedTable> wanted = {DataKeyColumns(DataKeyTable::kDataKeys)};
  const auto read = from.rows.Read(wanted, [&to, &wanted](const ReadRow& row) -> Status {
    MemoryRow copy;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      copy.emplace_back(wanted[0].columns[i], std::string(AsText(row.cells[i].value_or(ByteView()))));
    }
    to.rows.Add("data_keys", std::move(copy));
    return {};
  });
  EXPECT_TRUE(read.ok());
}

}  // namespace coffer::grafana
