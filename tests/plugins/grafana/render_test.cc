#include "plugins/grafana/render.h"

#include <gtest/gtest.h>

#include "tests/plugins/grafana/grafana_model.h"
#include "tests/plugins/grafana/test_files.h"

namespace coffer::grafana {
namespace {

std::string Quoted(const std::string& value) {
  const auto quoted = QuoteForGrafana(SecretBytes::CopyOf(AsBytes(value)));
  EXPECT_TRUE(quoted.ok());
  return quoted.ok() ? std::string(AsText(quoted->Expose(SecretAccess::kTest))) : "";
}

std::string File(const std::string& name, const std::string& reference) {
  return "datasources:\n- name: " + name + "\n  secureJsonData:\n    p: " + reference + "\n";
}

TEST(Quote, WritesWhatYamlReadersAgreeAbout) {
  const std::pair<std::string, std::string> table[] = {
      {"", R"("")"},
      {"plain text", R"("plain text")"},
      {"a\"b\\c", R"("a\"b\\c")"},
      {"$", R"("$$")"},
      {"a$$b${HOME}", R"("a$$$$b$${HOME}")"},
      {"\n\r\t\x01\x7F", R"("\n\r\t\x01\x7F")"},
      {"é€😀", R"("é€😀")"},
      {"\xC2\x80\xC2\x85\xC2\x9F\xC2\xA0", "\"\\x80\\x85\\x9F\xC2\xA0\""},
      {"\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xA9", "\"\xE2\x80\xA7\\u2028\\u2029\""},
      {"\xEF\xBB\xBF\xEF\xBF\xBD\xEF\xBF\xBE\xEF\xBF\xBF", "\"\\uFEFF\xEF\xBF\xBD\\uFFFE\\uFFFF\""},
  };
  for (const auto& [value, expected] : table) EXPECT_EQ(Quoted(value), expected);
}

TEST(Quote, EveryByteOfAsciiComesBack) {
  for (char c = 1; c > 0 && c < 0x7F; ++c) {
    const std::string value = std::string(1, c) + "x" + c;
    EXPECT_EQ(ReadAsGrafana(File("a", Quoted(value))), (SecureValues{{"1/a/p", value}}));
  }
}

TEST(Quote, RefusesWhatYamlCannotHold) {
  for (const std::string& value : {std::string("\0", 1), std::string("a\0b", 3), std::string("\xFF"),
                                   std::string("\xC3"), std::string("\xED\xA0\x80")}) {
    EXPECT_FALSE(QuoteForGrafana(SecretBytes::CopyOf(AsBytes(value))).ok());
  }
}

TEST(Render, ReplacesReferencesInEveryStyle) {
  MemoryVault vault;
  vault.Set("grafana/1/a/p", "s$");
  for (const std::string style :
       {"coffer://grafana/1/a/p", "'coffer://grafana/1/a/p' # c", "\"coffer://grafana/1/a/p\"",
        "&x !!str coffer://grafana/1/a/p", "|-\n      coffer://grafana/1/a/p", "\"\\x63offer://grafana/1/a/p\""}) {
    const auto rendered = Render(File("a", style), vault);
    ASSERT_TRUE(rendered.ok()) << style << rendered.error().ToString();
    EXPECT_EQ(ReadAsGrafana(*rendered), (SecureValues{{"1/a/p", "s$"}})) << style;
  }
}

TEST(Render, VersionOfAReferenceIsHonoured) {
  MemoryVault vault;
  vault.Set("grafana/1/a/p", "first");
  vault.Set("grafana/1/a/p", "second");
  const auto rendered = Render(File("a", "coffer://grafana/1/a/p#1"), vault);
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(ReadAsGrafana(*rendered)["1/a/p"], "first");
}

TEST(Render, StoredReferenceIsNotFollowed) {
  MemoryVault vault;
  vault.Set("grafana/1/a/p", "coffer://grafana/1/b/p");
  vault.Set("grafana/1/b/p", "other");
  const auto rendered = Render(File("a", "coffer://grafana/1/a/p"), vault);
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(ReadAsGrafana(*rendered)["1/a/p"], "coffer://grafana/1/b/p");
}

TEST(Render, StoredYamlIsOnlyText) {
  MemoryVault vault;
  const std::string hostile = "x\"\n    url: http://evil\n\"";
  vault.Set("grafana/1/a/p", hostile);
  const auto rendered = Render(File("a", "coffer://grafana/1/a/p"), vault);
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(ReadAsGrafana(*rendered), (SecureValues{{"1/a/p", hostile}}));
}

TEST(Render, ReferenceOfAnotherDatasourceIsRefused) {
  MemoryVault vault;
  for (const char* path : {"grafana/1/b/p", "grafana/2/a/p", "grafana/1/a/q", "grafana/secret_key", "other"}) {
    vault.Set(path, "s");
    const auto rendered = Render(File("a", std::string("coffer://") + path), vault);
    ASSERT_FALSE(rendered.ok()) << path;
    EXPECT_EQ(rendered.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(rendered.error().line(), 4U);
  }
  EXPECT_EQ(vault.gets, 0);
}

TEST(Render, ListedPathIsSharedByAll) {
  MemoryVault vault;
  vault.Set("team/password", "s");
  const auto rendered = Render(File("a", "coffer://team/password"), vault, {{"team/password"}});
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(ReadAsGrafana(*rendered)["1/a/p"], "s");
}

TEST(Render, ReferenceOutsideSecureJsonDataIsRefusedBeforeAnyFetch) {
  MemoryVault vault;
  vault.Set("grafana/1/a/p", "s");
  const std::string file = File("a", "coffer://grafana/1/a/p");
  for (const std::string field : {"url", "user", "database", "jsonData"}) {
    const auto rendered = Render(file + "  " + field + ": coffer://grafana/1/a/p\n", vault);
    ASSERT_FALSE(rendered.ok()) << field;
    EXPECT_EQ(rendered.error().line(), 5U);
  }
  EXPECT_FALSE(Render(File("a", "&s coffer://grafana/1/a/p") + "  url: *s\n", vault).ok());
  EXPECT_EQ(vault.gets, 0);
}

TEST(Render, FailureOfTheVaultNamesPathAndLine) {
  MemoryVault vault;
  const auto missing = Render(File("a", "coffer://grafana/1/a/p"), vault);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().path(), "grafana/1/a/p");
  EXPECT_EQ(missing.error().line(), 4U);
}

TEST(Render, ValueThatYamlCannotHoldIsRefusedByPath) {
  MemoryVault vault;
  vault.Set("grafana/1/a/p", "\xFF");
  const auto refused = Render(File("a", "coffer://grafana/1/a/p"), vault);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().path(), "grafana/1/a/p");
}

TEST(Render, PlainTextIsLeftAndCounted) {
  const FetchSecret none = [](const SecretReference&) -> Result<SecretBytes> {
    return Error(ErrorCode::kInternal, "not asked");
  };
  const std::string file = File("a", "$PASSWORD");
  const auto rendered = RenderFile(file, none, {});
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(rendered->plaintexts, 1U);
  EXPECT_EQ(AsText(rendered->text.Expose(SecretAccess::kTest)), file);
}

TEST(GrafanaModel, ExpandsWhatIsNotDoubled) {
  EXPECT_EQ(Interpolate("a$$b"), "a$b");
  EXPECT_EQ(Interpolate("$$$$"), "$$");
  EXPECT_EQ(Interpolate("$$$"), "$<expanded>");
  EXPECT_EQ(Interpolate("a$HOME"), "<expanded>");
}

}  // namespace
}  // namespace coffer::grafana
