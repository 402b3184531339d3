// The versions of an index from apply to apply: searched, written, dropped, and replaced when no row can have them.
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

CatalogChange ApplyAt(std::string_view text, const CatalogLock& lock, std::uint32_t primary = 1) {
  return MustPlan(MustParse(text), lock, lock, 100, primary);
}

Result<CatalogChange> TryApplyAt(std::string_view text, const CatalogLock& lock, std::uint32_t primary = 1) {
  return PlanApply(MustParse(text), lock, lock, CountingIds(100, primary));
}

const LockedIndex& OnlyIndex(const CatalogLock& lock) {
  COFFER_CHECK(lock.fields.size() == 1 && lock.fields[0].indexes.size() == 1);
  return lock.fields[0].indexes[0];
}

// "1 2* 3": live versions, the written one marked.
std::string Versions(const CatalogLock& lock) {
  std::string text;
  for (const LockedIndexVersion& version : OnlyIndex(lock).versions) {
    text += (text.empty() ? "" : " ") + std::to_string(version.number);
    if (version.number == OnlyIndex(lock).write_version) text += "*";
  }
  return text;
}

void ExpectRefused(std::string_view text, const CatalogLock& lock, std::string_view key, std::uint32_t primary = 1) {
  const Result<CatalogChange> change = TryApplyAt(text, lock, primary);
  ASSERT_FALSE(change.ok()) << text;
  EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition) << change.error().ToString();
  EXPECT_EQ(change.error().path(), "field.user.email.index.exact" + (key.empty() ? "" : "." + std::string(key)))
      << change.error().ToString();
}

std::string Writing(std::uint32_t version) { return IndexCatalog("write_version = " + std::to_string(version)); }

std::string Unique(std::string_view lines) {
  return BareIndexCatalog("kind = \"equality\"\nkeyring = \"i\"\nbits = 256\nunique = true\n" + std::string(lines));
}

TEST(IndexVersions, RotationIsSearchedThenWrittenThenRetired) {
  const CatalogLock first = FirstLock(IndexCatalog(""));
  const CatalogChange rotated = ApplyAt(IndexCatalog(""), first, 2);
  EXPECT_EQ(Versions(rotated.lock), "1* 2");
  EXPECT_EQ(Lines(rotated),
            "changed shop.user.email: index exact: version 2 is searched from now on, version 1 still written\n");
  EXPECT_FALSE(rotated.weakens);
  EXPECT_EQ(OnlyIndex(rotated.lock).versions[0].profile, OnlyIndex(rotated.lock).versions[1].profile);
  EXPECT_FALSE(ApplyAt(IndexCatalog(""), rotated.lock, 2).changed);

  const CatalogChange written = ApplyAt(IndexCatalog("write_version = 2"), rotated.lock, 2);
  EXPECT_EQ(Versions(written.lock), "1 2*");
  EXPECT_EQ(Lines(written), "changed shop.user.email: index exact: write_version: 1 -> 2\n");

  const CatalogChange retired = ApplyAt(IndexCatalog("write_version = 2\noldest_version = 2"), written.lock, 2);
  EXPECT_EQ(Versions(retired.lock), "2*");
  EXPECT_EQ(Lines(retired), "changed shop.user.email: index exact: oldest_version: 1 -> 2\n");
  EXPECT_FALSE(ApplyAt(IndexCatalog("write_version = 2\noldest_version = 2"), retired.lock, 2).changed);
  EXPECT_FALSE(ApplyAt(IndexCatalog(""), retired.lock, 2).changed) << "what is not said stays as it is";
  EXPECT_EQ(Versions(ApplyAt(IndexCatalog(""), retired.lock, 3).lock), "2* 3");
}

TEST(IndexVersions, WritingMayGoBackWhileTheOldVersionIsSearched) {
  const CatalogLock rotated = ApplyAt(IndexCatalog(""), FirstLock(IndexCatalog("")), 2).lock;
  const CatalogLock written = ApplyAt(Writing(2), rotated, 2).lock;
  EXPECT_EQ(Versions(ApplyAt(Writing(1), written, 2).lock), "1* 2");
}

TEST(IndexVersions, VersionsThatAreNotSearchedAreNotWritten) {
  const CatalogLock first = FirstLock(IndexCatalog(""));
  ExpectRefused(Writing(2), first, "write_version");
  ExpectRefused(Writing(2), first, "write_version", 2);  // added by this very apply
  const CatalogLock rotated = ApplyAt(IndexCatalog(""), first, 2).lock;
  ExpectRefused(Writing(3), rotated, "write_version", 2);
  ExpectRefused(IndexCatalog("oldest_version = 2"), rotated, "oldest_version", 2);  // version 1 is written
  ExpectRefused(IndexCatalog("oldest_version = 3"), rotated, "oldest_version", 2);
  const CatalogLock retired = ApplyAt(IndexCatalog("oldest_version = 2"), ApplyAt(Writing(2), rotated, 2).lock, 2).lock;
  ExpectRefused(Writing(1), retired, "write_version", 2);
  ExpectRefused(IndexCatalog("oldest_version = 1"), retired, "oldest_version", 2);
  EXPECT_FALSE(PlanApply(MustParse(Writing(2)), std::nullopt, std::nullopt, CountingIds()).ok());
}

