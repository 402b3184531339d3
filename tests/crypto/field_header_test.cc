#include "crypto/field_header.h"

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

TEST(FieldFormTest, SecondByteHasSuiteAndFlags) {
  EXPECT_EQ((FieldForm{Suite::kXaes256Gcm, 0, false, false}.SecondByte()), 0x01);
  EXPECT_EQ((FieldForm{Suite::kXaes256GcmCommitting, 0, false, false}.SecondByte()), 0x02);
  EXPECT_EQ((FieldForm{Suite::kXaes256GcmCommitting, 1, false, false}.SecondByte()), 0x82);
  EXPECT_EQ((FieldForm{Suite::kXaes256GcmCommitting, 0, true, false}.SecondByte()), 0x42);
  EXPECT_EQ((FieldForm{Suite::kXaes256GcmCommitting, 0, false, true}.SecondByte()), 0x22);
  EXPECT_EQ((FieldForm{Suite::kXaes256Gcm, 32, true, true}.SecondByte()), 0xE1);
  EXPECT_EQ((FieldForm{Suite::kAes256Siv, 32, false, true}.SecondByte()), 0xA4);
}

TEST(FieldFormTest, DefaultIsTheStrongest) {
  const FieldForm form;
  EXPECT_EQ(form.suite, Suite::kXaes256GcmCommitting);
  EXPECT_TRUE(form.row_bound);
}

TEST(FieldFormTest, CiphertextSizeIsOverheadAndPadding) {
  const FieldForm plain{Suite::kXaes256Gcm, 0, true, false};
  EXPECT_EQ(plain.CiphertextSize(0), 50U);
  EXPECT_EQ(plain.CiphertextSize(7), 57U);
  const FieldForm padded{Suite::kXaes256GcmCommitting, 32, true, false};
  EXPECT_EQ(padded.CiphertextSize(0), 82U + 32U);
  EXPECT_EQ(padded.CiphertextSize(31), 82U + 32U);
  EXPECT_EQ(padded.CiphertextSize(32), 82U + 64U);
  const FieldForm one{Suite::kXaes256Gcm, 1, true, false};
  EXPECT_EQ(one.CiphertextSize(5), 50U + 6U);
  const FieldForm deterministic{Suite::kAes256Siv, 16, false, false};
  EXPECT_EQ(deterministic.CiphertextSize(0), 26U + 16U);
}

TEST(FieldHeaderTest, WritesAndParses) {
  Bytes out(10);
  FieldHeader{0xC2, KeyId{0x0123456789ABCDEF}}.Write(out);
  EXPECT_EQ(ToHex(out), "c1c20123456789abcdef");
  const auto parsed = FieldHeader::Parse(out);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->second_byte, 0xC2);
  EXPECT_EQ(parsed->key_id.value, 0x0123456789ABCDEFU);
}

TEST(FieldHeaderTest, WhatFollowsTheHeaderDoesNotMatter) {
  EXPECT_TRUE(FieldHeader::Parse(Hex("c1020000000000000001ffff")).has_value());
}

TEST(FieldHeaderTest, RefusesWhatVersionOneDoesNotHave) {
  for (std::string_view bad : {
           "", "c1", "c102", "c10200000000000000",                                  // short
           "c0020000000000000001", "c2020000000000000001", "00020000000000000001",  // format byte
           "c1000000000000000001", "c1030000000000000001", "c1050000000000000001", "c10f0000000000000001",  // suite
           "c1120000000000000001", "c1f20000000000000001",  // reserved bit
           "c1440000000000000001",                          // the deterministic suite is never row-bound
           "c1020000000000000000", "c1028000000000000000", "c102ffffffffffffffff",  // key id
       }) {
    EXPECT_FALSE(FieldHeader::Parse(Hex(bad)).has_value()) << bad;
  }
}

TEST(FieldHeaderTest, EverySecondByteParsesOrNotAsTheFormatSays) {
  int accepted = 0;
  for (unsigned second = 0; second < 256; ++second) {
    Bytes bytes(10);
    FieldHeader{static_cast<std::uint8_t>(second), KeyId{1}}.Write(bytes);
    const auto parsed = FieldHeader::Parse(bytes);
    if (!parsed) continue;
    EXPECT_EQ(parsed->second_byte, second);
    ++accepted;
  }
  EXPECT_EQ(accepted, 8 + 8 + 4);  // suites 1 and 2 with three flags, suite 4 with two
}

TEST(IsFieldCiphertextTest, WantsRoomForTheSuite) {
  const std::tuple<unsigned, std::size_t> cases[] = {{0x01, 50}, {0x02, 82}, {0x04, 26},
                                                     {0xC1, 51}, {0xC2, 83}, {0x84, 27}};
  for (const auto& [second, least] : cases) {
    Bytes bytes(least);
    FieldHeader{static_cast<std::uint8_t>(second), KeyId{1}}.Write(MutableBytes(bytes).first(10));
    EXPECT_TRUE(IsFieldCiphertext(bytes)) << second;
    EXPECT_FALSE(IsFieldCiphertext(ByteView(bytes).first(least - 1))) << second;
  }
  EXPECT_FALSE(IsFieldCiphertext(Bytes(100)));
  EXPECT_FALSE(IsFieldCiphertext({}));
}

TEST(FieldHeaderDeathTest, WriteWantsTenBytes) {
  Bytes nine(9);
  EXPECT_DEATH(FieldHeader{}.Write(nine), "check failed");
}

}  // namespace
}  // namespace coffer
