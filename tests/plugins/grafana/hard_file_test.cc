#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/plugins/grafana/grafana_model.h"
#include "tests/plugins/grafana/test_files.h"

namespace coffer::grafana {
namespace {

// What another YAML implementation (PyYAML) reads in hard.yaml.
SecureValues HardValues() {
  SecureValues values;
  for (const auto& item : nlohmann::json::parse(ReadText(kHardValues).value())) {
    values[item["org"].get<std::string>() + "/" + item["id"].get<std::string>() + "/" +
           item["key"].get<std::string>()] = item["value"].get<std::string>();
  }
  return values;
}

std::string WithCrLf(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

void ExpectRoundTrip(const std::string& text) {
  const SecureValues expected = HardValues();
  ASSERT_EQ(expected.size(), 55U);
  MemoryVault vault;
  const auto imported = Import(text, vault);
  ASSERT_TRUE(imported.ok()) << imported.error().ToString();
  for (const auto& [place, value] : ReadSecure(imported->rewritten))
    EXPECT_TRUE(value.starts_with("coffer://grafana/")) << place;
  const auto rendered = Render(imported->rewritten, vault);
  ASSERT_TRUE(rendered.ok()) << rendered.error().ToString();
  const SecureValues got = ReadAsGrafana(*rendered);
  for (const auto& [place, value] : expected) {
    ASSERT_TRUE(got.contains(place)) << place;
    EXPECT_EQ(got.at(place), value) << place;
  }
  EXPECT_EQ(got.size(), expected.size());
}

TEST(HardFile, EveryValueComesBackIdentical) { ExpectRoundTrip(ReadText(kHardFile).value()); }

TEST(HardFile, EveryValueComesBackIdenticalWithCrLf) { ExpectRoundTrip(WithCrLf(ReadText(kHardFile).value())); }

TEST(HardFile, CommentsAnchorsAndOrderStay) {
  const std::string text = ReadText(kHardFile).value();
  MemoryVault vault;
  const auto imported = Import(text, vault);
  ASSERT_TRUE(imported.ok());
  std::size_t at = 0;
  for (const std::string kept :
       {"# the comment stays", "# Not read by Grafana", "&shared-pw \"coffer://", "# one scalar, one secret",
        "&base-secure", "user: $USER            # expanded by Grafana, as before", "# a comment with 'quotes'",
        "!!str coffer://", "# the key", "# a comment between two values", "# comment in flow",
        "password: *shared-pw   # the same scalar", "&late !!str \"coffer", "<<: *base-secure",
        "# the last comment, without a line end"}) {
    const std::size_t found = imported->rewritten.find(kept, at);
    ASSERT_NE(found, std::string::npos) << kept;
    at = found;
  }
  EXPECT_TRUE(imported->rewritten.ends_with("without a line end"));
}

TEST(HardFile, NoLongValueSurvives) {
  MemoryVault vault;
  const auto imported = Import(ReadText(kHardFile).value(), vault);
  ASSERT_TRUE(imported.ok());
  for (const auto& [place, value] : HardValues()) {
    const std::string first_line = value.substr(0, value.find('\n'));
    if (first_line.size() < 12) continue;
    EXPECT_EQ(imported->rewritten.find(first_line), std::string::npos) << place;
  }
}

}  // namespace
}  // namespace coffer::grafana
