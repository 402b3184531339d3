#include "policy/catalog.h"

#include "policy/catalog_keys.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

TEST(Catalog, SecretsGetCommitmentPaddingAndRowBindingByDefault) {
  const Catalog catalog = MustParse(kShopCatalog);
  EXPECT_EQ(catalog.scope, "shop");
  ASSERT_EQ(catalog.fields.size(), 3u);
  const FieldDeclaration& password = catalog.fields[0].declaration;
  EXPECT_EQ(catalog.fields[0].name.ToText(), "connection.password");
  EXPECT_EQ(password.field_class, FieldClass::kSecret);
  EXPECT_EQ(password.form, (FieldForm{Suite::kXaes256GcmCommitting, 32, true, true}));
  EXPECT_EQ(password.row, std::vector<ValueType>{ValueType::kUuid});
}

TEST(Catalog, OtherClassesGetSuiteOneWithoutPaddingByDefault) {
  const Catalog catalog = MustParse(kShopCatalog);
  ASSERT_EQ(catalog.fields.size(), 3u);
  EXPECT_EQ(catalog.fields[1].declaration.form, (FieldForm{Suite::kXaes256Gcm, 0, false, false}));
  EXPECT_EQ(catalog.fields[2].declaration.form, (FieldForm{Suite::kXaes256Gcm, 0, true, false}));
  EXPECT_EQ(catalog.fields[2].declaration.row, (std::vector{ValueType::kInt64, ValueType::kText}));
}

TEST(Catalog, BoundColumnsAreSortedByName) {
  const Catalog catalog = MustParse(kShopCatalog);
  const std::vector<BoundType> expected = {{"login", ValueType::kText}, {"url", ValueType::kText}};
  EXPECT_EQ(catalog.fields[0].declaration.bind, expected);
}

TEST(Catalog, EveryKeyIsRead) {
  const Catalog catalog = MustParse(EmailCatalog(R"(class = "secret"
keyring = "k"
row = "bytes"
suite = 1
pad = 16
bind_row = true
unbound = "login and search need it \u00fc"
renamed_from = "user.mail"
accept_unbound_until = 2027-01-31T01:00:00+01:00)"));
  ASSERT_EQ(catalog.fields.size(), 1u);
  const CatalogField& field = catalog.fields[0];
  EXPECT_EQ(field.declaration.form, (FieldForm{Suite::kXaes256Gcm, 16, true, false}));
  EXPECT_EQ(field.declaration.unbound, "login and search need it \xc3\xbc");
  EXPECT_EQ(field.renamed_from, (ColumnName{"user", "mail"}));
  EXPECT_EQ(field.accept_unbound_until_unix_s, 1801353600);  // 2027-01-31 00:00 UTC
  EXPECT_EQ(field.line, 2u);
}

TEST(Catalog, MomentsAreCountedInUtcAlsoBeforeMarchAndInLeapYears) {
  const auto until = [](std::string_view moment) {
    const std::string lines =
        "class = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\naccept_unbound_until = " + std::string(moment);
    return MustParse(EmailCatalog(lines)).fields.at(0).accept_unbound_until_unix_s.value_or(0);
  };
  EXPECT_EQ(until("1970-01-01T00:00:01Z"), 1);
  EXPECT_EQ(until("2000-02-29T12:00:00Z"), 951825600);
  EXPECT_EQ(until("2024-02-29T23:59:59-01:30"), 1709256599);
  EXPECT_EQ(until("9999-12-31T23:59:59Z"), 253402300799);
}

TEST(Catalog, PaddingMayBeTurnedOffByName) {
  const Catalog catalog =
      MustParse(EmailCatalog("class = \"secret\"\nkeyring = \"k\"\nrow = \"text\"\nunbound = \"x\"\npad = \"none\""));
  EXPECT_EQ(catalog.fields.at(0).declaration.form.pad_multiple, 0);
}

TEST(Catalog, ScopeWithoutFieldsIsACatalog) { EXPECT_TRUE(MustParse("scope = \"shop\"").fields.empty()); }

TEST(Catalog, FieldsAreSortedWhateverTheirOrderInTheFile) {
  const Catalog catalog = MustParse(
      "scope = \"s\"\n[field.\"b.a\"]\nclass = \"pii\"\nkeyring = \"k\"\nbind_row = false\n"
      "[field.\"a.z\"]\nclass = \"pii\"\nkeyring = \"k\"\nbind_row = false\n");
  ASSERT_EQ(catalog.fields.size(), 2u);
  EXPECT_EQ(catalog.fields[0].name.ToText(), "a.z");
}

TEST(Catalog, EverySpellingOfTomlIsTaken) {
  const Catalog catalog = MustParse(
      "scope='shop'#c\n[ \"field\" . 'a.b' ]\n\"class\"=\"pii\"\nkeyring='k'\nrow=['int64',\n\"uuid\" , # c\n 'text' "
      "]\n"
      "bind={url=\"text\",\"login\" = 'bytes'}\n");
  ASSERT_EQ(catalog.fields.size(), 1u);
  EXPECT_EQ(catalog.fields[0].declaration.row.size(), 3u);
  EXPECT_EQ(catalog.fields[0].declaration.bind.size(), 2u);
  const Catalog inline_table =
      MustParse("scope=\"s\"\nfield={\"a.b\"={class=\"pii\",keyring=\"k\",bind_row=false,bind={u=\"text\"}}}");
  EXPECT_EQ(inline_table.fields.size(), 1u);
}

TEST(Catalog, WindowsLineEndsAndCommentsAreTaken) {
  const Catalog catalog = MustParse("# \xc3\xbc comment\r\nscope = \"shop\" # \"quoted\"\r\n");
  EXPECT_EQ(catalog.scope, "shop");
}

TEST(Catalog, LimitsAreReachedExactly) {
  std::string row = "row = [";
  std::string bind = "bind = { ";
  for (int i = 0; i < 255; ++i) {
    row += i == 0 ? "\"int64\"" : ", \"int64\"";
    bind += (i == 0 ? "c" : ", c") + std::to_string(i) + " = \"text\"";
  }
  const Catalog catalog = MustParse(EmailCatalog("class = \"pii\"\nkeyring = \"k\"\n" + row + "]\n" + bind + " }"));
  EXPECT_EQ(catalog.fields.at(0).declaration.row.size(), 255u);
  EXPECT_EQ(catalog.fields.at(0).declaration.bind.size(), 255u);
}

TEST(CatalogKeys, EveryKeyIsFoundByItsNameAndNothingElseIs) {
  for (const CatalogKeyRule& rule : kCatalogKeys) EXPECT_EQ(FindCatalogKey(rule.name), rule.key) << rule.name;
  for (const char* name : {"", "Class", "indexes", "expects", "class ", "pads"})
    EXPECT_FALSE(FindCatalogKey(name)) << name;
}

}  // namespace
}  // namespace coffer::policy
