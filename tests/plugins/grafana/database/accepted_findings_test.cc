#include "plugins/grafana/database/accepted_findings.h"

#include <random>

#include "plugins/grafana/database/report.h"
#include "tests/plugins/grafana/database/scanned.h"

namespace coffer::grafana {
namespace {

using Entries = std::vector<AcceptedFindings::Entry>;

const std::string kUrl = "anyone  misplaced:url-password  data_source.url: id=1 org_id=1";

AcceptedFindings Parsed(std::string_view text) {
  auto accepted = AcceptedFindings::Parse(text);
  EXPECT_TRUE(accepted.ok()) << accepted.error().ToString();
  return std::move(accepted).value();
}

// A password in a URL, and what else a test adds.
MemoryRows WithUrl(const std::string& url = "http://u:pw@h/") {
  MemoryRows rows;
  rows.Add("data_source", {{"id", "1"}, {"org_id", "1"}, {"url", url}});
  return rows;
}

// Every finding that counts, a line each.
std::string AllLines(const ScanReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) text += "  " + LineOf(report, finding) + "\r\n";
  return text;
}

TEST(AcceptedFindingsTest, WhatIsAcceptedIsShownAndCountsNoMore) {
  MemoryRows rows = WithUrl();
  ScanReport report = Scanned(rows);
  EXPECT_EQ(LineOf(report, report.findings[0]), kUrl);
  EXPECT_TRUE(IsExposed(report));
  EXPECT_TRUE(Parsed("# an example\n\n  " + kUrl + "  \n").Mark(report).empty());
  EXPECT_TRUE(report.findings[0].accepted);
  EXPECT_FALSE(IsExposed(report) || IsUnjudged(report));
  EXPECT_EQ(CountAccepted(report), 1U);
  EXPECT_EQ(CountReadableBy(report, ReadableBy::kAnyone), 1U);
  const ReportText text = TextOf(report);
  EXPECT_EQ(text.headline, "1 secret can be read by whoever holds this database; 1 finding is accepted.");
  ASSERT_EQ(text.groups.size(), 1U);
  EXPECT_TRUE(text.groups[0].is_accepted);
  EXPECT_FALSE(text.groups[0].is_exposed);
  EXPECT_FALSE(text.is_exposed);
  EXPECT_TRUE(text.steps.empty());
}

TEST(AcceptedFindingsTest, EveryFindingThatCountsCanBeAccepted) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1");
  grafana.AddEnvelope("1", "k1", kPassword);
  grafana.AddLegacy("2", kPassword);
  grafana.AddDataSource("3", "broken");
  grafana.rows.Add("data_source", {{"id", "4"},
                                   {"name", " two  spaces: and # and \x1B[2J "},
                                   {"url", "http://u:pw@h/"},
                                   {"json_data", R"({"a: b  c": {"apiKey": "x"}})"}});
  grafana.rows.Add("data_source", {{"password", "without a name"}});
  grafana.rows.Add("secret_encrypted_value", {{"namespace", "n"}, {"encrypted_data", "x"}});
  ScanReport report = Scanned(grafana.rows);
  ASSERT_EQ(report.findings.size(), 7U);
  EXPECT_TRUE(Parsed(AllLines(report)).Mark(report).empty());
  EXPECT_EQ(CountAccepted(report), 7U);
  EXPECT_FALSE(IsExposed(report) || IsUnjudged(report));
}

TEST(AcceptedFindingsTest, AnotherKindOfSecretAtTheSamePlaceIsNotAccepted) {
  MemoryRows rows = WithUrl("http://u:pw@h/?t=xoxb-4711471147-canaryscaninadashboard");
  ScanReport report = Scanned(rows);
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_TRUE(Parsed(kUrl).Mark(report).empty());
  EXPECT_EQ(CountAccepted(report), 1U);
  EXPECT_TRUE(IsExposed(report));
}

TEST(AcceptedFindingsTest, AnotherReaderIsNotAccepted) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1");
  grafana.AddEnvelope("1", "k1", kPassword);
  ScanReport report = Scanned(grafana.rows);
  std::string line = LineOf(report, report.findings[0]);
  line.replace(0, 6, "unknown");
  EXPECT_EQ(Parsed(line).Mark(report).size(), 1U);
  EXPECT_TRUE(IsExposed(report));
}

TEST(AcceptedFindingsTest, AnotherRowColumnPathOrProtectionIsNotAccepted) {
  MemoryRows rows = WithUrl();
  ScanReport report = Scanned(rows);
  for (const std::string line : {"anyone  misplaced:url-password  data_source.url: id=11 org_id=1",
                                 "anyone  misplaced:url-password  data_source.url: id=1",
                                 "anyone  misplaced:url-password  data_source.url: x of id=1 org_id=1",
                                 "anyone  misplaced:url-password  data_source.name: id=1 org_id=1",
                                 "anyone  misplaced:named-key  data_source.url: id=1 org_id=1",
                                 "anyone  plaintext  data_source.url: id=1 org_id=1",
                                 "unknown  misplaced:url-password  data_source.url: id=1"}) {
    const Entries stale = Parsed(line).Mark(report);
    ASSERT_EQ(stale.size(), 1U) << line;
    EXPECT_EQ(stale[0].text, line);
  }
  EXPECT_EQ(CountAccepted(report), 0U);
}

