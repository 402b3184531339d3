// Locks with indexes: their text, that it reads back as it was, and that nothing else is read.
#include "crypto/hash.h"
#include "policy/catalog_view.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

constexpr std::string_view kChecksum = "checksum = \"";

std::string WithChecksum(std::string text) {
  const std::size_t at = text.find(kChecksum) + kChecksum.size();
  const std::string_view body = std::string_view(text).substr(at + 64 + 2);
  return text.replace(at, 64, ToHex(Sha256({AsBytes(body)})));
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "the lock has no " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

// A lock with every index key, two live versions, a retired and a renamed index.
CatalogLock FullLock() {
  CatalogLock lock = FirstLock(kIndexedCatalog);
  const std::string changed = Replaced(std::string(kIndexedCatalog), "bits = 16", "bits = 14");
  lock = MustPlan(MustParse(changed), lock, lock, 50, 3).lock;
  const std::string renamed = Replaced(Replaced(changed, "[field.\"user.name\".index.start]",
                                                "[field.\"user.name\".index.begin]\nrenamed_from = \"start\""),
                                       ".index.day]", ".index.other]");
  return MustPlan(MustParse(renamed), lock, lock, 80, 3).lock;
}

TEST(IndexLock, TextOfAnIndexIsExactlyThis) {
  std::string text =
      WriteCatalogLock(FirstLock(IndexCatalog("transform = [\"trim\", \"last:4\"]\nexpect = { rows = 9, "
                                              "distinct = 9, top_share = 0.11 }\ndomain = \"email\"\n"
                                              "accept_leak = \"because\"")));
  text = text.substr(text.find("scope = "));
  EXPECT_EQ(text, R"(scope = "shop"
scope_id = "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a001"
serial = 1

[field."user.email"]
id = "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f001"
state = "live"
class = "pii"
keyring = "k"
suite = 1
pad = "none"
bind_row = true
row = "uuid"
expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }

[field."user.email".index."exact"]
state = "live"
unique = false
expect = { rows = 9, distinct = 9, top_share = 0.11 }
accept_leak = "because"
write_version = 1
versions = [
  { version = 1, domain = "email", profile = 1, keyring = "shop-index", key_version = 1 },
]

[domain."email"]
id = "d0d0d0d0-d0d0-d0d0-d0d0-d0d0d0d0d001"

[domain."email".profile.1]
kind = "equality"
values = [{ type = "text", transform = ["trim", "last:4"] }]
bits = 16
partitions = 1
scope = "tenant"
)");
}

TEST(IndexLock, EveryKindSurvivesWritingAndReading) {
  for (const CatalogLock& lock : {FirstLock(kIndexedCatalog), FullLock()}) {
    const std::string text = WriteCatalogLock(lock);
    const Result<CatalogLock> read = ParseCatalogLock(text);
    ASSERT_TRUE(read.ok()) << read.error().ToString() << "\n" << text;
    EXPECT_EQ(*read, lock);
    EXPECT_EQ(WriteCatalogLock(*read), text);
  }
}

TEST(IndexLock, NumbersMayHaveGapsAndRowsHigherOnesThanAreWritten) {
  CatalogLock lock = FullLock();
  LockedIndex& exact = lock.fields[1].indexes[1];
  exact.versions.back().number = 5;
  exact.stored_version = 4;
  const std::string text = WriteCatalogLock(lock);
  EXPECT_NE(text.find("write_version = 1\nstored_version = 4\nversions = ["), std::string::npos) << text;
  const Result<CatalogLock> read = ParseCatalogLock(text);
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(*read, lock);
  EXPECT_EQ(read->fields[1].indexes[1].StoredVersion(), 4);
  EXPECT_EQ(FullLock().fields[1].indexes[1].StoredVersion(), 1);
  exact.write_version = 3;  // in the gap
  EXPECT_FALSE(ValidateCatalogLock(lock).ok());
}

