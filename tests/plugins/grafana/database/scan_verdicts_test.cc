#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/plugins/grafana/database/scanned.h"

namespace coffer::grafana {
namespace {

// No random bytes come out as this, but so few bits do not prove a key.
const std::string kTellsLittle = "!?.,;:-_+*~#%&/()=[]{}<>";

TEST(ScanVerdictsTest, WhatTheDefaultKeyMayOpenIsUnknownWhereAnotherKeyIsThereToo) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1");
  grafana.AddEnvelope("1", "k1", kTellsLittle);
  EXPECT_EQ(Lines(Scanned(grafana.rows)), Expected{"data_source.secure_json_data password 1: envelope anyone"});
  grafana.AddLegacy("2", kPassword, kOwnKey);
  const ScanReport report = Scanned(grafana.rows);
  EXPECT_EQ(Lines(report), (Expected{"data_source.secure_json_data password 1: envelope unknown",
                                     "data_source.secure_json_data password 2: legacy key-holder"}));
  EXPECT_EQ(CountUnjudged(report), 1U);
  // The other one's key does not make the first one safe.
  const ScanReport with = Scanned(grafana.rows, WithKey(kOwnKey));
  EXPECT_EQ(with.secret_key, GivenKey::kOpens);
  EXPECT_EQ(Lines(with), (Expected{"data_source.secure_json_data password 1: envelope unknown",
                                   "data_source.secure_json_data password 2: legacy given-key"}));
}

TEST(ScanVerdictsTest, ARightKeyThatIsNotProvenIsNotCalledWrong) {
  GrafanaRows grafana(kOwnKey);
  grafana.AddLegacy("1", kTellsLittle);
  grafana.AddLegacy("2", kPassword, "an older key");
  EXPECT_EQ(Scanned(grafana.rows, WithKey(kOwnKey)).secret_key, GivenKey::kNotTold);
  grafana.AddLegacy("3", kPassword);
  EXPECT_EQ(Scanned(grafana.rows, WithKey(kOwnKey)).secret_key, GivenKey::kOpens);
}

TEST(ScanVerdictsTest, TheSecretsOfADatasourceProveAKeyByTheirBraces) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1");
  grafana.rows.Add(
      "secrets",
      {{"id", "1"}, {"type", "datasource"}, {"value", GrafanaRows::Raw(grafana.Envelope("k1", R"({"a":"xyz"})"))}});
  grafana.AddLegacy("2", kPassword, kOwnKey);
  EXPECT_EQ(Lines(Scanned(grafana.rows)), (Expected{"secrets.value  1: envelope anyone",
                                                    "data_source.secure_json_data password 2: legacy key-holder"}));
}

TEST(ScanVerdictsTest, DataKeysThatWereNotReadAreNotGone) {
  GrafanaRows grafana(kOwnKey);
  grafana.MakeDataKey("k1");
  grafana.AddEnvelope("1", "k1", kPassword);
  const Expected unknown{"data_source.secure_json_data password 1: unknown-data-key unknown"};
  const ScanReport without = Scanned(grafana.rows);
  EXPECT_EQ(Lines(without), unknown);
  EXPECT_EQ(without.RowsOf(DataKeyTable::kDataKeys), DataKeyRows::kNoTable);
  MemoryRows few = grafana.rows;
  few.AddEmpty("data_keys", {{"name", ""}, {"provider", ""}});
  EXPECT_EQ(Lines(Scanned(few)), unknown);
  EXPECT_EQ(Scanned(few).RowsOf(DataKeyTable::kDataKeys), DataKeyRows::kNoColumns);
  MemoryRows refused = grafana.rows;
  refused.Add("data_keys", {{"name", ""}, {"encrypted_data", "x"}});
  EXPECT_EQ(Lines(Scanned(refused)), unknown);
  EXPECT_EQ(Scanned(refused).RowsOf(DataKeyTable::kDataKeys), DataKeyRows::kRefused);
  MemoryRows all = grafana.rows;
  all.AddEmpty("data_keys", {{"name", ""}, {"encrypted_data", ""}});
  EXPECT_EQ(Lines(Scanned(all)), Expected{"data_source.secure_json_data password 1: unknown-data-key nobody"});
  EXPECT_EQ(Scanned(all).RowsOf(DataKeyTable::kDataKeys), DataKeyRows::kAll);
}

TEST(ScanVerdictsTest, AKeyIsTriedOnEveryDataKeyWhateverItsProvider) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1", "");
  grafana.AddEnvelope("1", "k1", kPassword);
  EXPECT_EQ(Lines(Scanned(grafana.rows)), Expected{"data_source.secure_json_data password 1: envelope anyone"});
}

TEST(ScanVerdictsTest, OfTwoDataKeysWithOneIdTheDefaultKeysCounts) {
  GrafanaRows grafana;
  grafana.rows.Add("data_keys", {{"name", "k1"}, {"provider", "secretKey.v1"}, {"encrypted_data", "short"}});
  grafana.AddDataKey("k1");
  grafana.AddEnvelope("1", "k1", kPassword);
  EXPECT_EQ(Lines(Scanned(grafana.rows)), Expected{"data_source.secure_json_data password 1: envelope anyone"});
}

