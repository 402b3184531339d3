#include "cli/field_values.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

using Kind = CellValue::Kind;

CellValue Text(std::string text) { return {Kind::kText, std::move(text)}; }
CellValue Integer(std::string text) { return {Kind::kInteger, std::move(text)}; }

TEST(ToMessage, EachTypeIsRead) {
  EXPECT_EQ(ToMessage(Integer("-9223372036854775808"), ValueType::kInt64)->int64(), INT64_MIN);
  EXPECT_EQ(ToMessage(Text("42"), ValueType::kInt64)->int64(), 42);
  EXPECT_EQ(ToMessage(Text("é"), ValueType::kText)->text(), "é");
  EXPECT_EQ(ToMessage(Text("00000000-0000-0000-0000-0000000000ff"), ValueType::kUuid)->uuid(),
            std::string(15, '\0') + "\xff");
  EXPECT_EQ(ToMessage(Text("\\x00ff"), ValueType::kBytes)->bytes(), std::string("\0\xff", 2));
  EXPECT_EQ(ToMessage(Text("\\x"), ValueType::kBytes)->kind_case(), v1::Value::kBytes);
}

TEST(ToMessage, NullIsAnUnsetValueOfAnyType) {
  for (const ValueType type : {ValueType::kInt64, ValueType::kUuid, ValueType::kText, ValueType::kBytes}) {
    EXPECT_EQ(ToMessage(CellValue{}, type)->kind_case(), v1::Value::KIND_NOT_SET);
  }
}

TEST(ToMessage, AnotherFormThanDeclaredIsRefused) {
  const std::vector<std::pair<CellValue, ValueType>> cases = {
      {Text(""), ValueType::kInt64},       {Text("1.0"), ValueType::kInt64},
      {Text("1 "), ValueType::kInt64},     {Text("+1"), ValueType::kInt64},
      {Text("0x1"), ValueType::kInt64},    {Integer("9223372036854775808"), ValueType::kInt64},
      {Integer("1-2"), ValueType::kInt64}, {Integer("1"), ValueType::kText},
      {Text("\xff"), ValueType::kText},    {Text("no uuid"), ValueType::kUuid},
      {Integer("1"), ValueType::kUuid},    {Text("00ff"), ValueType::kBytes},
      {Text("\\x0"), ValueType::kBytes},   {Text("\\xgg"), ValueType::kBytes},
      {Text("\\X00"), ValueType::kBytes},
  };
  for (const auto& [cell, type] : cases) {
    const auto value = ToMessage(cell, type);
    ASSERT_FALSE(value.ok()) << cell.text;
    EXPECT_EQ(value.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(Plaintext, GoesThroughEitherForm) {
  EXPECT_EQ(*PlaintextOf(Text("a"), PlainForm::kText), "a");
  EXPECT_EQ(*PlaintextOf(Text("/w=="), PlainForm::kBase64), "\xff");
  EXPECT_EQ(*PlaintextToText("\xff", PlainForm::kBase64), "/w==");
}

TEST(Plaintext, WhatCannotBeWrittenIsRefused) {
  EXPECT_FALSE(PlaintextToText("\xff", PlainForm::kText).ok());
  EXPECT_FALSE(PlaintextOf(Integer("1"), PlainForm::kText).ok());
  EXPECT_FALSE(PlaintextOf(Text("no base64"), PlainForm::kBase64).ok());
}

// Format byte, suite 1, key id 1, then room for nonce and tag.
std::string SomeCiphertext() {
  std::string ciphertext("\xc1\x01\0\0\0\0\0\0\0\x01", 10);
  return ciphertext.append(40, 'x');
}

TEST(Ciphertext, ReadsBackInEitherForm) {
  for (const CipherForm form : {CipherForm::kText, CipherForm::kHex}) {
    const std::string text = CiphertextToText(SomeCiphertext(), form);
    const auto again = CiphertextOf(Text(text));
    ASSERT_TRUE(again.ok()) << text;
    EXPECT_EQ(*again, SomeCiphertext());
  }
}

TEST(Ciphertext, AnythingElseFailsAsTheOneError) {
  const std::string hex = CiphertextToText(SomeCiphertext(), CipherForm::kHex);
  for (const std::string& text :
       {std::string(), std::string("coffer:v1:"), std::string("coffer:v1:AAAA"), std::string("\\xc1"),
        hex.substr(0, hex.size() - 2), "\\x00" + hex.substr(4), hex.substr(2)}) {
    const auto ciphertext = CiphertextOf(Text(text));
    ASSERT_FALSE(ciphertext.ok()) << text;
    EXPECT_EQ(ciphertext.error().code(), ErrorCode::kDecryptFailed);
  }
}

}  // namespace
}  // namespace coffer::cli
