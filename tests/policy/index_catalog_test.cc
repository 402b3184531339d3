// Index tables of catalog files: what their keys mean, their defaults, and that every broken one is refused with its
// path and line.
#include <algorithm>

#include "policy/index_keys.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

const CatalogIndex& IndexOf(const Catalog& catalog, const ColumnName& field, std::string_view name) {
  const CatalogField* declared = catalog.Find(field);
  COFFER_CHECK(declared != nullptr);
  for (const CatalogIndex& index : declared->indexes) {
    if (index.name == name) return index;
  }
  COFFER_CHECK(false);
  return declared->indexes.front();
}

TEST(IndexCatalog, EqualityIsReadWithItsKeys) {
  const Catalog catalog = MustParse(kIndexedCatalog);
  const CatalogIndex& exact = IndexOf(catalog, {"user", "email"}, "exact");
  EXPECT_EQ(exact.keyring, "shop-index");
  EXPECT_EQ(exact.domain, "email");
  EXPECT_TRUE(exact.definition.global);
  EXPECT_EQ(exact.definition.form.kind, IndexKind::kEquality);
  EXPECT_EQ(exact.definition.form.bits, 16);
  EXPECT_EQ(exact.definition.form.column, TokenColumn::kInt4);
  EXPECT_EQ(exact.definition.form.partitions, 2);
  const std::vector<Transform> steps = {{TransformKind::kTrim, 0}, {TransformKind::kNfkcCasefold, 0}};
  EXPECT_EQ(exact.definition.values, (std::vector<IndexedValue>{{IndexType::kText, 0, steps}}));
}

TEST(IndexCatalog, DefaultsAreTheLeastThatIsNeeded) {
  const Catalog catalog = MustParse(IndexCatalog(""));
  const CatalogIndex& exact = IndexOf(catalog, {"user", "email"}, "exact");
  EXPECT_EQ(exact.definition.form.partitions, 1);
  EXPECT_FALSE(exact.definition.global);
  EXPECT_FALSE(exact.unique);
  EXPECT_TRUE(exact.domain.empty());
  EXPECT_TRUE(exact.accept_leak.empty());
  EXPECT_FALSE(exact.write_version || exact.oldest_version || exact.renamed_from || exact.expect);
  EXPECT_EQ(exact.definition.values.front(), IndexedValue());
  EXPECT_EQ(exact.line, 7u);
}

TEST(IndexCatalog, CompoundHasAValueForEachPart) {
  const Catalog catalog = MustParse(kIndexedCatalog);
  const CatalogIndex& both = IndexOf(catalog, {"user", "email"}, "both");
  EXPECT_EQ(both.parts, (std::vector<ColumnName>{{"user", "name"}, {"user", "email"}}));
  ASSERT_EQ(both.definition.values.size(), 2u);
  EXPECT_TRUE(both.definition.values[0].transforms.empty());
  EXPECT_EQ(both.definition.values[1].transforms.size(), 2u);
  EXPECT_EQ(both.definition.form.column, TokenColumn::kBytea);
  EXPECT_EQ(both.definition.form.slow, (SlowCost{2, 65536}));
  EXPECT_TRUE(both.unique);
}

TEST(IndexCatalog, ArraysGetTheCountThatTheirPartsNeed) {
  const Catalog catalog = MustParse(kIndexedCatalog);
  const TokenForm salary = IndexOf(catalog, {"user", "salary"}, "range").definition.form;
  ASSERT_TRUE(salary.domain);
  EXPECT_EQ(salary.domain->max - salary.domain->min, 100000050u);  // scale 2
  EXPECT_EQ(salary.domain->sparsity, 2);
  EXPECT_EQ(salary.count, 14);  // 27 bits, every second level
  EXPECT_EQ(salary.column, TokenColumn::kInt8);
  const TokenForm start = IndexOf(catalog, {"user", "name"}, "start").definition.form;
  EXPECT_EQ(start.lengths, (std::vector<std::uint8_t>{3, 4, 8}));
  EXPECT_EQ(start.count, 4);
  const CatalogIndex& day = IndexOf(catalog, {"user", "birth"}, "day");
  EXPECT_EQ(day.definition.max, "2100-01-01T00:00:00Z");
  EXPECT_EQ(day.definition.form.count, 20);
}

