// Whatever is not a catalog is refused with the path and the line of what breaks it.
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

struct BadCatalog {
  const char* name;
  std::string text;
  std::string path;
  std::uint64_t line;
};

// One bad field "user.email"; `lines` start at line 3.
BadCatalog Field(const char* name, std::string_view lines, std::string_view key, std::uint64_t line) {
  return {name, EmailCatalog(lines), "field.user.email" + (key.empty() ? "" : "." + std::string(key)), line};
}

// A field that TOML itself refuses, so that no path is known.
BadCatalog NoToml(const char* name, std::string_view lines, std::uint64_t line) {
  return {name, EmailCatalog(lines), "", line};
}

// The same with class and keyring given in lines 3 and 4.
BadCatalog Pii(const char* name, std::string_view lines, std::string_view key, std::uint64_t line = 5) {
  return Field(name, "class = \"pii\"\nkeyring = \"k\"\n" + std::string(lines), key, line);
}

BadCatalog Secret(const char* name, std::string_view lines, std::string_view key, std::uint64_t line) {
  return Field(name, "class = \"secret\"\nkeyring = \"k\"\n" + std::string(lines), key, line);
}

std::string Repeat(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

std::string ManyColumns(int count) {
  std::string text = "bind = { ";
  for (int i = 0; i < count; ++i) text += (i == 0 ? "c" : ", c") + std::to_string(i) + " = \"text\"";
  return text + " }";
}

std::string ManyFields(int count) {
  std::string text = "scope = \"s\"\n";
  for (int i = 0; i < count; ++i)
    text += "[field.\"t.c" + std::to_string(i) + "\"]\nclass = \"pii\"\nkeyring = \"k\"\nbind_row = false\n";
  return text;
}

void ExpectRefused(const std::vector<BadCatalog>& cases) {
  for (const BadCatalog& bad : cases) {
    const Result<Catalog> catalog = ParseCatalog(bad.text);
    ASSERT_FALSE(catalog.ok()) << bad.name;
    EXPECT_EQ(catalog.error().code(), ErrorCode::kInvalidArgument) << bad.name;
    EXPECT_EQ(catalog.error().path(), bad.path) << bad.name << ": " << catalog.error().ToString();
    EXPECT_EQ(catalog.error().line(), bad.line) << bad.name << ": " << catalog.error().ToString();
  }
}

TEST(CatalogRefusals, Texts) {
  ExpectRefused({
      {"empty", "", "scope", 0},
      {"no TOML", "scope", "", 1},
      {"unended string", "scope = \"shop", "", 1},
      {"not UTF-8", "scope = \"\xff\"", "", 0},
      {"control character in a string", "scope = \"a\x01\"", "", 1},
      {"control character in a comment", "# \x02\n", "", 1},
      {"control character outside", "\n\x0bscope = 1", "", 2},
      {"lone carriage return", "scope = \"s\"\rfield = 1", "", 1},
      {"delete character", "scope = \"\x7f\"", "", 1},
      {"NUL", std::string("scope = \"s\"\n\0", 13), "", 2},
      {"byte order mark", "\xef\xbb\xbfscope = \"s\"", "", 1},
      {"multi-line string", "scope = \"\"\"s\"\"\"", "", 1},
      {"multi-line literal", "\nscope = '''s'''", "", 2},
      {"escaped end of a line", "scope = \"a\\\nb\"", "", 1},
      {"number in hexadecimal, which is not read", "serial = 0x1", "serial", 1},
      {"quote inside a value", "scope = 5\"\xc8\xa1\"", "", 1},
      {"quote behind a dot of a value", "scope = 5.\"\xc8\xa1\"", "", 1},
      {"quote behind an equals sign of a value", "scope = 5=\"\xc8\xa1\"", "", 1},
      {"quote inside a value of a list", "scope = [1, 2[\"\xc8\xa1\"]]", "", 1},
      {"quote inside a value of a table", "a = { b = 5\"\xc8\xa1\" }", "", 1},
      {"quote inside a value on the next line", "\na = [\n5.\"\xc8\xa1\"\n]", "", 3},
      {"dotted deep", "a" + Repeat(".a", 9) + " = 1", "", 1},
      {"nested deep", "a = " + Repeat("[", 7) + Repeat("]", 7), "", 1},
      {"deep over lines", "a = " + Repeat("[\n", 7) + Repeat("]\n", 7), "", 5},
      {"key twice", "scope = \"s\"\nscope = \"s\"", "", 2},
      {"too long", std::string(kMaxCatalogBytes + 1, '\n'), "", 0},
  });
}

TEST(CatalogRefusals, TopKeys) {
  ExpectRefused({
      {"no scope", "[field.\"a.b\"]\nclass = \"pii\"\nkeyring = \"k\"\nbind_row = false", "scope", 0},
      {"scope no text", "\nscope = 1", "scope", 2},
      {"scope empty", "scope = \"\"", "scope", 1},
      {"scope upper case", "scope = \"Shop\"", "scope", 1},
      {"scope with a dot", "scope = \"a.b\"", "scope", 1},
      {"scope too long", "scope = \"" + std::string(64, 'a') + "\"", "scope", 1},
      {"scope reserved", "scope = \"coffer\"", "scope", 1},
      {"unknown key", "scope = \"s\"\ntenant = \"t\"", "tenant", 2},
      {"unknown table", "scope = \"s\"\n[index]\n", "index", 2},
      {"field no table", "scope = \"s\"\nfield = 1", "field", 2},
      {"field a list", "scope = \"s\"\n[[field]]\n", "", 2},
      {"too many fields", ManyFields(1001), "field", 0},
  });
}

TEST(CatalogRefusals, FieldNames) {
  ExpectRefused({
      {"not quoted", "scope = \"s\"\n[field.user.email]\nclass = \"pii\"", "field.user", 2},
      {"one part", "scope = \"s\"\n[field.\"email\"]\n", "field.email", 2},
      {"three parts", "scope = \"s\"\n[field.\"a.b.c\"]\n", "field.a.b.c", 2},
      {"upper case", "scope = \"s\"\n[field.\"User.email\"]\n", "field.User.email", 2},
      {"empty column", "scope = \"s\"\n[field.\"user.\"]\n", "field.user.", 2},
      {"starts with a digit", "scope = \"s\"\n[field.\"1a.b\"]\n", "field.1a.b", 2},
      {"no table", "scope = \"s\"\n[field]\n\"a.b\" = 1", "field.a.b", 3},
      {"twice", "scope = \"s\"\n[field.\"a.b\"]\n[field.\"a.b\"]\n", "", 3},
  });
}

TEST(CatalogRefusals, ClassKeyringAndUnknownKeys) {
  ExpectRefused({
      Field("no class", "keyring = \"k\"\nrow = \"uuid\"", "class", 2),
      Field("class no text", "class = 4", "class", 3),
      Field("class unknown", "class = \"token\"", "class", 3),
      Field("class upper case", "class = \"Secret\"", "class", 3),
      Field("no keyring", "class = \"pii\"\nrow = \"uuid\"", "keyring", 2),
      Field("keyring no text", "keyring = true", "keyring", 3),
      Field("keyring empty", "keyring = \"\"", "keyring", 3),
      Field("keyring no slug", "keyring = \"my_keys\"", "keyring", 3),
      Field("keyring reserved", "keyring = \"coffer-secrets\"", "keyring", 3),
      Pii("unknown key", "padding = 1", "padding"),
      NoToml("key twice", "class = \"pii\"\nclass = \"pii\"", 4),
  });
}

TEST(CatalogRefusals, RowsAndBoundColumns) {
  ExpectRefused({
      Pii("row missing", "", "row", 2),
      Pii("row unknown type", "row = \"int\"", "row"),
      Pii("row no text", "row = 64", "row"),
      Pii("row a list of one", "row = [\"int64\"]", "row"),
      Pii("row an empty list", "row = []", "row"),
      Pii("row a list of numbers", "row = [1, 2]", "row"),
      Pii("row too long", "row = [" + Repeat("\"int64\", ", 256) + "]", "row"),
      Pii("row missing though wanted", "bind_row = true", "row", 2),
      Pii("bind_row no bool", "bind_row = \"false\"", "bind_row"),
      Pii("bind no table", "row = \"uuid\"\nbind = [\"url\"]", "bind", 6),
      Pii("bind empty", "row = \"uuid\"\nbind = {}", "bind", 6),
      Pii("bind unknown type", "row = \"uuid\"\nbind = { url = \"varchar\" }", "bind.url", 6),
      Pii("bind type no text", "row = \"uuid\"\nbind = { url = 1 }", "bind.url", 6),
      Pii("bind no column", "row = \"uuid\"\nbind = { Url = \"text\" }", "bind.Url", 6),
      NoToml("bind a column twice", "bind = { a = \"text\", a = \"text\" }", 3),
      Pii("bind itself", "row = \"uuid\"\nbind = { email = \"text\" }", "bind", 6),
      Pii("bind too many", "row = \"uuid\"\n" + ManyColumns(256), "bind", 6),
  });
}

TEST(CatalogRefusals, SuitePaddingAndReasons) {
  ExpectRefused({
      Pii("suite 0", "suite = 0", "suite"),
      Pii("suite reserved", "suite = 3", "suite"),
      Pii("suite between", "suite = 5", "suite"),
      Pii("suite deterministic with bound rows", "row = \"uuid\"\nsuite = 4", "bind_row", 2),
      Pii("suite deterministic without expectation", "bind_row = false\nsuite = 4", "expect", 2),
      Pii("suite no number", "suite = \"2\"", "suite"),
      Pii("suite float", "suite = 1.0", "suite"),
      Pii("pad 0", "pad = 0", "pad"),
      Pii("pad 33", "pad = 33", "pad"),
      Pii("pad 64", "pad = 64", "pad"),
      Pii("pad negative", "pad = -16", "pad"),
      Pii("padme", "pad = \"padme\"", "pad"),
      Pii("pad false", "pad = false", "pad"),
      Pii("unbound empty", "unbound = \"\"", "unbound"),
      Pii("unbound no text", "unbound = true", "unbound"),
      Pii("unbound too long", "unbound = \"" + std::string(201, 'x') + "\"", "unbound"),
      Pii("unbound with a line end", "unbound = \"a\\nb\"", "unbound"),
      Pii("unbound though bound", "row = \"uuid\"\nbind = { url = \"text\" }\nunbound = \"x\"", "unbound", 7),
      Secret("secret neither bound nor explained", "row = \"uuid\"", "bind", 2),
      Secret("secret without row binding", "bind_row = false\nbind = { url = \"text\" }", "unbound", 2),
      Secret("secret without anything", "bind_row = false", "unbound", 2),
  });
}

TEST(CatalogRefusals, RenamesAndDeadlines) {
  const std::string two =
      "scope = \"s\"\n[field.\"t.a\"]\nclass = \"pii\"\nkeyring = \"k\"\nbind_row = false\nrenamed_from = \"t.old\"\n"
      "[field.\"t.b\"]\nclass = \"pii\"\nkeyring = \"k\"\nbind_row = false\nrenamed_from = \"t.old\"\n";
  ExpectRefused({
      Pii("renamed_from no text", "renamed_from = 1", "renamed_from"),
      Pii("renamed_from without a table", "renamed_from = \"mail\"", "renamed_from"),
      Pii("renamed_from with the scope", "renamed_from = \"shop.user.mail\"", "renamed_from"),
      Pii("renamed_from itself", "renamed_from = \"user.email\"", "renamed_from"),
      Pii("deadline no moment", "accept_unbound_until = \"2027-01-01\"", "accept_unbound_until"),
      Pii("deadline a date", "accept_unbound_until = 2027-01-01", "accept_unbound_until"),
      Pii("deadline without offset", "accept_unbound_until = 2027-01-01T00:00:00", "accept_unbound_until"),
      Pii("deadline with a fraction", "accept_unbound_until = 2027-01-01T00:00:00.5Z", "accept_unbound_until"),
      Pii("deadline before 1970", "accept_unbound_until = 1969-12-31T23:59:59Z", "accept_unbound_until"),
      Pii("deadline on no day", "accept_unbound_until = 2027-02-29T00:00:00Z", "accept_unbound_until"),
      Pii("deadline without row binding", "bind_row = false\naccept_unbound_until = 2027-01-01T00:00:00Z",
          "accept_unbound_until", 6),
      {"one source of two fields", two, "field.t.b.renamed_from", 7},
  });
}

TEST(CatalogRefusals, ErrorsHoldNoValues) {
  const Result<Catalog> catalog = ParseCatalog(EmailCatalog("class = \"hunter2\""));
  ASSERT_FALSE(catalog.ok());
  EXPECT_EQ(catalog.error().ToString().find("hunter2"), std::string::npos);
  EXPECT_EQ(catalog.error().ToString(), "field.user.email.class:3: is not a class: public, internal, pii or secret");
}

}  // namespace
}  // namespace coffer::policy
