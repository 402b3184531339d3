// What says too little to tell its key, in databases where not everything is under one.
#include "io/directory.h"
#include "plugins/grafana/rotation/rotation_text.h"
#include "tests/plugins/grafana/rotation/sqlite_rotation.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kThird = "another-secret-key-of-this-grafana";
constexpr std::string_view kShortPlace =
    "data_source.secure_json_data: password of id=7 org_id=1 type=postgres uid=ds7 name=Source 7: too little to tell "
    "its key";

// A value of four letters under one key, which comes out of another one as text or does not.
std::string ShortValue(const GrafanaRows& grafana, std::string_view key, std::string_view other, bool fits_other) {
  for (;;) {
    const std::string blob = grafana.Legacy("abcd", std::string(key));
    const auto plaintext = SecretBlob::Parse(AsBytes(blob))->Decrypt(known_answers::Secret(other));
    if (PlausibleBits(*plaintext, PlaintextKind::kText).has_value() == fits_other) return blob;
  }
}

class RotationDoubtsTest : public SqliteRotationTest {
 protected:
  // Everything under the old key, and one long value under a third one.
  void PlantMixed() {
    PlantEverything(grafana_);
    grafana_.AddDataSource(
        "8", GrafanaRows::Map("password", grafana_.Legacy("a-password-of-some-length", std::string(kThird))));
  }
  static std::vector<std::string> PlacesOf(const RotationReport& report) { return TextOf(report, {}).unreadable; }
  std::string ShortCell() const { return Value("SELECT secure_json_data FROM data_source WHERE id = 7"); }
  static RotationKeys WithThird() {
    RotationKeys keys = KeysOf(kOldKey, kNewKey);
    keys.old.push_back(known_answers::Secret(kThird));
    return keys;
  }

  GrafanaRows grafana_{std::string(kOldKey)};
};

TEST_F(RotationDoubtsTest, AShortValueBesideOneUnderAnUnknownKeyIsNamedAndStays) {
  PlantMixed();
  const std::string cell = GrafanaRows::Map("password", ShortValue(grafana_, kThird, kOldKey, true));
  grafana_.AddDataSource("7", cell);
  MakeFile(grafana_);
  const std::string before = Bytes();
  const RotationReport refused = Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(refused.refusal, RotationRefusal::kUnreadable);
  ASSERT_EQ(refused.unreadable.size(), 2U);
  EXPECT_EQ(PlacesOf(refused)[0], kShortPlace);
  EXPECT_NE(TextOf(refused, {}).steps.at(1).find("--accept-unproven"), std::string::npos);
  EXPECT_TRUE(Bytes() == before);
  RotationOptions options;
  options.accept_unreadable = true;
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).refusal, RotationRefusal::kNone);
  EXPECT_EQ(ShortCell(), cell);
  EXPECT_EQ(Read(kThird).at("data_source.secure_json_data 7 password"), "abcd");
}

TEST_F(RotationDoubtsTest, AcceptedAsUnprovenItIsTakenForTheKeys) {
  PlantMixed();
  grafana_.AddDataSource("7", GrafanaRows::Map("password", grafana_.Legacy("abcd")));
  MakeFile(grafana_);
  RotationOptions options;
  options.accept_unreadable = options.accept_unproven = true;
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).unreadable.size(), 1U);
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 7 password"), "abcd");
}

TEST_F(RotationDoubtsTest, OfTwoKeysTheOneThatAloneFitsAShortValueHasIt) {
  for (const bool is_second : {false, true}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    grafana_ = GrafanaRows{std::string(kOldKey)};
    PlantMixed();
    const std::string blob =
        is_second ? ShortValue(grafana_, kThird, kOldKey, false) : ShortValue(grafana_, kOldKey, kThird, false);
    grafana_.AddDataSource("7", GrafanaRows::Map("password", blob));
    MakeFile(grafana_);
    EXPECT_EQ(Rotate(WithThird()).refusal, RotationRefusal::kNone);
    EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 7 password"), "abcd");
  }
}