// Two places that cannot be told apart are two.
TEST(AcceptedFindingsTest, AnEntryAcceptsOneFinding) {
  MemoryRows rows;
  for (int i = 0; i < 3; ++i) rows.Add("data_source", {{"password", "hunter2"}});
  const std::string line = "anyone  plaintext  data_source.password: a row without a name\n";
  for (const std::size_t entries : {1U, 2U, 3U, 5U}) {
    ScanReport report = Scanned(rows);
    std::string text;
    for (std::size_t i = 0; i < entries; ++i) text += line;
    EXPECT_EQ(Parsed(text).Mark(report).size(), entries > 3 ? entries - 3 : 0);
    EXPECT_EQ(CountAccepted(report), std::min<std::size_t>(entries, 3));
    EXPECT_EQ(IsExposed(report), entries < 3);
  }
}

TEST(AcceptedFindingsTest, StaleEntriesAreGivenWithTheirLines) {
  MemoryRows rows = WithUrl();
  ScanReport report = Scanned(rows);
  const std::string gone = "anyone  plaintext  user_auth.o_auth_id_token: id=";
  const Entries stale = Parsed(gone + "9\n# c\n" + kUrl + "\n\n" + gone + "1").Mark(report);
  ASSERT_EQ(stale.size(), 2U);
  EXPECT_EQ(stale[0].line, 1U);
  EXPECT_EQ(stale[1].line, 5U);
  EXPECT_EQ(stale[1].text, gone + "1");
  EXPECT_FALSE(IsExposed(report));
}

TEST(AcceptedFindingsTest, ATableThatWasNotExaminedIsNeverAccepted) {
  MemoryRows rows = WithUrl();
  rows.AddOther("user_auth", TableKind::kView);
  ScanReport report = Scanned(rows);
  EXPECT_TRUE(Parsed(kUrl).Mark(report).empty());
  EXPECT_TRUE(IsUnjudged(report));
}

class BadAcceptedTest : public testing::TestWithParam<std::string> {};

TEST_P(BadAcceptedTest, IsRefusedWithItsLine) {
  const auto accepted = AcceptedFindings::Parse("# fine\n" + kUrl + "\n" + GetParam() + "\n" + kUrl);
  ASSERT_FALSE(accepted.ok()) << GetParam();
  EXPECT_EQ(accepted.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(accepted.error().line(), 3U);
  EXPECT_EQ(accepted.error().ToString().find("id="), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadAcceptedTest,
    testing::Values("*", "anyone", "anyone  ", "data_source.url: id=1", "misplaced:url-password  data_source.url: id=1",
                    "anyone  data_source.url: id=1", "anyone  misplaced:url-password  data_source.url",
                    "anyone  misplaced:url-password  data_source.url: ", "anyone  misplaced  data_source.url: id=1",
                    "anyone  misplaced:  data_source.url: id=1", "anyone  misplaced:other  data_source.url: id=1",
                    "anyone  plaintext:url-password  data_source.url: id=1", "anyone  *  data_source.url: id=1",
                    "Anyone  plaintext  data_source.url: id=1", "*  plaintext  data_source.url: id=1",
                    "anyone plaintext data_source.url: id=1", "anyone\tplaintext\tdata_source.url: id=1",
                    "key-holder  envelope  data_source.secure_json_data: id=1",
                    "given-key  envelope  data_source.secure_json_data: id=1",
                    "nobody  unknown-data-key  data_source.secure_json_data: id=1",
                    "anyone  plaintext  data_source: id=1", "anyone  plaintext  .url: id=1",
                    "anyone  plaintext  data_source.: id=1", "anyone  plaintext  *: id=1",
                    "anyone  plaintext  data_sourceXurl: id=1", "anyone  plaintext  shop.price: id=1",
                    "anyone  plaintext  data_source.url: id=\x1B[2J", "anyone  plaintext  data_source.url: id=\xFF",
                    "anyone  plaintext  data_source.url: id=\xC2\x9B"
                    "1",
                    "anyone  plaintext  data_source.url: i\td",
                    std::string("anyone  plaintext  data_source.url: \0", 36), "\xEF\xBB\xBF# a mark of byte order"));

TEST(AcceptedFindingsTest, SizeAndEntriesAreLimited) {
  std::string text;
  for (std::size_t i = 0; i < AcceptedFindings::kMaxEntries; ++i) text += kUrl + "\n";
  EXPECT_TRUE(AcceptedFindings::Parse(text + "\n# more\n").ok());
  const auto many = AcceptedFindings::Parse(text + kUrl);
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().line(), AcceptedFindings::kMaxEntries + 1);
  EXPECT_EQ(many.error().limit(), AcceptedFindings::kMaxEntries);
  EXPECT_TRUE(AcceptedFindings::Parse(std::string(AcceptedFindings::kMaxBytes, '#')).ok());
  EXPECT_FALSE(AcceptedFindings::Parse(std::string(AcceptedFindings::kMaxBytes + 1, '#')).ok());
}

// Whatever the bytes, it is refused, or it accepts nothing that it does not spell.
TEST(AcceptedFindingsTest, DamagedEntriesAcceptNothingElse) {
  MemoryRows rows = WithUrl();
  std::mt19937 random(7);
  for (int i = 0; i < 5'000; ++i) {
    std::string text = kUrl;
    for (std::size_t changes = random() % 3 + 1; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      const std::size_t what = random() % 3;
      if (what == 0) text[at] = static_cast<char>(random());
      if (what == 1) text.erase(at, 1);
      if (what == 2) text.insert(at, 1, static_cast<char>(random()));
    }
    const auto accepted = AcceptedFindings::Parse(text);
    if (!accepted.ok()) continue;
    ScanReport report = Scanned(rows);
    accepted->Mark(report);
    EXPECT_TRUE(CountAccepted(report) == 0 || text.find(kUrl) != std::string::npos) << text;
  }
}

}  // namespace
}  // namespace coffer::grafana