TEST(ScanVerdictsTest, OfTwoDataKeysWithOneIdItCannotBeToldWhichIsMeant) {
  GrafanaRows grafana(kOwnKey);
  grafana.AddDataKey("k1");
  grafana.rows.Add("data_keys", {{"name", "k1"}, {"provider", "secretKey.v1"}, {"encrypted_data", "short"}});
  grafana.AddEnvelope("1", "k1", kPassword);
  const Expected unknown{"data_source.secure_json_data password 1: envelope unknown"};
  EXPECT_EQ(Lines(Scanned(grafana.rows)), unknown);
  EXPECT_EQ(Lines(Scanned(grafana.rows, WithKey(kOwnKey))), unknown);
}

TEST(ScanVerdictsTest, ALargeValueWithATagIsTried) {
  GrafanaRows grafana(std::string(kDefaultSecretKey), BlobCipher::kAesGcm);
  const std::string large(100'000, 'p');
  grafana.AddDataKey("k1");
  grafana.AddEnvelope("1", "k1", large);
  grafana.AddLegacy("2", large);
  EXPECT_EQ(Lines(Scanned(grafana.rows)), (Expected{"data_source.secure_json_data password 1: envelope anyone",
                                                    "data_source.secure_json_data password 2: legacy anyone"}));
}

TEST(ScanVerdictsTest, WhatIsNoJsonIsSearchedAsText) {
  MemoryRows rows;
  const std::string token = "xoxb-4711471147-canaryscaninadashboard";
  const std::string secure = R"("secureSettings": {"token": ")" + token + "\"}}";
  rows.Add("alert_configuration", {{"id", "1"}, {"alertmanager_configuration", R"({"a": 1e999, )" + secure}});
  rows.Add("alert_configuration", {{"id", "2"}, {"alertmanager_configuration", "{\"a\": \"\xFF\", " + secure}});
  rows.Add("alert_configuration",
           {{"id", "3"}, {"alertmanager_configuration", R"({"b": ")" + token + R"(", "a": 1e999})"}});
  EXPECT_EQ(Lines(Scanned(rows)), (Expected{"alert_configuration.alertmanager_configuration  1: unreadable unknown",
                                            "alert_configuration.alertmanager_configuration  1: misplaced anyone",
                                            "alert_configuration.alertmanager_configuration  2: unreadable unknown",
                                            "alert_configuration.alertmanager_configuration  2: misplaced anyone",
                                            "alert_configuration.alertmanager_configuration  3: unreadable unknown",
                                            "alert_configuration.alertmanager_configuration b 3: misplaced anyone"}));
}

TEST(ScanVerdictsTest, SecretsInKeysAreFoundAndNotShown) {
  MemoryRows rows;
  const std::string url = "https://u:s3cr3tcanary@h.example/";
  rows.Add("annotation", {{"id", "1"}, {"data", "{\"" + url + "\": 1}"}});
  rows.Add("data_source", {{"id", "2"},
                           {"json_data", "{\"" + url + R"(": {"password": "x1"}})"},
                           {"secure_json_data", "{\"" + url + R"(": "x2"})"}});
  EXPECT_EQ(Lines(Scanned(rows)), (Expected{"annotation.data <key> 1: misplaced anyone",
                                            "data_source.secure_json_data <key> 2: plaintext anyone",
                                            "data_source.secure_json_data <key> 2: misplaced anyone",
                                            "data_source.json_data <key> 2: misplaced anyone",
                                            "data_source.json_data <key>.password 2: misplaced anyone"}));
}

TEST(ScanVerdictsTest, SecretsInNamesAreFoundAndNotShown) {
  MemoryRows rows;
  const std::string url = "https://u:s3cr3tcanary@h.example/";
  rows.Add("dashboard", {{"id", "1"}, {"uid", url}, {"title", "see " + url}, {"data", "{}"}});
  const ScanReport report = Scanned(rows);
  EXPECT_EQ(Lines(report), Expected{"dashboard.title  1: misplaced anyone"});
  const auto name = report.RowName(report.findings[0]);
  ASSERT_EQ(name.size(), 3U);
  EXPECT_EQ(name[1].second, "<name>");
  EXPECT_EQ(name[2].second, "<name>");
}

TEST(ScanVerdictsTest, MoreThanIsKeptIsRefused) {
  MemoryRows keys;
  std::string json;
  for (int i = 0; i < 1'000; ++i) json += (i == 0 ? "{\"" : ",\"") + std::to_string(i) + "\": \"x\"";
  keys.Add("data_source", {{"id", "1"}, {"secure_json_data", json + "}"}});
  GrafanaRows data_keys;
  for (int i = 0; i < 200; ++i) data_keys.AddDataKey(std::to_string(i));
  GrafanaRows samples;
  for (int i = 0; i < 20; ++i) {
    samples.AddLegacy(std::to_string(i), std::string(4'000, 'p'));
  }
  GrafanaRows under_data_keys;
  for (int i = 0; i < 20; ++i) {
    const std::string key = "k" + std::to_string(i);
    under_data_keys.MakeDataKey(key);
    const std::string value = under_data_keys.Envelope(key, std::string(4'000, 'p'));
    under_data_keys.AddDataSource(std::to_string(i), GrafanaRows::Map("password", value));
  }
  for (MemoryRows* const rows : {&keys, &data_keys.rows, &samples.rows, &under_data_keys.rows}) {
    ScanOptions options;
    options.max_kept_bytes = 50'000;
    const auto report = Scan(*rows, options);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ(report.error().limit(), 50'000U);
    options.max_kept_bytes = 500'000;
    EXPECT_TRUE(Scan(*rows, options).ok());
  }
}

}  // namespace
}  // namespace coffer::grafana
