// A new index on a field whose values are stored already makes tokens that were not there: a second person is asked,
// unless it shows no more than what the field shows.
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

std::string Field(std::string_view name) {
  return "[field.\"user." + std::string(name) +
         "\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " + std::string(kExpect) + "\n";
}

// An index of the field above it.
std::string Index(std::string_view name, std::string_view lines) {
  return "index." + std::string(name) + " = { keyring = \"i\", " + std::string(lines) + " }\n";
}

std::string Catalog(std::string_view fields) { return "scope = \"shop\"\n" + std::string(fields); }
std::string Email(std::string_view indexes) { return Catalog(Field("email") + std::string(indexes)); }

constexpr char kSixteen[] = "kind = \"equality\", bits = 16";
constexpr char kExact[] = "kind = \"equality\", bits = 256";

struct NewCase {
  const char* name;
  std::string present;  // indexes of user.email as applied
  std::string wanted;
  std::string shows;  // part of what the change says
};

TEST(NewIndex, IsAWeakeningWhenItShowsMoreThanThePresentOnes) {
  const std::string sixteen = Index("a", kSixteen);
  const std::string exact = Index("a", kExact);
  const std::string prefix = "kind = \"prefix\", bits = 32, count = 2, lengths = ";
  const std::string range = "kind = \"range\", type = \"int64\", bits = 32, count = 32, min = 0, max = ";
  const std::string equal = "equal values have equal tokens";
  const std::vector<NewCase> cases = {
      {"none is there", "", sixteen, equal},
      {"n-grams beside equality", sixteen, sixteen + Index("b", "kind = \"ngram\", bits = 32, n = 3, count = 9"),
       "from a language's frequencies texts can be rebuilt"},
      {"n-grams instead of equality", exact, Index("b", "kind = \"ngram\", bits = 32, n = 3, count = 9"),
       "from a language's frequencies texts can be rebuilt"},
      {"more bits instead", sixteen, Index("b", "kind = \"equality\", bits = 17"), equal},
      {"as many bits beside", sixteen, sixteen + Index("b", kSixteen), "together with the tokens"},
      {"two instead of one", sixteen, Index("b", kSixteen) + Index("c", kSixteen), equal},
      {"exact with partitions beside", Index("a", "kind = \"equality\", bits = 256, partitions = 2"),
       Index("a", "kind = \"equality\", bits = 256, partitions = 2") +
           Index("b", "kind = \"equality\", bits = 256, partitions = 2"),
       "together with the tokens"},
      {"fewer partitions", Index("a", "kind = \"equality\", bits = 16, partitions = 4"), Index("b", kSixteen), equal},
      {"unique beside", exact, exact + Index("b", "kind = \"equality\", bits = 256, unique = true"),
       "a unique constraint tells"},
      {"global beside", exact, exact + Index("b", "kind = \"equality\", bits = 256, scope = \"global\""),
       "the same between tenants"},
      {"domain", exact, exact + Index("b", "kind = \"equality\", bits = 256, domain = \"email\""),
       "the same between all columns of its domain"},
      {"other transforms", exact, exact + Index("b", "kind = \"equality\", bits = 256, transform = [\"trim\"]"), equal},
      {"another keyring", exact, exact + "index.b = { keyring = \"j\", kind = \"equality\", bits = 256 }\n", equal},
      {"faster to guess", Index("a", "kind = \"equality\", bits = 256, slow = { passes = 2, memory_kib = 9000 }"),
       Index("b", kExact), equal},
      {"shorter beginnings", Index("a", prefix + "[4]"), Index("b", prefix + "[3, 4]"), "rows that begin alike"},
      {"smaller n-grams", Index("a", "kind = \"ngram\", bits = 32, n = 4, count = 9"),
       Index("b", "kind = \"ngram\", bits = 32, n = 3, count = 9"), "rows that have letters in common"},
      {"wider range", Index("a", range + "1000"), Index("b", range + "2000"), "which is nearly their order"},
      {"equal range beside", Index("a", range + "1000"), Index("a", range + "1000") + Index("b", range + "1000"),
       "which is nearly their order"},
  };
  for (const NewCase& one : cases) {
    const CatalogChange change = Apply(Email(one.wanted), FirstLock(Email(one.present)));
    EXPECT_TRUE(change.weakens) << one.name;
    EXPECT_NE(Lines(change).find(one.shows), std::string::npos) << one.name << "\n" << Lines(change);
    EXPECT_FALSE(MustPlan(MustParse(Email(one.wanted)), std::nullopt, std::nullopt).weakens) << one.name;
  }
}

