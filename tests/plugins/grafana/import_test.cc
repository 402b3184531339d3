#include "plugins/grafana/import.h"

#include <gtest/gtest.h>

#include "tests/plugins/grafana/grafana_model.h"
#include "tests/plugins/grafana/test_files.h"

namespace coffer::grafana {
namespace {

std::string OneSecret(const std::string& scalar, const std::string& after = "") {
  return "datasources:\n  - name: a\n    secureJsonData:\n      password: " + scalar + "\n" + after;
}

TEST(Import, DevenvSecretsGoInAndComeBackIdentical) {
  const auto text = ReadText(kDevenvFile);
  if (!text) GTEST_SKIP() << kDevenvFile << " is not there";
  const SecureValues before = ReadSecure(*text);
  ASSERT_EQ(before.size(), 8U);

  MemoryVault vault;
  const auto imported = Import(*text, vault);
  ASSERT_TRUE(imported.ok()) << imported.error().ToString();
  EXPECT_EQ(imported->Count(ImportOutcome::kCreated), 8U);
  EXPECT_EQ(vault.size(), 8U);
  EXPECT_EQ(vault.At("grafana/1/gdev-mssql/password"), "Password!");
  for (const auto& [place, value] : ReadSecure(imported->rewritten)) EXPECT_EQ(value, "coffer://grafana/" + place);

  const auto rendered = Render(imported->rewritten, vault);
  ASSERT_TRUE(rendered.ok()) << rendered.error().ToString();
  EXPECT_EQ(ReadAsGrafana(*rendered), before);
}

TEST(Import, DevenvFileChangesOnlyInItsSecretLines) {
  const auto text = ReadText(kDevenvFile);
  if (!text) GTEST_SKIP() << kDevenvFile << " is not there";
  MemoryVault vault;
  const auto imported = Import(*text, vault);
  ASSERT_TRUE(imported.ok());
  std::istringstream old_lines(*text);
  std::istringstream new_lines(imported->rewritten);
  int changed = 0;
  for (std::string old_line, new_line; std::getline(old_lines, old_line);) {
    ASSERT_TRUE(std::getline(new_lines, new_line));
    if (old_line == new_line) continue;
    ++changed;
    EXPECT_TRUE(old_line.starts_with("      password: "));
    EXPECT_TRUE(new_line.starts_with("      password: coffer://grafana/1/"));
  }
  EXPECT_EQ(changed, 8);
}

TEST(Import, EverythingAroundTheValueStays) {
  const std::string text =
      "# top\r\ndatasources:\r\n- name: a  # who\r\n  secureJsonData: # below\r\n    password: &pw 'x' # why\r\n"
      "\r\n    # between\r\n    key: |-  # pem\r\n      l1\r\n      l2\r\n  url: u\t# end";
  const std::string expected =
      "# top\r\ndatasources:\r\n- name: a  # who\r\n  secureJsonData: # below\r\n"
      "    password: &pw 'coffer://grafana/1/a/password' # why\r\n"
      "\r\n    # between\r\n    key: coffer://grafana/1/a/key  # pem\r\n  url: u\t# end";
  MemoryVault vault;
  const auto imported = Import(text, vault);
  ASSERT_TRUE(imported.ok()) << imported.error().ToString();
  EXPECT_EQ(imported->rewritten, expected);
  EXPECT_EQ(vault.At("grafana/1/a/key"), "l1\nl2");
}

TEST(Import, ByteOrderMarkStays) {
  MemoryVault vault;
  const auto imported = Import("\xEF\xBB\xBF" + OneSecret("x"), vault);
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->rewritten, "\xEF\xBB\xBF" + OneSecret("coffer://grafana/1/a/password"));
}

TEST(Import, FlowValuesAreQuoted) {
  MemoryVault vault;
  const auto imported = Import("datasources: [{name: a, secureJsonData: {p: x, \"q\":'y'}}]", vault);
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(
      imported->rewritten,
      "datasources: [{name: a, secureJsonData: {p: \"coffer://grafana/1/a/p\", \"q\":'coffer://grafana/1/a/q'}}]");
}

TEST(Import, SameNameInTwoOrganisationsDoesNotCollide) {
  MemoryVault vault;
  const auto imported = Import(
      "datasources:\n- {name: n, secureJsonData: {p: one}}\n- {name: n, orgId: 2, secureJsonData: {p: two}}\n", vault);
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(vault.At("grafana/1/n/p"), "one");
  EXPECT_EQ(vault.At("grafana/2/n/p"), "two");
}

TEST(Import, UidWinsOverNameAndIsEscaped) {
  MemoryVault vault;
  ASSERT_TRUE(Import("datasources:\n- {name: n, uid: 'a b/c', secureJsonData: {p: x}}\n", vault).ok());
  EXPECT_EQ(vault.At("grafana/1/a%20b%2Fc/p"), "x");
}

TEST(Import, AgainChangesNothing) {
  MemoryVault vault;
  const auto first = Import(OneSecret("x"), vault);
  ASSERT_TRUE(first.ok());
  const int puts = vault.puts;
  const auto second = Import(first->rewritten, vault);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->rewritten, first->rewritten);
  EXPECT_EQ(second->references, 1U);
  EXPECT_EQ(vault.puts, puts);
}