TEST(IndexVersions, RotationsThatNobodyUsesDoNotPileUp) {
  CatalogLock lock = FirstLock(IndexCatalog(""));
  for (std::uint32_t primary = 2; primary <= 3 * kMaxLiveIndexVersions; ++primary) {
    const Result<CatalogChange> change = TryApplyAt(IndexCatalog(""), lock, primary);
    ASSERT_TRUE(change.ok()) << primary << ": " << change.error().ToString();
    lock = change->lock;
    EXPECT_EQ(Versions(lock), "1* " + std::to_string(primary));
    EXPECT_EQ(OnlyIndex(lock).versions.back().key_version, KeyVersion{primary});
  }
}

TEST(IndexVersions, ReplacedVersionIsNamedAndItsNumberIsNotGivenAgain) {
  const CatalogLock rotated = ApplyAt(IndexCatalog(""), FirstLock(IndexCatalog("")), 2).lock;
  const CatalogChange again = ApplyAt(IndexCatalog(""), rotated, 3);
  EXPECT_EQ(Versions(again.lock), "1* 3");
  EXPECT_EQ(
      Lines(again),
      "changed shop.user.email: index exact: version 3 is searched from now on in place of version 2, which no row "
      "has, version 1 still written\n");
  ExpectRefused(Writing(2), again.lock, "write_version", 3);
  ExpectRefused(Writing(3), rotated, "write_version", 3);  // not yet searched by those who have the stored lock
  const CatalogLock written = ApplyAt(Writing(3), again.lock, 3).lock;
  EXPECT_EQ(Versions(written), "1 3*");
  ExpectRefused(IndexCatalog("oldest_version = 2"), written, "oldest_version", 3);
  EXPECT_EQ(Versions(ApplyAt(IndexCatalog("oldest_version = 3"), written, 3).lock), "3*");
}

TEST(IndexVersions, VersionThatWasWrittenOnceIsKept) {
  const CatalogLock rotated = ApplyAt(IndexCatalog(""), FirstLock(IndexCatalog("")), 2).lock;
  const CatalogLock back = ApplyAt(Writing(1), ApplyAt(Writing(2), rotated, 2).lock, 2).lock;
  EXPECT_EQ(OnlyIndex(back).stored_version, 2);
  const CatalogLock third = ApplyAt(Writing(1), back, 3).lock;
  EXPECT_EQ(Versions(third), "1* 2 3");
  EXPECT_EQ(OnlyIndex(third).stored_version, 2);
  EXPECT_EQ(Versions(ApplyAt(Writing(1), third, 4).lock), "1* 2 4") << "no row has version 3";
  EXPECT_EQ(OnlyIndex(ApplyAt(Writing(3), third, 3).lock).stored_version, std::nullopt);
}

TEST(IndexVersions, VersionThatThisApplyWritesIsKept) {
  const CatalogLock rotated = ApplyAt(IndexCatalog(""), FirstLock(IndexCatalog("")), 2).lock;
  const CatalogChange change = ApplyAt(Writing(2), rotated, 3);  // somebody has rotated the keyring meanwhile
  EXPECT_EQ(Versions(change.lock), "1 2* 3");
}

TEST(IndexVersions, UniqueIndexHasRowsOfAllItsVersions) {
  const CatalogLock rotated = ApplyAt(Unique(""), FirstLock(Unique("")), 2).lock;
  EXPECT_EQ(OnlyIndex(rotated).stored_version, 2);
  const CatalogLock third = ApplyAt(Unique(""), rotated, 3).lock;
  EXPECT_EQ(Versions(third), "1* 2 3");
  const std::string plain = BareIndexCatalog("kind = \"equality\"\nkeyring = \"i\"\nbits = 256");
  const CatalogLock no_more = ApplyAt(plain, third, 4).lock;  // version 3 was returned by writes while it was unique
  EXPECT_EQ(Versions(no_more), "1* 2 3 4");
  EXPECT_EQ(Versions(ApplyAt(plain, no_more, 5).lock), "1* 2 3 5");
  EXPECT_EQ(OnlyIndex(ApplyAt(Unique("write_version = 3"), third, 3).lock).stored_version, std::nullopt);
}

TEST(IndexVersions, LiveOnesAreLimitedAndTheApplyBeforeSaysSo) {
  CatalogLock lock = FirstLock(IndexCatalog(""));
  for (std::uint32_t primary = 2; primary <= kMaxLiveIndexVersions; ++primary) {
    const CatalogChange rotated = ApplyAt(IndexCatalog(""), lock, primary);
    const bool warned = Lines(rotated).find("versions are live: raise oldest_version") != std::string::npos;
    EXPECT_EQ(warned, primary + 1 >= kMaxLiveIndexVersions) << Lines(rotated);
    lock = ApplyAt(Writing(primary), rotated.lock, primary).lock;
  }
  ExpectRefused(IndexCatalog(""), lock, "", kMaxLiveIndexVersions + 1);
  EXPECT_EQ(TryApplyAt(IndexCatalog(""), lock, kMaxLiveIndexVersions + 1).error().limit(), kMaxLiveIndexVersions);
}

TEST(IndexVersions, NumbersEnd) {
  CatalogLock lock = FirstLock(IndexCatalog(""));
  lock.fields[0].indexes[0].versions[0].number = kMaxIndexVersion;
  lock.fields[0].indexes[0].write_version = kMaxIndexVersion;
  ASSERT_TRUE(ValidateCatalogLock(lock).ok());
  ExpectRefused(IndexCatalog(""), lock, "", 2);
}

}  // namespace
}  // namespace coffer::policy
