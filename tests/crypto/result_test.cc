#include "crypto/result.h"

#include <memory>
#include <set>

#include <gtest/gtest.h>

namespace coffer {
namespace {

Error TooLong() { return Error(ErrorCode::kInvalidArgument, "is longer than allowed").WithLimit(65536); }

TEST(ErrorTest, SentenceNamesPathAndLimit) {
  EXPECT_EQ(TooLong().At("columns[0].values[3]").ToString(),
            "columns[0].values[3]: is longer than allowed (limit 65536)");
}

TEST(ErrorTest, SentenceNamesPathAndLine) {
  EXPECT_EQ(Error(ErrorCode::kInvalidArgument, "is unknown").At("catalog.toml").AtLine(12).ToString(),
            "catalog.toml:12: is unknown");
}

TEST(ErrorTest, SentenceNamesALineWithoutPath) {
  EXPECT_EQ(Error(ErrorCode::kInvalidArgument, "is unknown").AtLine(3).ToString(), "line 3: is unknown");
}

TEST(ErrorTest, SentenceWithoutPlaceIsTheMessage) {
  EXPECT_EQ(Error(ErrorCode::kSealed, "the root key is locked").ToString(), "the root key is locked");
}

TEST(ErrorTest, OuterPathComesBeforeInnerPath) {
  EXPECT_EQ(TooLong().At("values[7]").At("columns[2]").path(), "columns[2].values[7]");
}

TEST(ErrorTest, EmptyPathAddsNothing) {
  EXPECT_EQ(TooLong().At("").path(), "");
  EXPECT_EQ(TooLong().At("a").At("").path(), "a");
}

TEST(ErrorTest, CharactersThatCouldHarmALogBecomeQuestionMarks) {
  EXPECT_EQ(TooLong().At("a\nb\x1b[31m\"'{}\xff%$").path(), std::string("a?b?[31m") + std::string(7, '?'));
  EXPECT_EQ(TooLong().At(std::string_view("a\0b", 3)).path(), "a?b");
}

TEST(ErrorTest, AllowedCharactersStay) {
  constexpr std::string_view kAllowed = "azAZ09._/:[]- ";
  EXPECT_EQ(TooLong().At(kAllowed).path(), kAllowed);
}

TEST(ErrorTest, PathIsCutAtItsLimit) {
  EXPECT_EQ(TooLong().At(std::string(1000, 'x')).path(), std::string(Error::kMaxPath, 'x'));
  EXPECT_EQ(TooLong().At(std::string(60, 'y')).At(std::string(60, 'x')).path().size(), Error::kMaxPath);
}

TEST(ErrorTest, CodeNamesAreStableAndDistinct) {
  std::set<std::string_view> names;
  for (int i = 1; i <= 13; ++i) names.insert(ErrorCodeName(static_cast<ErrorCode>(i)));
  EXPECT_EQ(names.size(), 13U);
  EXPECT_EQ(ErrorCodeName(ErrorCode::kInvalidArgument), "invalid_argument");
  EXPECT_EQ(ErrorCodeName(ErrorCode::kDecryptFailed), "decrypt_failed");
}

Result<int> Half(int value) {
  if (value % 2 != 0) return Error(ErrorCode::kInvalidArgument, "is odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  COFFER_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

Status BothEven(int a, int b) {
  COFFER_TRY(Half(a));
  COFFER_TRY(Half(b));
  return {};
}

TEST(ResultTest, MacrosPassValuesAndErrorsOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).error().message(), "is odd");
  EXPECT_EQ(Quarter(5).error().message(), "is odd");
  EXPECT_TRUE(BothEven(2, 4).ok());
  EXPECT_FALSE(BothEven(2, 3).ok());
  EXPECT_FALSE(BothEven(1, 4));
}

TEST(ResultTest, HoldsWhatOnlyMoves) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
  EXPECT_DEATH(static_cast<void>(Half(3).value()), "check failed: ok\\(\\)");
  EXPECT_DEATH(static_cast<void>(Half(2).error()), "check failed: !ok\\(\\)");
  EXPECT_DEATH(static_cast<void>(Status().error()), "check failed");
}

TEST(ResultDeathTest, CheckPrintsTheConditionAndNoValue) {
  const int secret = 424242;
  EXPECT_DEATH(COFFER_CHECK(secret == 1), "check failed: secret == 1");
}

}  // namespace
}  // namespace coffer
