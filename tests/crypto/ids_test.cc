#include "crypto/ids.h"

#include <set>
#include <unordered_set>

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

constexpr std::string_view kText = "0192f3a0-1234-7abc-8def-0123456789ab";

TEST(UuidTest, TextRoundTrips) {
  const auto uuid = TenantUuid::Parse(kText).value();
  EXPECT_EQ(uuid.ToText(), kText);
  EXPECT_EQ(ToHex(uuid.view()), "0192f3a012347abc8def0123456789ab");
}

TEST(UuidTest, ParsesUpperCaseAndWritesLowerCase) {
  EXPECT_EQ(TenantUuid::Parse("0192F3A0-1234-7ABC-8DEF-0123456789AB").value().ToText(), kText);
}

TEST(UuidTest, RefusesOtherForms) {
  for (std::string_view bad : {"", "0", "0192f3a012347abc8def0123456789ab", "0192f3a0-1234-7abc-8def-0123456789a",
                               "{0192f3a0-1234-7abc-8def-0123456789ab}", "0192f3a0-1234-7abc-8def-0123456789abc",
                               "0192f3a-01234-7abc-8def-0123456789ab", "0192f3a0-1234-7abc-8def-0123456789ag",
                               "0192f3a0 1234 7abc 8def 0123456789ab", "-192f3a0-1234-7abc-8def-0123456789ab",
                               " 0192f3a0-1234-7abc-8def-0123456789a", "0192f3a0-1234-7abc-8def--123456789ab"}) {
    EXPECT_EQ(TenantUuid::Parse(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(UuidTest, FromBytesTakesSixteen) {
  EXPECT_TRUE(FieldUuid::FromBytes(Bytes(16)).value().IsZero());
  for (std::size_t size : {0U, 15U, 17U}) EXPECT_FALSE(FieldUuid::FromBytes(Bytes(size)).ok()) << size;
}

TEST(UuidTest, GeneratedOnesHaveTimeVersionAndVariant) {
  const auto uuid = Uuid::Generate(0x0192F3A01234);
  EXPECT_EQ(ToHex(uuid.view().first(6)), "0192f3a01234");
  EXPECT_EQ(uuid.ToText()[14], '7');
  EXPECT_NE(std::string_view("89ab").find(uuid.ToText()[19]), std::string_view::npos);
  EXPECT_FALSE(uuid.IsZero());
}

TEST(UuidTest, GeneratedOnesOfOneMillisecondDiffer) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(Uuid::Generate(1));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(UuidTest, LaterOnesSortLater) {
  EXPECT_LT(Uuid::Generate(1000), Uuid::Generate(1001));
  EXPECT_LT(Uuid::Generate(255), Uuid::Generate(256));
}

TEST(UuidDeathTest, TimeBeyond48BitsAborts) {
  EXPECT_DEATH(static_cast<void>(Uuid::Generate(std::uint64_t{1} << 48)), "check failed");
}

TEST(UuidTest, HashesAsAKey) {
  std::unordered_set<TenantUuid> set;
  for (unsigned i = 0; i < 100; ++i) set.insert(TestUuid<TenantUuid>(i));
  EXPECT_EQ(set.size(), 100U);
  EXPECT_TRUE(set.contains(TestUuid<TenantUuid>(7)));
}

TEST(KeyIdTest, ZeroAndTheTopBitAreNotValid) {
  EXPECT_FALSE(KeyId{}.IsValid());
  EXPECT_FALSE(KeyId{std::uint64_t{1} << 63}.IsValid());
  EXPECT_FALSE(KeyId{~std::uint64_t{0}}.IsValid());
  EXPECT_TRUE(KeyId{1}.IsValid());
  EXPECT_TRUE(KeyId{(std::uint64_t{1} << 63) - 1}.IsValid());
}

TEST(KeyIdTest, GeneratedOnesAreValidAndDiffer) {
  std::unordered_set<KeyId> seen;
  bool high_bit = false;
  for (int i = 0; i < 1000; ++i) {
    const KeyId id = KeyId::Generate();
    EXPECT_TRUE(id.IsValid());
    high_bit = high_bit || id.value >> 62 != 0;
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(high_bit) << "the whole range is used";
}

}  // namespace
}  // namespace coffer