TEST(IndexLock, LockWithoutIndexesHasNothingNew) {
  const std::string text = WriteCatalogLock(FirstLock(kShopCatalog));
  for (const char* word : {"index", "domain", "expect"}) EXPECT_EQ(text.find(word), std::string::npos) << word;
  EXPECT_NE(text.find("\nformat = 1\n"), std::string::npos);
}

TEST(IndexLock, ProfilesAreInTheOrderOfTheirNumbers) {
  CatalogLock lock = FirstLock(IndexCatalog("domain = \"email\""));
  for (int bits = 17; bits < 31; ++bits) {
    IndexProfile next = lock.domains.at(0).profiles.back();
    next.number += 1;
    next.definition.form.bits = static_cast<std::uint16_t>(bits);
    lock.domains[0].profiles.push_back(next);
  }
  const std::string text = WriteCatalogLock(lock);
  EXPECT_LT(text.find(".profile.2]"), text.find(".profile.10]"));
  const Result<CatalogLock> read = ParseCatalogLock(text);
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(*read, lock);
}

struct BadText {
  const char* name;
  std::string_view from;
  std::string_view to;
  std::string path;
};

TEST(IndexLock, WrongTextsAreRefusedWithTheirPath) {
  const std::string text = WriteCatalogLock(FirstLock(
      IndexCatalog("domain = \"email\"\ntransform = [\"nfkc_casefold\"]\nslow = { passes = 2, memory_kib = 9000 }")));
  const std::string index = "field.user.email.index.exact";
  const std::string profile = "domain.email.profile.1";
  const std::vector<BadText> cases = {
      {"unknown index key", "unique = false", "unique = false\nbits = 1", index + ".bits"},
      {"no state", "state = \"live\"\nunique", "unique", index + ".state"},
      {"unique with few bits", "unique = false", "unique = true", index + ".unique"},
      {"unknown version key", "key_version = 1 }", "key_version = 1, bits = 1 }", index + ".versions.bits"},
      {"key version 0", "key_version = 1 }", "key_version = 0 }", index + ".versions.key_version"},
      {"another profile", "profile = 1,", "profile = 2,", index + ".versions"},
      {"another domain", "domain = \"email\", profile", "domain = \"mail\", profile", index + ".versions"},
      {"domain no name", "domain = \"email\", profile", "domain = \"E\", profile", index + ".versions.domain"},
      {"version 0", "{ version = 1", "{ version = 0", index + ".versions.version"},
      {"written version not live", "write_version = 1", "write_version = 2", index + ".write_version"},
      {"another version", "{ version = 1", "{ version = 2", index + ".write_version"},
      {"stored version that is written", "write_version = 1", "write_version = 1\nstored_version = 1",
       index + ".stored_version"},
      {"stored version not there", "write_version = 1", "write_version = 1\nstored_version = 2",
       index + ".stored_version"},
      {"stored version 0", "write_version = 1", "write_version = 1\nstored_version = 0", index + ".stored_version"},
      {"no versions", "versions = [\n", "versions = []\nold = [\n", index + ".old"},
      {"reserved keyring", "keyring = \"shop-index\"", "keyring = \"coffer-secrets\"", index + ".versions.keyring"},
      {"index name", ".index.\"exact\"]", ".index.\"Exact\"]", "field.user.email.index.Exact"},
      {"parts of an equality", "unique = false\n", "unique = false\nparts = [\"user.email\", \"user.email\"]\n",
       index + ".parts"},
      {"former name twice", "unique = false\n", "unique = false\nformer_names = [\"a\", \"a\"]\n",
       index + ".former_names"},
      {"expectation of more", "distinct = 900000", "distinct = 1000001", "field.user.email.expect.distinct"},
      {"domain's id", "d0d0d0d0-d0d0-d0d0-d0d0-d0d0d0d0d001", "00000000-0000-0000-0000-000000000000",
       "domain.email.id"},
      {"domain's id no id", "d0d0d0d0-d0d0-d0d0-d0d0-d0d0d0d0d001", "d0", "domain.email.id"},
      {"domain without profile", ".profile.1]", ".profiles.1]", "domain.email.profile"},
      {"profile 2 alone", ".profile.1]", ".profile.2]", "domain.email.profile.2"},
      {"profile 01", ".profile.1]", ".profile.01]", "domain.email.profile.01"},
      {"profile's unknown key", "partitions = 1", "partitions = 1\nunique = true", profile + ".unique"},
      {"kind that wants more", "kind = \"equality\"", "kind = \"ngram\"", profile + ".count"},
      {"compound of one value", "kind = \"equality\"", "kind = \"compound\"", profile + ".parts"},
      {"range without ends", "kind = \"equality\"", "kind = \"range\"", profile + ".type"},
      {"setting of another kind", "partitions = 1", "partitions = 1\nn = 3", profile},
      {"end without the other", "partitions = 1", "partitions = 1\nmin = \"1\"", profile + ".min"},
      {"sparsity of an equality", "partitions = 1", "partitions = 1\nsparsity = 1", profile + ".min"},
      {"transform unknown", "\"nfkc_casefold\"", "\"lower\"", profile + ".values.transform"},
      {"unicode without need", "\"nfkc_casefold\"", "\"trim\"", profile + ".unicode"},
      {"slow beyond the limit", "passes = 2", "passes = 17", profile + ".slow.passes"},
  };
  for (const BadText& bad : cases) {
    const Result<CatalogLock> read = ParseCatalogLock(WithChecksum(Replaced(text, bad.from, bad.to)));
    ASSERT_FALSE(read.ok()) << bad.name;
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument) << bad.name;
    EXPECT_EQ(read.error().path(), bad.path) << bad.name << ": " << read.error().ToString();
  }
}

