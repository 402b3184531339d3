#include "client/expected.h"

#include <gtest/gtest.h>

#include "client/rpc_error.h"

namespace coffer::client {
namespace {

Result<int> Ours(bool fails) {
  if (fails) return Error(ErrorCode::kNotFound, "is not there");
  return 7;
}
RpcResult<int> Passed(bool fails) {
  COFFER_ASSIGN_OR_RETURN(const int value, Ours(fails));
  return value + 1;
}
RpcResult<void> Tried(bool fails) {
  COFFER_TRY(Ours(fails));
  return {};
}
RpcResult<int> Converted(bool fails) { return Ours(fails); }

TEST(Expected, ValuesPassThroughTheMacros) {
  ASSERT_TRUE(Passed(false).ok());
  EXPECT_EQ(*Passed(false), 8);
  EXPECT_TRUE(Tried(false).ok());
  EXPECT_EQ(*Converted(false), 7);
}

TEST(Expected, OurErrorsBecomeItsErrors) {
  EXPECT_EQ(Passed(true).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Tried(true).error().message, "is not there");
  EXPECT_EQ(Converted(true).error().code, ErrorCode::kNotFound);
}

TEST(Expected, MovesOnlyTypesThrough) {
  Expected<std::unique_ptr<int>, RpcError> owner = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(owner).value();
  EXPECT_EQ(*taken, 3);
}

TEST(ExpectedDeathTest, ReadingTheWrongOneAborts) {
  EXPECT_DEATH({ [[maybe_unused]] const int value = *Passed(true); }, "check failed");
  EXPECT_DEATH({ [[maybe_unused]] const RpcError error = Passed(false).error(); }, "check failed");
  EXPECT_DEATH({ [[maybe_unused]] const RpcError error = Tried(false).error(); }, "check failed");
}

}  // namespace
}  // namespace coffer::client
