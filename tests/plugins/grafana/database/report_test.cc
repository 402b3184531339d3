#include "plugins/grafana/database/report.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/plugins/grafana/database/scanned.h"

namespace coffer::grafana {
namespace {

using known_answers::Secret;

std::string JsonOf(const ScanReport& report) {
  std::string json;
  EXPECT_TRUE(WriteReportJson(report, [&json](std::string_view piece) -> Status {
                json += piece;
                return {};
              }).ok());
  return json;
}

// One exposed, one under a lost data key, one unreadable, a session.
GrafanaRows SmallGrafana() {
  GrafanaRows grafana;
  grafana.AddDataKey("k1");
  grafana.MakeDataKey("gone");
  grafana.AddEnvelope("1", "k1", kPassword);
  grafana.AddEnvelope("2", "gone", kPassword);
  grafana.AddDataSource("3", "broken");
  grafana.rows.Add("user_auth_token", {{"id", "1"}, {"user_id", "1"}});
  return grafana;
}

TEST(ReportTest, TextHasHeadlineGroupsFactsAndSteps) {
  GrafanaRows grafana = SmallGrafana();
  const ReportText text = TextOf(Scanned(grafana.rows));
  EXPECT_EQ(text.headline, "1 of 2 secrets can be read by whoever holds this database; 1 value could not be judged.");
  EXPECT_TRUE(text.is_exposed);
  EXPECT_TRUE(text.is_unjudged);
  ASSERT_EQ(text.groups.size(), 3U);
  const ReportGroup& exposed = text.groups[0];
  EXPECT_EQ(exposed.column, "data_source.secure_json_data");
  EXPECT_EQ(exposed.protection, "data key, aes-cfb, under the default key");
  EXPECT_EQ(exposed.readable_by, "anyone");
  EXPECT_EQ(exposed.count, 1U);
  EXPECT_EQ(exposed.example, "password of id=1 org_id=1 type=postgres uid=ds1 name=Source 1");
  EXPECT_TRUE(exposed.is_exposed);
  EXPECT_EQ(text.groups[1].protection, "a data key without a row, aes-cfb");
  EXPECT_EQ(text.groups[1].readable_by, "nobody");
  EXPECT_FALSE(text.groups[1].is_exposed);
  EXPECT_EQ(text.groups[2].protection, "cannot be read");
  EXPECT_TRUE(text.groups[2].is_unjudged);
  EXPECT_EQ(text.facts,
            (Expected{"Data keys open with the secret_key that Grafana ships, which everybody knows.",
                      "1 data key: 1 active, 0 old.", "1 data key is gone, and with it 1 value.",
                      "1 value could not be read; look at it.",
                      "1 session is kept as hashes keyed with secret_key: another secret_key logs everybody out."}));
  EXPECT_EQ(text.steps.size(), 3U);
}

TEST(ReportTest, HeadlinesCount) {
  MemoryRows rows;
  rows.AddEmpty("data_source", {{"password", ""}});
  EXPECT_EQ(TextOf(Scanned(rows)).headline, "No secret was found in this database.");
  EXPECT_TRUE(TextOf(Scanned(rows)).steps.empty());
  rows.Add("data_source", {{"id", "1"}, {"password", "hunter2"}});
  EXPECT_EQ(TextOf(Scanned(rows)).headline, "1 secret can be read by whoever holds this database.");
  rows.Add("data_source", {{"id", "2"}, {"password", "hunter2"}});
  EXPECT_EQ(TextOf(Scanned(rows)).headline, "2 secrets can be read by whoever holds this database.");
  GrafanaRows own("a key of its own");
  own.AddLegacy("1", kPassword);
  const ReportText text = TextOf(Scanned(own.rows));
  EXPECT_EQ(text.headline, "0 of 1 secret can be read by whoever holds this database.");
  EXPECT_FALSE(text.is_exposed);
  EXPECT_FALSE(text.is_unjudged);
  MemoryRows broken;
  broken.Add("data_source", {{"id", "1"}, {"secure_json_data", "{"}});
  broken.Add("data_source", {{"id", "2"}, {"secure_json_data", "{"}});
  EXPECT_EQ(TextOf(Scanned(broken)).headline, "No secret was found in this database; 2 values could not be judged.");
}

TEST(ReportTest, WhatCannotBeToldIsToldOf) {
  GrafanaRows grafana;
  grafana.AddLegacy("1", "hunter2!");
  grafana.AddLegacy("2", kPassword, "another key");
  const ReportText text = TextOf(Scanned(grafana.rows));
  EXPECT_EQ(text.headline, "0 of 2 secrets can be read by whoever holds this database; 1 value could not be judged.");
  EXPECT_EQ(text.facts, Expected{"Whether the default key opens 1 encrypted value cannot be told."});
  EXPECT_EQ(text.steps,
            Expected{"Grafana's secret_key may tell of values that could not be judged: --secret-key-file FILE"});
}

TEST(ReportTest, MissingDataKeysAreToldOfWithTheirReason) {
  GrafanaRows grafana;
  grafana.MakeDataKey("k1");
  grafana.AddEnvelope("1", "k1", kPassword);
  EXPECT_EQ(
      TextOf(Scanned(grafana.rows)).facts,
      Expected{"There is no table data_keys in what was scanned: who can read the 1 value under 1 data key without "
               "a row cannot be told."});
  const auto json = nlohmann::json::parse(JsonOf(Scanned(grafana.rows)));
  EXPECT_EQ(json["data_key_rows"]["data_keys"], "no-table");
  EXPECT_EQ(json["unjudged"], 1);
}

TEST(ReportTest, WhatWasNotExaminedIsToldOfWithItsReason) {
  MemoryRows rows;
  rows.AddEmpty("user_auth_token", {{"id", ""}});
  rows.AddOther("data_source", TableKind::kView);
  const ReportText one = TextOf(Scanned(rows));
  EXPECT_EQ(one.headline, "No secret was found in this database; 1 table was not examined.");
  EXPECT_TRUE(one.is_unjudged);
  EXPECT_EQ(one.facts, Expected{"data_source: not examined: it is a view, not a table."});
  rows.AddOther("user_auth", TableKind::kForeignTable);
  const ReportText two = TextOf(Scanned(rows));
  EXPECT_EQ(two.headline, "No secret was found in this database; 2 tables were not examined.");
  EXPECT_EQ(two.facts.at(1), "user_auth: not examined: it is a foreign table, whose rows are elsewhere.");
  const auto json = nlohmann::json::parse(JsonOf(Scanned(rows)));
  EXPECT_EQ(json["not_examined"], nlohmann::json::parse(R"([{"table": "data_source", "is": "view"},
                                                           {"table": "user_auth", "is": "foreign-table"}])"));
  EXPECT_EQ(json["tables"], nlohmann::json::parse(R"(["user_auth_token"])"));
}

TEST(ReportTest, TheGivenKeyIsToldOf) {
  GrafanaRows grafana("a key of its own");
  grafana.AddLegacy("1", kPassword);
  const auto fact = [&grafana](const std::string& key) {
    ScanOptions options;
    options.secret_key = Secret(key);
    return TextOf(Scanned(grafana.rows, std::move(options))).facts.at(0);
  };
  EXPECT_EQ(fact("a key of its own"), "The given key is the secret_key of this database.");
  EXPECT_EQ(fact("another"), "The given key opens nothing here: it is not the secret_key of this database.");
  EXPECT_EQ(fact(std::string(kDefaultSecretKey)), "The given key is the public default of Grafana.");
}

TEST(ReportTest, JsonIsOneObjectWithEveryFinding) {
  GrafanaRows grafana = SmallGrafana();
  const auto json = nlohmann::json::parse(JsonOf(Scanned(grafana.rows)));
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["exposed"], 1);
  EXPECT_EQ(json["secrets"], 2);
  EXPECT_EQ(json["unreadable"], 1);
  EXPECT_EQ(json["unjudged"], 1);
  EXPECT_EQ(json["data_key_rows"]["data_keys"], "all");
  EXPECT_EQ(json["sessions"], 1);
  EXPECT_EQ(json["readable_by"]["nobody"], 1);
  EXPECT_EQ(json["secret_key"], "none");
  EXPECT_TRUE(json["personal"].is_null());
  EXPECT_EQ(json["groups"].size(), 3U);
  ASSERT_EQ(json["findings"].size(), 3U);
  const auto expected = nlohmann::json::parse(R"({"table": "data_source", "column": "secure_json_data",
      "row": {"id": "1", "org_id": "1", "type": "postgres", "uid": "ds1", "name": "Source 1"}, "path": "password",
      "sensitivity": "secret", "protection": "envelope", "cipher": "aes-cfb", "data_key": "k1", "misplaced": null,
      "readable_by": "anyone", "inferred": false, "accepted": false,
      "line":
        "anyone  envelope  data_source.secure_json_data: password of id=1 org_id=1 type=postgres uid=ds1 name=Source 1"
      })");
  EXPECT_EQ(json["findings"][0], expected);
  EXPECT_EQ(json["findings"][1]["data_key"], "gone");
  EXPECT_TRUE(json["findings"][2]["data_key"].is_null());
  EXPECT_EQ(json["data_keys"][0]["id"], "k1");
  EXPECT_EQ(json["data_keys"][0]["cells"], 1);
  EXPECT_EQ(json["data_keys"][1]["has_row"], false);
  EXPECT_TRUE(json["data_keys"][1]["provider"].is_null());
}