TEST(IndexLock, TextsThatSayTheSameInAnotherWayAreNotTaken) {
  const std::string text = WriteCatalogLock(FullLock());
  const std::vector<BadText> cases = {
      {"share with a zero more", "top_share = 0.01 }", "top_share = 0.010 }", ""},
      {"end without quotes", "min = \"0\"", "min = 0", ""},
      {"empty transform", "{ type = \"text\" }", "{ type = \"text\", transform = [] }", ""},
      {"bare index name", ".index.\"both\"]", ".index.both]", ""},
      {"list in one line", "versions = [\n  {", "versions = [ {", ""},
      {"scale of 0 on text", "{ type = \"text\" }", "{ type = \"text\", scale = 0 }", ""},
  };
  for (const BadText& bad : cases) {
    const Result<CatalogLock> read = ParseCatalogLock(WithChecksum(Replaced(text, bad.from, bad.to)));
    ASSERT_FALSE(read.ok()) << bad.name;
    EXPECT_EQ(read.error().path(), "catalog.lock") << bad.name << ": " << read.error().ToString();
  }
}

TEST(IndexLock, ChangedBytesWithARightChecksumAreRefusedOrAnotherLock) {
  const CatalogLock lock = FullLock();
  const std::string text = WriteCatalogLock(lock);
  for (std::size_t at = text.find("\nscope = ") + 1; at < text.size(); at += 5) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    changed = WithChecksum(std::move(changed));
    const Result<CatalogLock> read = ParseCatalogLock(changed);
    if (!read.ok()) continue;
    EXPECT_NE(*read, lock) << at;
    EXPECT_EQ(WriteCatalogLock(*read), changed) << at;
  }
}

