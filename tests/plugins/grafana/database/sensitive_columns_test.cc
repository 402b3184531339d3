#include "plugins/grafana/database/sensitive_columns.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

const SensitiveColumn* Find(std::string_view table, std::string_view column) {
  for (const SensitiveColumn& each : SensitiveColumns()) {
    if (each.table == table && each.column == column) return &each;
  }
  return nullptr;
}

TEST(SensitiveColumnsTest, EveryColumnIsScannedOrSaysWhyNot) {
  const std::set<CellEncoding> never = {CellEncoding::kHash, CellEncoding::kPersonal, CellEncoding::kMetadata};
  for (const SensitiveColumn& column : SensitiveColumns()) {
    EXPECT_EQ(column.not_scanned.empty(), never.count(column.encoding) == 0) << column.table << "." << column.column;
    EXPECT_NE(SensitivityName(column.sensitivity), "unknown");
  }
}

TEST(SensitiveColumnsTest, WhatGrafanaReencryptsIsMarked) {
  const std::set<std::string> rotated = {"dashboard_snapshot.dashboard_encrypted",
                                         "user_auth.o_auth_access_token",
                                         "user_auth.o_auth_refresh_token",
                                         "user_auth.o_auth_token_type",
                                         "user_auth.o_auth_id_token",
                                         "secrets.value",
                                         "data_source.secure_json_data",
                                         "plugin_setting.secure_json_data",
                                         "signing_key.private_key",
                                         "alert_configuration.alertmanager_configuration",
                                         "sso_setting.settings",
                                         "user_external_session.access_token",
                                         "user_external_session.id_token",
                                         "user_external_session.refresh_token",
                                         "user_external_session.session_id",
                                         "user_external_session.name_id",
                                         "resource.value",
                                         "data_keys.encrypted_data",
                                         "secret_encrypted_value.encrypted_data",
                                         "secret_data_key.encrypted_data"};
  std::set<std::string> marked;
  for (const SensitiveColumn& column : SensitiveColumns()) {
    if (column.rotated) marked.insert(std::string(column.table) + "." + std::string(column.column));
  }
  EXPECT_EQ(marked, rotated);
}

TEST(SensitiveColumnsTest, ColumnsAreTheRightOnes) {
  ASSERT_NE(Find("secrets", "value"), nullptr);
  EXPECT_EQ(Find("secrets", "value")->encoding, CellEncoding::kBase64Raw);
  EXPECT_EQ(Find("user_auth", "o_auth_token_type")->sensitivity, Sensitivity::kLabel);
  EXPECT_EQ(Find("api_key", "key")->encoding, CellEncoding::kHash);
  EXPECT_EQ(Find("data_source", "secrets"), nullptr);
}

TEST(SensitiveColumnsTest, EachColumnHasItsTable) {
  for (std::size_t column = 0; column < SensitiveColumns().size(); ++column) {
    EXPECT_EQ(TableOfColumn(column).name, SensitiveColumns()[column].table);
  }
}

TEST(SensitiveColumnsTest, HistoryIsOfAnotherTable) {
  std::set<std::string_view> history;
  for (const SensitiveTable& table : SensitiveTables()) {
    EXPECT_FALSE(table.row_name.front().empty()) << table.name;
    if (table.is_history) history.insert(table.name);
  }
  EXPECT_EQ(history, (std::set<std::string_view>{"alert_configuration_history", "alert_rule_version",
                                                 "resource_history", "dashboard_version"}));
}

}  // namespace
}  // namespace coffer::grafana