TEST(NewIndex, ShowsNoMoreInPlaceOfOneThatShowedAsMuch) {
  const std::string prefix = "kind = \"prefix\", bits = 32, lengths = [3, 4]";
  const std::vector<NewCase> cases = {
      {"as many bits", Index("a", kSixteen), Index("b", kSixteen), ""},
      {"fewer bits", Index("a", kSixteen), Index("b", "kind = \"equality\", bits = 15, partitions = 2"), ""},
      {"one each", Index("a", kSixteen) + Index("b", kSixteen), Index("c", kSixteen) + Index("d", kSixteen), ""},
      {"beside an exact one", Index("a", kExact), Index("a", kExact) + Index("b", kSixteen), ""},
      {"the same prefixes", Index("a", prefix), Index("b", prefix), ""},
      {"the domain that the other had", Index("a", "kind = \"equality\", bits = 16, domain = \"email\""),
       Index("b", "kind = \"equality\", bits = 16, domain = \"email\""), ""},
  };
  for (const NewCase& one : cases) {
    const CatalogChange change = Apply(Email(one.wanted), FirstLock(Email(one.present)));
    EXPECT_TRUE(change.changed) << one.name;
    EXPECT_FALSE(change.weakens) << one.name << "\n" << Lines(change);
  }
}

TEST(NewIndex, OnANewFieldIsNone) {
  const CatalogChange change =
      Apply(Catalog(Field("email") + Field("name") + Index("a", kSixteen)), FirstLock(Email("")));
  EXPECT_FALSE(change.weakens) << Lines(change);
}

TEST(NewIndex, OnANewFieldThatJoinsADomainIsAWeakening) {
  const std::string shared = Index("a", "kind = \"equality\", bits = 16, domain = \"email\"");
  const CatalogLock lock = FirstLock(Email(shared));
  const CatalogChange joined = Apply(Catalog(Field("email") + shared + Field("name") + shared), lock);
  EXPECT_TRUE(joined.weakens);
  EXPECT_NE(Lines(joined).find("equal values in all columns of the domain show as equal"), std::string::npos);
  const CatalogLock retired = Apply(Email(""), lock).lock;  // its tokens are still in the database
  EXPECT_TRUE(Apply(Catalog(Field("email") + Field("name") + shared), retired).weakens);
  const std::string own = Index("a", "kind = \"equality\", bits = 16, domain = \"name\"");
  EXPECT_FALSE(Apply(Catalog(Field("email") + shared + Field("name") + own), lock).weakens);
}

TEST(NewIndex, OfPartsThatAreStoredIsAWeakeningOnANewFieldToo) {
  const auto both = [](std::string_view parts) {
    return Index("both", "kind = \"compound\", bits = 16, parts = " + std::string(parts));
  };
  const CatalogLock lock = FirstLock(Catalog(Field("city") + Field("email")));
  const std::string fields = Field("city") + Field("email") + Field("name");
  EXPECT_TRUE(Apply(Catalog(fields + both("[\"user.city\", \"user.email\"]")), lock).weakens);
  EXPECT_TRUE(Apply(Catalog(fields + both("[\"user.city\", \"user.name\"]")), lock).weakens);
  EXPECT_FALSE(Apply(Catalog(fields + Field("street") + both("[\"user.name\", \"user.street\"]")), lock).weakens);
}

TEST(NewIndex, OfOtherPartsShowsMoreThanTheCompoundThatWasThere) {
  const std::string fields = Field("city") + Field("name") + Field("email");
  const auto both = [&](std::string_view name, std::string_view parts) {
    return Catalog(fields + Index(name, "kind = \"compound\", bits = 256, parts = " + std::string(parts)));
  };
  const CatalogLock lock = FirstLock(both("a", "[\"user.city\", \"user.email\"]"));
  EXPECT_FALSE(Apply(both("b", "[\"user.city\", \"user.email\"]"), lock).weakens);
  EXPECT_TRUE(Apply(both("b", "[\"user.city\", \"user.name\"]"), lock).weakens);
}

TEST(NewIndex, ThatComesBackIsJudgedLikeANewOne) {
  const std::string exact = Index("a", kExact);
  const CatalogLock without = Apply(Email(Index("b", kSixteen)), FirstLock(Email(exact + Index("b", kSixteen)))).lock;
  const CatalogChange back = Apply(Email(exact + Index("b", kSixteen)), without);
  EXPECT_TRUE(back.weakens);
  EXPECT_NE(Lines(back).find("restored shop.user.email: index a"), std::string::npos) << Lines(back);
  const CatalogLock kept = Apply(Email(exact), FirstLock(Email(exact + Index("b", kSixteen)))).lock;
  EXPECT_FALSE(Apply(Email(exact + Index("b", kSixteen)), kept).weakens) << "the other one shows all of it";
}

}  // namespace
}  // namespace coffer::policy