TEST(ReportTest, JsonHasAFindingALine) {
  GrafanaRows grafana = SmallGrafana();
  const std::string json = JsonOf(Scanned(grafana.rows));
  EXPECT_EQ(std::count(json.begin(), json.end(), '\n'), 4 + 3 + 2 + 3);
  EXPECT_TRUE(json.ends_with("}]}\n"));
}

TEST(ReportTest, AnEmptyDatabasesJsonIsWhole) {
  MemoryRows rows;
  rows.AddEmpty("data_source", {{"password", ""}});
  const auto json = nlohmann::json::parse(JsonOf(Scanned(rows)));
  EXPECT_TRUE(json["findings"].empty());
  EXPECT_TRUE(json["data_keys"].empty());
  EXPECT_EQ(json["tables"], nlohmann::json::parse(R"(["data_source"])"));
}

TEST(ReportTest, NamesAreMadeHarmless) {
  MemoryRows rows;
  rows.Add("data_source", {{"id", "1"}, {"name", "\x1B[2J\nline\xC2\x9B!"}, {"uid", "\xFF"}, {"password", "hunter2"}});
  rows.Add("data_source", {{"password", "hunter2"}});
  rows.Add("data_source", {{"id", "3"}, {"json_data", R"({"\u001b[2J\u009b\npassword": "hunter2"})"}});
  const ScanReport report = Scanned(rows);
  EXPECT_EQ(PlaceOf(report, report.findings[2]), "data_source.json_data: ?[2J??password of id=3");
  EXPECT_EQ(PlaceOf(report, report.findings[0]), "data_source.password: id=1 uid=? name=?[2J?line?!");
  EXPECT_EQ(PlaceOf(report, report.findings[1]), "data_source.password: a row without a name");
  const std::string json = JsonOf(report);
  EXPECT_TRUE(nlohmann::json::accept(json));
  EXPECT_EQ(json.find('\x1B'), std::string::npos);
}

TEST(ReportTest, JsonHasNothingThatATerminalObeys) {
  MemoryRows rows;
  rows.Add("data_source",
           {{"id", "1"}, {"name", "\xC2\x9B\x7F\xE2\x80\xAE\xE2\x80\xA8\xC3\xA4"}, {"password", "hunter2"}});
  const std::string json = JsonOf(Scanned(rows));
  EXPECT_TRUE(std::all_of(json.begin(), json.end(), [](char c) { return c == '\n' || (c >= ' ' && c < '\x7F'); }));
  EXPECT_EQ(nlohmann::json::parse(json)["findings"][0]["row"]["name"], "\xC2\x9B?\xE2\x80\xAE\xE2\x80\xA8\xC3\xA4");
}

TEST(ReportTest, LongNamesAreCut) {
  MemoryRows rows;
  const std::string long_name(5'000, 'n');
  rows.Add("data_source",
           {{"id", "1"}, {"name", long_name}, {"json_data", "{\"" + long_name + "Token\": \"hunter2\"}"}});
  const ScanReport report = Scanned(rows);
  EXPECT_LE(PlaceOf(report, report.findings[0]).size(), 200U);
  EXPECT_LE(TextOf(report).groups[0].example.size(), 110U);
  MemoryRows split;
  split.Add("data_source", {{"name", std::string(63, 'n') + "\xC3\xA9tude"}, {"password", "hunter2"}});
  const ScanReport cut = Scanned(split);
  EXPECT_EQ(PlaceOf(cut, cut.findings[0]), "data_source.password: name=" + std::string(63, 'n'));
}

TEST(ReportTest, AnErrorOfTheOutputEndsIt) {
  GrafanaRows grafana = SmallGrafana();
  int pieces = 0;
  const Status written = WriteReportJson(Scanned(grafana.rows), [&pieces](std::string_view) -> Status {
    return ++pieces < 4 ? Status() : Error(ErrorCode::kUnavailable, "full");
  });
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().message(), "full");
  EXPECT_EQ(pieces, 4);
}

}  // namespace
}  // namespace coffer::grafana