TEST(IndexCatalog, ExpectationsAreExact) {
  const auto share = [](std::string_view text) {
    const std::string expect = "{ rows = 1000000000000, distinct = 1000, top_share = " + std::string(text) + " }";
    return MustParse(EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " + expect))
        .fields.at(0)
        .expect.value_or(Expectation())
        .top_share;
  };
  EXPECT_EQ(share("1"), kWholeShare);
  EXPECT_EQ(share("1.000"), kWholeShare);
  EXPECT_EQ(share("0.0625"), kWholeShare / 16);
  EXPECT_EQ(share("0.000000000001"), 1u);
  EXPECT_EQ(share("0.99999999999900000"), kWholeShare - 1);
}

TEST(IndexCatalog, EveryKeyIsFoundByItsNameAndNothingElseIs) {
  for (const IndexKeyRule& rule : kIndexKeys) EXPECT_EQ(FindIndexKey(rule.name), rule.key) << rule.name;
  for (const char* name : {"", "Kind", "version", "bit", "transforms"}) EXPECT_FALSE(FindIndexKey(name)) << name;
}

struct BadIndex {
  const char* name;
  std::string text;
  std::string path;
  std::uint64_t line;
};

void ExpectRefused(const std::vector<BadIndex>& cases) {
  for (const BadIndex& bad : cases) {
    const Result<Catalog> catalog = ParseCatalog(bad.text);
    ASSERT_FALSE(catalog.ok()) << bad.name;
    EXPECT_EQ(catalog.error().code(), ErrorCode::kInvalidArgument) << bad.name;
    EXPECT_EQ(catalog.error().path(), "field.user.email" + (bad.path.empty() ? "" : "." + bad.path))
        << bad.name << ": " << catalog.error().ToString();
    EXPECT_EQ(catalog.error().line(), bad.line) << bad.name << ": " << catalog.error().ToString();
  }
}

// `lines` of an equality index of 16 bits; they start at line 11.
BadIndex Exact(const char* name, std::string_view lines, std::string_view key, std::uint64_t line = 11) {
  return {name, IndexCatalog(lines), "index.exact." + std::string(key), line};
}

// An index with these lines and nothing else but a keyring; they start at line 9.
BadIndex Bare(const char* name, std::string_view lines, std::string_view key, std::uint64_t line) {
  return {name, BareIndexCatalog("keyring = \"k\"\n" + std::string(lines)), "index.exact." + std::string(key), line};
}

BadIndex Range(const char* name, std::string_view lines, std::string_view key, std::uint64_t line) {
  return Bare(name, "kind = \"range\"\nbits = 40\n" + std::string(lines), key, line);  // `lines` start at line 11
}

BadIndex Compound(const char* name, std::string_view parts, std::uint64_t line = 11) {
  return Bare(name, "kind = \"compound\"\nbits = 40\nparts = " + std::string(parts), "parts", line);
}

TEST(IndexCatalogRefusals, KeysOfEveryIndex) {
  ExpectRefused({
      Exact("unknown key", "bit = 1", "bit"),
      Bare("no kind", "bits = 16", "kind", 7),
      Bare("kind unknown", "kind = \"hash\"", "kind", 9),
      Bare("kind no text", "kind = 1", "kind", 9),
      {"no keyring", BareIndexCatalog("kind = \"equality\"\nbits = 16"), "index.exact.keyring", 7},
      {"keyring no slug", BareIndexCatalog("keyring = \"A\""), "index.exact.keyring", 8},
      {"keyring reserved", BareIndexCatalog("keyring = \"coffer-secrets\""), "index.exact.keyring", 8},
      Bare("no bits", "kind = \"equality\"", "bits", 7),
      Bare("bits 0", "kind = \"equality\"\nbits = 0", "bits", 10),
      Bare("bits 64", "kind = \"equality\"\nbits = 64", "bits", 10),
      Bare("bits 127", "kind = \"equality\"\nbits = 127", "bits", 10),
      Bare("bits 257", "kind = \"equality\"\nbits = 257", "bits", 10),
      Bare("bits no number", "kind = \"equality\"\nbits = \"16\"", "bits", 10),
      Bare("bits with a dot", "kind = \"equality\"\nbits = 16.0", "bits", 10),
      Exact("type unknown", "type = \"string\"", "type"),
      Exact("type no text", "type = 1", "type"),
      Exact("type with an order only", "type = \"double\"", "type"),
      Exact("scale without decimal", "scale = 2", "scale"),
      Exact("scale too large", "scale = 19", "scale"),
      Exact("transform no list", "transform = \"trim\"", "transform"),
      Exact("transform unknown", "transform = [\"lower\"]", "transform"),
      Exact("transform of a number", "transform = [1]", "transform"),
      Exact("transform without its number", "transform = [\"first\"]", "transform"),
      Exact("transform of bytes", "type = \"bytes\"\ntransform = [\"trim\"]", "transform", 12),
      Exact("nine transforms",
            "transform = [\"trim\",\"trim\",\"trim\",\"trim\",\"trim\",\"trim\",\"trim\",\"trim\",\"trim\"]",
            "transform"),
      Exact("scope unknown", "scope = \"all\"", "scope"),
      Exact("scope no text", "scope = true", "scope"),
      Exact("domain no name", "domain = \"E-Mail\"", "domain"),
      Exact("domain empty", "domain = \"\"", "domain"),
      Exact("partitions 0", "partitions = 0", "partitions"),
      Exact("partitions 257", "partitions = 257", "partitions"),
      Exact("unique with few bits", "unique = true", "unique"),
      Exact("unique no bool", "unique = 1", "unique"),
      Bare("unique with partitions", "kind = \"equality\"\nbits = 128\npartitions = 2\nunique = true", "unique", 12),
      Exact("accept_leak empty", "accept_leak = \"\"", "accept_leak"),
      Exact("accept_leak no text", "accept_leak = true", "accept_leak"),
      Exact("accept_leak that hides", "accept_leak = \"a\\u202eb\"", "accept_leak"),
      Exact("renamed_from itself", "renamed_from = \"exact\"", "renamed_from"),
      Exact("renamed_from no name", "renamed_from = \"user.email\"", "renamed_from"),
      Exact("write_version 0", "write_version = 0", "write_version"),
      Exact("write_version 32768", "write_version = 32768", "write_version"),
      Exact("oldest_version text", "oldest_version = \"1\"", "oldest_version"),
      Exact("oldest above written", "write_version = 1\noldest_version = 2", "oldest_version", 12),
  });
}

TEST(IndexCatalogRefusals, KeysOfOneKindAlone) {
  ExpectRefused({
      Exact("n of equality", "n = 3", "n"),
      Exact("lengths of equality", "lengths = [3]", "lengths"),
      Exact("min of equality", "min = 1", "min"),
      Exact("max of equality", "max = 1", "max"),
      Exact("sparsity of equality", "sparsity = 1", "sparsity"),
      Exact("count of equality", "count = 1", "count"),
      Exact("parts of equality", "parts = [\"user.email\", \"user.name\"]", "parts"),
      Bare("no n", "kind = \"ngram\"\nbits = 32\ncount = 9", "n", 7),
      Bare("no count", "kind = \"ngram\"\nbits = 32\nn = 3", "count", 7),
      Bare("n 1", "kind = \"ngram\"\nbits = 32\ncount = 9\nn = 1", "n", 12),
      Bare("n 17", "kind = \"ngram\"\nbits = 32\ncount = 9\nn = 17", "n", 12),
      Bare("count 0", "kind = \"ngram\"\nbits = 32\nn = 3\ncount = 0", "count", 12),
      Bare("count 256", "kind = \"ngram\"\nbits = 32\nn = 3\ncount = 256", "count", 12),
      Bare("n-grams of bytes", "kind = \"ngram\"\nbits = 32\nn = 3\ncount = 9\ntype = \"bytes\"", "type", 13),
      Bare("array of few bits", "kind = \"ngram\"\nbits = 9\nn = 3\ncount = 9", "bits", 10),
      Bare("array of many bits", "kind = \"ngram\"\nbits = 128\nn = 3\ncount = 9", "bits", 10),
      Bare("large array of few bits", "kind = \"ngram\"\nbits = 31\nn = 3\ncount = 193", "bits", 10),
      Bare("slow n-grams", "kind = \"ngram\"\nbits = 32\nn = 3\ncount = 9\nslow = { passes = 1, memory_kib = 8192 }",
           "slow", 13),
      Bare("no lengths", "kind = \"prefix\"\nbits = 32", "lengths", 7),
      Bare("lengths empty", "kind = \"prefix\"\nbits = 32\nlengths = []", "lengths", 11),
      Bare("length 0", "kind = \"prefix\"\nbits = 32\nlengths = [0]", "lengths", 11),
      Bare("length 256", "kind = \"prefix\"\nbits = 32\nlengths = [256]", "lengths", 11),
      Bare("length twice", "kind = \"prefix\"\nbits = 32\nlengths = [3, 3]", "lengths", 11),
      Bare("lengths falling", "kind = \"prefix\"\nbits = 32\nlengths = [4, 3]", "lengths", 11),
      Bare("lengths no numbers", "kind = \"prefix\"\nbits = 32\nlengths = [\"3\"]", "lengths", 11),
      Bare("count below lengths", "kind = \"prefix\"\nbits = 32\nlengths = [3, 4]\ncount = 1", "count", 12),
  });
}

TEST(IndexCatalogRefusals, Ranges) {
  const std::string integers = "type = \"int64\"\n";
  ExpectRefused({
      Range("no min", integers + "max = 9", "min", 7),
      Range("no max", integers + "min = 9", "max", 7),
      Range("no type", "min = 1\nmax = 9", "type", 7),
      Range("text", "type = \"text\"\nmin = 1\nmax = 9", "type", 11),
      Range("uuid", "type = \"uuid\"\nmin = 1\nmax = 9", "min", 12),
      Range("min above max", integers + "min = 9\nmax = 1", "max", 13),
      Range("min is max", integers + "min = 9\nmax = 9", "max", 13),
      Range("min no number", integers + "min = \"nine\"\nmax = 10", "min", 12),
      Range("min a list", integers + "min = [1]\nmax = 10", "min", 12),
      Range("min with a dot", integers + "min = 1.5\nmax = 10", "min", 12),
      Range("max too large", integers + "min = 1\nmax = \"9223372036854775808\"", "max", 13),
      Range("sparsity 0", integers + "min = 1\nmax = 9\nsparsity = 0", "sparsity", 14),
      Range("sparsity 9", integers + "min = 1\nmax = 9\nsparsity = 9", "sparsity", 14),
      Range("count below levels", integers + "min = 0\nmax = 255\nsparsity = 1\ncount = 7", "count", 15),
      Range("decimal without scale", "type = \"decimal\"\nmin = 1\nmax = 9", "scale", 7),
      Range("decimal with more digits", "type = \"decimal\"\nscale = 1\nmin = 1.55\nmax = 9", "min", 13),
      Range("timestamp without offset",
            "type = \"timestamp\"\nmin = \"2020-01-01T00:00:00\"\nmax = \"2021-01-01T00:00:00Z\"", "min", 12),
      Range("double that is none", "type = \"double\"\nmin = \"nan\"\nmax = 9", "min", 12),
  });
}

TEST(IndexCatalogRefusals, Compounds) {
  ExpectRefused({
      Bare("no parts", "kind = \"compound\"\nbits = 40", "parts", 7),
      Bare("type of a compound", "kind = \"compound\"\nbits = 40\nparts = [\"user.a\", \"user.b\"]\ntype = \"text\"",
           "type", 12),
      Bare("transform of a compound",
           "kind = \"compound\"\nbits = 40\nparts = [\"user.a\", \"user.b\"]\ntransform = []", "transform", 12),
      Compound("one part", "[\"user.email\"]"),
      Compound("no list", "\"user.email\""),
      Compound("a part twice", "[\"user.email\", { field = \"user.email\" }]"),
      Compound("part of one word", "[\"email\", \"name\"]"),
      Compound("part of another table", "[\"user.email\", \"order.note\"]", 7),
      Compound("part that is not declared", "[\"user.email\", \"user.name\"]", 7),
      {"part without field",
       BareIndexCatalog(
           "keyring = \"k\"\nkind = \"compound\"\nbits = 40\nparts = [\"user.email\", { type = \"text\" }]"),
       "index.exact.parts.field", 11},
      {"part with an unknown key",
       BareIndexCatalog(
           "keyring = \"k\"\nkind = \"compound\"\nbits = 40\nparts = [\"user.email\", { field = \"user.a\", n = 1 }]"),
       "index.exact.parts.n", 11},
      {"part of a type with an order only",
       BareIndexCatalog("keyring = \"k\"\nkind = \"compound\"\nbits = 40\nparts = [\"user.email\", { field = "
                        "\"user.a\", type = \"double\" }]"),
       "index.exact.parts.type", 11},
  });
}

// A compound index of user.email and user.name, whose declarations end with these lines.
BadIndex Rows(const char* name, std::string_view email, std::string_view other, std::string_view part) {
  const auto field = [](std::string_view column, std::string_view lines) {
    return "[field.\"user." + std::string(column) +
           "\"]\nclass = \"pii\"\nkeyring = \"k\"\nexpect = " + std::string(kExpect) + "\n" + std::string(lines) + "\n";
  };
  return {
      name,
      "scope = \"shop\"\n" + field("name", other) + field("email", email) +
          "index.both = { kind = \"compound\", keyring = \"k\", bits = 40, parts = [\"user.email\", \"user.name\"] }",
      "index.both.parts." + std::string(part),
      12 + static_cast<std::uint64_t>(std::count(other.begin(), other.end(), '\n'))};
}

TEST(IndexCatalogRefusals, CompoundsWhosePartsDoNotMeetByTheirRows) {
  ExpectRefused({
      Rows("part without a row", "row = \"uuid\"", "bind_row = false", "user.name"),
      Rows("part with a row that is not bound", "row = \"uuid\"", "row = \"uuid\"\nbind_row = false", "user.name"),
      Rows("part with another row", "row = \"uuid\"", "row = \"int64\"", "user.name"),
      Rows("part with more row ids", "row = \"uuid\"", "row = [\"uuid\", \"uuid\"]", "user.name"),
      Rows("none with a row", "bind_row = false", "bind_row = false", "user.email"),
  });
  EXPECT_TRUE(ParseCatalog(Rows("", "row = [\"uuid\", \"text\"]", "row = [\"uuid\", \"text\"]", "").text).ok());
}

TEST(IndexCatalogRefusals, SlowCosts) {
  const auto slow = [](const char* name, std::string_view value, std::string_view key) {
    return Exact(name, "slow = " + std::string(value), key);
  };
  ExpectRefused({
      slow("no table", "true", "slow"),
      slow("no memory", "{ passes = 1 }", "slow.memory_kib"),
      slow("no passes", "{ memory_kib = 8192 }", "slow.passes"),
      slow("passes 17", "{ passes = 17, memory_kib = 8192 }", "slow.passes"),
      slow("little memory", "{ passes = 1, memory_kib = 8191 }", "slow.memory_kib"),
      slow("much memory", "{ passes = 1, memory_kib = 262145 }", "slow.memory_kib"),
      slow("unknown key", "{ passes = 1, memory_kib = 8192, lanes = 1 }", "slow.lanes"),
  });
}

TEST(IndexCatalogRefusals, Expectations) {
  const auto expect = [](const char* name, std::string_view value, std::string_view key) {
    const std::string path = key.empty() ? "expect" : "expect." + std::string(key);
    return BadIndex{name, BareIndexCatalog("kind = \"equality\"\nkeyring = \"k\"\nbits = 16", value), path, 6};
  };
  ExpectRefused({
      expect("no table", "1000", ""),
      expect("no rows", "{ distinct = 1, top_share = 1 }", "rows"),
      expect("no distinct", "{ rows = 1, top_share = 1 }", "distinct"),
      expect("no top_share", "{ rows = 1, distinct = 1 }", "top_share"),
      expect("rows 0", "{ rows = 0, distinct = 1, top_share = 1 }", "rows"),
      expect("rows too many", "{ rows = 1000000000001, distinct = 1, top_share = 1 }", "rows"),
      expect("more distinct than rows", "{ rows = 10, distinct = 11, top_share = 0.5 }", "distinct"),
      expect("share 0", "{ rows = 10, distinct = 10, top_share = 0.0 }", "top_share"),
      expect("share above 1", "{ rows = 10, distinct = 10, top_share = 1.000000000001 }", "top_share"),
      expect("share negative", "{ rows = 10, distinct = 10, top_share = -0.1 }", "top_share"),
      expect("share 2", "{ rows = 10, distinct = 10, top_share = 2 }", "top_share"),
      expect("share 10", "{ rows = 10, distinct = 10, top_share = 10.1 }", "top_share"),
      expect("share in text", "{ rows = 10, distinct = 10, top_share = \"0.1\" }", "top_share"),
      expect("share too fine", "{ rows = 10, distinct = 10, top_share = 0.0000000000001 }", "top_share"),
      expect("unknown key", "{ rows = 10, distinct = 10, top_share = 0.1, nulls = 1 }", "nulls"),
      {"none at all",
       EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\n[field.\"user.email\".index.exact]\nkind = "
                    "\"equality\"\nkeyring = \"k\"\nbits = 16"),
       "expect", 2},
      Exact("none for what a transform leaves", "transform = [\"last:4\"]", "expect", 7),
      Exact("none for a mail's domain", "transform = [\"email_domain\"]", "expect", 7),
  });
}

TEST(IndexCatalogRefusals, NamesAndCounts) {
  const std::string start =
      EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " + std::string(kExpect));
  std::string many = start;
  for (int i = 0; i < 17; ++i) {
    many += "index.i" + std::to_string(i) + " = { kind = \"equality\", keyring = \"k\", bits = 16 }\n";
  }
  const std::string renamed = " = { kind = \"equality\", keyring = \"k\", bits = 16, renamed_from = \"old\" }\n";
  ExpectRefused({
      {"index no table", start + "index = 1", "index", 7},
      {"one index no table", start + "index.exact = 1", "index.exact", 7},
      {"name in upper case", start + "index.Exact = {}", "index.Exact", 7},
      {"name with a dash", start + "index.a-b = {}", "index.a-b", 7},
      {"name empty", start + "index.\"\" = {}", "index", 7},
      {"too many", many, "index", 7},
      {"one source of two indexes", start + "index.a" + renamed + "index.b" + renamed, "index.b.renamed_from", 8},
  });
}

}  // namespace
}  // namespace coffer::policy
