// What a rotation does not go on with unless it is told to.
#include "tests/plugins/grafana/rotation/sqlite_rotation.h"

namespace coffer::grafana {
namespace {

// A wrong path, or a schema that this user does not see, is such a database too.
TEST_F(SqliteRotationTest, NothingUnderAKeyProvesNone) {
  GrafanaRows grafana{std::string(kOldKey)};
  grafana.AddDataSource("1", "{}");
  MakeFile(grafana);
  EXPECT_EQ(Rotate(KeysOf("any", kNewKey)).refusal, RotationRefusal::kUnproven);
  RotationOptions options;
  options.accept_unproven = true;
  const RotationReport report = Rotate(KeysOf("any", kNewKey), options);
  EXPECT_EQ(report.refusal, RotationRefusal::kNone);
  EXPECT_EQ(report.rows, 0U);
}

TEST_F(SqliteRotationTest, ValuesWhoseDataKeysAreNotThereAreRefused) {
  GrafanaRows grafana{std::string(kOldKey)};
  grafana.MakeDataKey("gone");
  grafana.AddDataSource("1", GrafanaRows::Map("password", grafana.Envelope("gone", "a-password-of-some-length")));
  MakeFile(grafana);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).refusal, RotationRefusal::kUnproven);
  RotationOptions options;
  options.accept_unproven = true;
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).refusal, RotationRefusal::kUnreadable);
}

TEST_F(SqliteRotationTest, BrokenJsonWithAValueStaysWhenAccepted) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  const std::string broken =
      "{\"password\":\"" + GrafanaRows::Base64(grafana.Legacy("a-password-of-some-length")) + "\",";
  grafana.AddDataSource("9", broken);
  MakeFile(grafana);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).refusal, RotationRefusal::kUnreadable);
  RotationOptions options;
  options.accept_unreadable = true;
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).refusal, RotationRefusal::kNone);
  EXPECT_EQ(Value("SELECT secure_json_data FROM data_source WHERE id = 9"), broken);
}

}  // namespace
}  // namespace coffer::grafana