TEST(Import, GoesOnAfterAFailureInTheMiddle) {
  const std::string text = "datasources:\n- {name: a, secureJsonData: {p: one, q: two}}\n";
  MemoryVault vault;
  vault.failing_put = 2;
  const auto failed = Import(text, vault);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
  const auto again = Import(text, vault);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->Count(ImportOutcome::kUnchanged), 1U);
  EXPECT_EQ(again->Count(ImportOutcome::kCreated), 1U);
}

TEST(Import, AnotherValueUnderThePathIsRefusedAndNothingWritten) {
  MemoryVault vault;
  vault.Set("grafana/1/a/q", "old");
  const auto refused = Import("datasources:\n- name: a\n  secureJsonData:\n    p: new\n    q: new\n", vault);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(refused.error().line(), 5U);
  EXPECT_EQ(vault.puts, 0);
}

TEST(Import, OverwriteStoresANewVersion) {
  MemoryVault vault;
  vault.Set("grafana/1/a/password", "old");
  const auto imported = ImportFile(OneSecret("new"), vault, {.dry_run = false, .overwrite = true});
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->Count(ImportOutcome::kUpdated), 1U);
  EXPECT_EQ(vault.At("grafana/1/a/password"), "new");
}

TEST(Import, DryRunWritesNothing) {
  MemoryVault vault;
  const auto imported = ImportFile(OneSecret("x"), vault, {.dry_run = true, .overwrite = false});
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->Count(ImportOutcome::kCreated), 1U);
  EXPECT_EQ(imported->rewritten, OneSecret("coffer://grafana/1/a/password"));
  EXPECT_EQ(vault.puts, 0);
}

TEST(Import, ServiceThatIsDownOrSealedLeavesEverythingAsItWas) {
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kSealed, ErrorCode::kPermissionDenied}) {
    MemoryVault vault;
    vault.failure = code;
    const auto refused = Import(OneSecret("x"), vault);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), code);
    EXPECT_EQ(vault.puts, 0);
  }
}

TEST(Import, DollarsAreNotedByLineAndNeverByValue) {
  MemoryVault vault;
  const auto imported = Import(OneSecret("hunter$2"), vault);
  ASSERT_TRUE(imported.ok());
  ASSERT_EQ(imported->notes.size(), 1U);
  EXPECT_EQ(imported->notes[0].line, 4U);
  EXPECT_EQ(imported->notes[0].text.find("hunter"), std::string_view::npos);
}

TEST(Import, NullsAndOtherPasswordsAreLeftAndNoted) {
  const std::string text = "datasources:\n- name: a\n  basicAuthPassword: old\n  secureJsonData:\n    p:\n    q: ~\n";
  MemoryVault vault;
  const auto imported = Import(text, vault);
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->rewritten, text);
  ASSERT_EQ(imported->notes.size(), 3U);
  EXPECT_EQ(imported->notes[0].line, 3U);
}

TEST(Import, FileWithoutSecretsStaysAsItIs) {
  for (const std::string text : {"", "# nothing\n", "apiVersion: 1\n", "datasources:\n", "datasources: []\n"}) {
    MemoryVault vault;
    const auto imported = Import(text, vault);
    ASSERT_TRUE(imported.ok()) << text;
    EXPECT_EQ(imported->rewritten, text);
    EXPECT_EQ(vault.gets, 0);
  }
}

TEST(Import, AliasedScalarIsOneSecretUnderItsFirstPath) {
  const std::string text =
      "x: &pw s\ndatasources:\n- {name: a, secureJsonData: {p: *pw}}\n- {name: b, secureJsonData: {p: *pw}}\n";
  MemoryVault vault;
  const auto imported = Import(text, vault);
  ASSERT_TRUE(imported.ok()) << imported.error().ToString();
  EXPECT_EQ(vault.size(), 1U);
  EXPECT_EQ(imported->rewritten, "x: &pw coffer://grafana/1/a/p\n" + text.substr(text.find("data")));
  const auto rendered = Render(imported->rewritten, vault);
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(ReadAsGrafana(*rendered), (SecureValues{{"1/a/p", "s"}, {"1/b/p", "s"}}));
}

}  // namespace
}  // namespace coffer::grafana