TEST(IndexLock, LocksInMemoryKeepTheSameRules) {
  const CatalogLock good = FullLock();
  ASSERT_TRUE(ValidateCatalogLock(good).ok());
  const auto refused = [&](auto break_it) {
    CatalogLock lock = good;
    break_it(lock);
    return !ValidateCatalogLock(lock).ok();
  };
  EXPECT_TRUE(refused([](CatalogLock& lock) { std::swap(lock.domains[0], lock.domains[1]); }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.domains[0].uuid = lock.domains[1].uuid; }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.domains[0].name = "Other"; }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.domains[0].profiles.push_back(lock.domains[0].profiles[0]); }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.domains[0].profiles[0].definition.form.profile = 1; }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { std::swap(lock.fields[1].indexes[0], lock.fields[1].indexes[1]); }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[0].parts.pop_back(); }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[0].parts[0] = {"user", "phone"}; }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[0].versions.clear(); }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[1].versions.back().number = 1; }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[1].versions.front().number = 0; }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[1].stored_version = 1; }));  // write_version is
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[1].stored_version = 3; }));  // not there yet
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[1].indexes[1].accept_leak = "a\nb"; }));
  EXPECT_TRUE(refused([](CatalogLock& lock) { lock.fields[2].retired = true; }));  // a live compound's part
}

TEST(IndexLock, ViewHasTheLiveIndexesWithTheirVersions) {
  const CatalogLock lock = FullLock();
  const Result<CatalogView> view = CatalogView::Build(std::span(&lock, 1));
  ASSERT_TRUE(view.ok()) << view.error().ToString();
  const FieldRule* email = view->Find("shop.user.email");
  ASSERT_NE(email, nullptr);
  ASSERT_EQ(email->indexes.size(), 3u);
  const IndexRule* exact = email->FindIndex("exact");
  ASSERT_NE(exact, nullptr);
  ASSERT_EQ(exact->versions.size(), 2u);
  EXPECT_EQ(exact->write_version, 1);
  EXPECT_EQ(exact->Written().form.bits, 16);
  EXPECT_EQ(exact->Written().form.profile, 1u);
  EXPECT_EQ(exact->Find(2)->form.bits, 14);
  EXPECT_EQ(exact->Find(2)->form.profile, 2u);
  EXPECT_EQ(exact->Find(2)->key_version, KeyVersion{3});
  EXPECT_EQ(exact->Find(2)->domain, exact->Find(1)->domain);
  EXPECT_TRUE(exact->Written().global);
  EXPECT_EQ(exact->Written().unicode, UnicodeVersion());
  EXPECT_EQ(exact->Find(3), nullptr);
  for (const IndexRule& rule : email->indexes) {
    for (const IndexVersionRule& version : rule.versions) EXPECT_TRUE(version.form.Validate().ok());
  }
  const IndexRule* both = email->FindIndex("both");
  ASSERT_NE(both, nullptr);
  EXPECT_TRUE(both->unique);
  EXPECT_EQ(both->kind, IndexKind::kCompound);
  EXPECT_EQ(both->parts, (std::vector<std::string>{"shop.user.name", "shop.user.email"}));
  EXPECT_EQ(email->FindIndex("Exact"), nullptr);
  EXPECT_EQ(view->Find("shop.user.birth")->FindIndex("day"), nullptr) << "retired";
  EXPECT_NE(view->Find("shop.user.birth")->FindIndex("other"), nullptr);
  EXPECT_NE(view->Find("shop.user.name")->FindIndex("begin"), nullptr);
  EXPECT_TRUE(view->Find("coffer.secret")->indexes.empty());
}

TEST(IndexLock, LocksThatShareADomainsIdAreNotServed) {
  const CatalogLock lock = FirstLock(IndexCatalog("domain = \"email\""));
  CatalogLock other = lock;
  other.scope = "crm";
  other.uuid = ScopeId(2);
  other.fields[0].uuid = FieldId(50);
  EXPECT_FALSE(CatalogView::Build(std::vector{lock, other}).ok());
  other.domains[0].uuid = DomainId(50);
  EXPECT_TRUE(CatalogView::Build(std::vector{lock, other}).ok());
}

}  // namespace
}  // namespace coffer::policy