TEST_F(RotationDoubtsTest, AShortValueThatFitsTwoKeysIsNamed) {
  PlantMixed();
  grafana_.AddDataSource("7", GrafanaRows::Map("password", ShortValue(grafana_, kThird, kOldKey, true)));
  MakeFile(grafana_);
  const std::string before = Bytes();
  const RotationReport refused = Rotate(WithThird());
  EXPECT_EQ(refused.refusal, RotationRefusal::kUnreadable);
  EXPECT_EQ(PlacesOf(refused), std::vector<std::string>{std::string(kShortPlace)});
  EXPECT_TRUE(Bytes() == before);
}

TEST_F(RotationDoubtsTest, ADataKeyThatNothingIsUnderIsCountedAndWhereKeysAreMixedNamed) {
  for (const bool mixed : {false, true}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    grafana_ = GrafanaRows{std::string(kOldKey)};
    if (mixed) {
      PlantMixed();
    } else {
      PlantEverything(grafana_);
    }
    grafana_.AddDataKey("unused");
    MakeFile(grafana_);
    const RotationReport report = Rotate(KeysOf(kOldKey, kNewKey));
    if (mixed) {
      EXPECT_EQ(report.refusal, RotationRefusal::kUnreadable);
      EXPECT_EQ(PlacesOf(report).at(0), "data_keys.encrypted_data: name=unused: too little to tell its key");
      continue;
    }
    EXPECT_EQ(report.refusal, RotationRefusal::kNone);
    EXPECT_EQ(report.untested_data_keys, 1U);
    EXPECT_EQ(TextOf(report, {}).changed.at(0), "3 data keys, wrapped anew; no value tells the key of 1 of them");
  }
}

TEST_F(RotationDoubtsTest, ATagTellsOfADataKeyThatNothingIsUnder) {
  PlantMixed();
  const SecretBlob wrapped =
      SecretBlob::Encrypt(RandomSecret(16), known_answers::Secret(kOldKey), BlobCipher::kAesGcm, std::nullopt);
  grafana_.rows.Add(
      "data_keys",
      {{"name", "unused"}, {"provider", "secretKey.v1"}, {"encrypted_data", std::string(AsText(wrapped.ToBytes()))}});
  MakeFile(grafana_);
  const RotationReport report = Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(report.data_keys, 3U);
  EXPECT_EQ(report.untested_data_keys, 0U);
}

TEST_F(RotationDoubtsTest, AKeyThatWasGivenAndOpensNothingIsRefused) {
  PlantEverything(grafana_);
  MakeFile(grafana_);
  const std::string before = Bytes();
  RotationKeys keys = KeysOf(kThird, kOldKey);
  keys.target_may_be_in_use = true;
  keys.needs_old = true;
  const RotationReport refused = Rotate(keys);
  EXPECT_EQ(refused.refusal, RotationRefusal::kOldKeyUnneeded);
  EXPECT_EQ(TextOf(refused, {}).headline.substr(0, 20), "nothing was changed:");
  EXPECT_TRUE(Bytes() == before);
  keys.needs_old = false;
  EXPECT_EQ(Rotate(keys).refusal, RotationRefusal::kNone);
}

TEST_F(RotationDoubtsTest, AKeyThatOpensSomethingIsNeeded) {
  PlantMixed();
  MakeFile(grafana_);
  RotationKeys keys = KeysOf(kThird, kOldKey);
  keys.target_may_be_in_use = true;
  keys.needs_old = true;
  EXPECT_EQ(Rotate(keys).refusal, RotationRefusal::kNone);
  EXPECT_EQ(Read(kOldKey).at("data_source.secure_json_data 8 password"), "a-password-of-some-length");
}

}  // namespace
}  // namespace coffer::grafana
