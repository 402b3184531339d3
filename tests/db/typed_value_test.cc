#include "db/typed_value.h"

#include <gtest/gtest.h>

namespace coffer::db {
namespace {

constexpr const char* kUuidText = "0f59c6c7-58c1-48aa-aecc-bee13850f419";

TEST(TypedValueTest, NullIsUnset) {
  const auto value = ToMessage(std::nullopt, ValueType::kText);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->kind_case(), v1::Value::KIND_NOT_SET);
}

TEST(TypedValueTest, EachTypeHasItsForms) {
  EXPECT_EQ(ToMessage("-9223372036854775808", ValueType::kInt64)->int64(), INT64_MIN);
  EXPECT_EQ(ToMessage("0", ValueType::kInt64)->int64(), 0);
  EXPECT_EQ(ToMessage("", ValueType::kText)->text(), "");
  EXPECT_EQ(ToMessage("grüß", ValueType::kText)->text(), "grüß");
  EXPECT_EQ(ToMessage(std::string("\0\xff", 2), ValueType::kBytes)->bytes(), std::string("\0\xff", 2));
  const auto uuid = ToMessage(kUuidText, ValueType::kUuid);
  ASSERT_TRUE(uuid.ok());
  EXPECT_EQ(ToMessage(uuid->uuid(), ValueType::kUuid)->uuid(), uuid->uuid());
  EXPECT_EQ(ToMessage(std::string(kMaxValueBytes, 'a'), ValueType::kText)->text().size(), kMaxValueBytes);
}

TEST(TypedValueTest, WhatIsNoValueOfTheTypeIsRefused) {
  const std::string bad_uuid = std::string(kUuidText) + "x";
  const std::string too_long(kMaxBound, 'a');
  const std::vector<std::pair<std::string, ValueType>> wrong = {
      {"", ValueType::kInt64},    {"1x", ValueType::kInt64},      {" 1", ValueType::kInt64},
      {"1.0", ValueType::kInt64}, {"true", ValueType::kInt64},    {"9223372036854775808", ValueType::kInt64},
      {"", ValueType::kUuid},     {"nonsense", ValueType::kUuid}, {bad_uuid, ValueType::kUuid},
      {"\xff", ValueType::kText}, {too_long, ValueType::kText},   {too_long, ValueType::kBytes}};
  for (const auto& [text, type] : wrong) {
    const auto value = ToMessage(text, type);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace coffer::db
