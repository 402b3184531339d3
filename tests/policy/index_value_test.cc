// Plaintexts as indexes take them.
#include "policy/index_value.h"

#include <gtest/gtest.h>

namespace coffer::policy {
namespace {

IndexedValue Of(IndexType type, std::uint8_t scale = 0) { return {type, scale, {}}; }

std::uint64_t MustOrder(IndexType type, std::string_view text, std::uint8_t scale = 0) {
  const Result<std::uint64_t> order = OrderOf(Of(type, scale), text);
  EXPECT_TRUE(order.ok()) << text;
  return order.ok() ? *order : 0;
}

std::string Hex(const IndexedValue& form, std::string_view text) {
  const Result<SecretBytes> bytes = IndexedBytes(form, AsBytes(text));
  return bytes.ok() ? ToHex(bytes->Expose(SecretAccess::kTest)) : "refused";
}

TEST(IndexValue, OrdersKeepTheOrderOfTheirTexts) {
  const std::vector<std::pair<IndexType, std::vector<std::string_view>>> rising = {
      {IndexType::kInt64, {"-9223372036854775808", "-7", "0", "12", "9223372036854775807"}},
      {IndexType::kDecimal, {"-10.50", "-0.01", "0", "0.1", "0.11", "99"}},
      {IndexType::kDouble, {"-inf", "-1e300", "-0.5", "0", "1e-300", "2.5", "inf"}},
      {IndexType::kTimestamp,
       {"0000-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00+00:59",
        "2027-02-28T23:59:59.1Z", "2027-02-28T23:59:59.12Z", "9999-12-31T23:59:59Z"}},
  };
  for (const auto& [type, texts] : rising) {
    for (std::size_t i = 1; i < texts.size(); ++i) {
      EXPECT_LT(MustOrder(type, texts[i - 1], 2 * (type == IndexType::kDecimal)),
                MustOrder(type, texts[i], 2 * (type == IndexType::kDecimal)))
          << texts[i];
    }
  }
}

TEST(IndexValue, OneMomentHasOneOrderInAllItsTexts) {
  const std::uint64_t moment = MustOrder(IndexType::kTimestamp, "2027-01-31T12:00:00Z");
  for (const char* text : {"2027-01-31 12:00:00Z", "2027-01-31 12:00:00+00", "2027-01-31T12:00:00.000000+00:00",
                           "2027-01-31T13:30:00+01:30", "2027-01-31 12:19:32+00:19:32", "2027-01-31 07:03:58-04:56:02",
                           "2027-01-31 07:00:00-05", "2027-02-01T00:00:00.0+12:00"}) {
    EXPECT_EQ(MustOrder(IndexType::kTimestamp, text), moment) << text;
  }
  EXPECT_EQ(MustOrder(IndexType::kTimestamp, "1970-01-01T00:00:00.000001Z"), (std::uint64_t{1} << 63) + 1);
}

TEST(IndexValue, TextsThatAreNoTimestampsAreRefused) {
  for (const char* text : {"",
                           "2027-01-31",
                           "2027-01-31T12:00:00",
                           "2027-01-31T12:00:00.Z",
                           "2027-01-31T12:00:00.1234567Z",
                           "2027-01-31t12:00:00Z",
                           "2027-01-31T12:00:00z",
                           "2027-02-29T12:00:00Z",
                           "2027-01-31T24:00:00Z",
                           "2027-01-31T23:59:60Z",
                           "2027-01-31T12:00:00+1",
                           "2027-01-31T12:00:00+01:",
                           "2027-01-31T12:00:00+24:00",
                           "2027-01-31T12:00:00+00:19:60",
                           "2027-01-31T12:00:00+00:19:",
                           "2027-01-31T12:00:00+00:19:1",
                           "2027-01-31T12:00:00+00:19:32:00",
                           "10000-01-01 00:00:00+00",
                           "0044-03-15 00:00:00+00 BC",
                           "2027-01-31T12:00:00Z ",
                           " 2027-01-31T12:00:00Z",
                           "2027-01-31T12:00Z",
                           "infinity"}) {
    EXPECT_FALSE(OrderOf(Of(IndexType::kTimestamp), text).ok()) << text;
  }
}

TEST(IndexValue, TextsThatAreNoNumbersAreRefused) {
  for (const char* text : {"", " 1", "1 ", "+1", "0x1", "1,5", "one", "9223372036854775808"}) {
    EXPECT_FALSE(OrderOf(Of(IndexType::kInt64), text).ok()) << text;
    EXPECT_EQ(Hex(Of(IndexType::kInt64), text), "refused") << text;
  }
  for (const char* text : {"", "nan", "-nan", "1.5x", " 1", "1e999"}) {
    EXPECT_FALSE(OrderOf(Of(IndexType::kDouble), text).ok()) << text;
  }
  EXPECT_FALSE(OrderOf(Of(IndexType::kDecimal, 2), "1.234").ok());
  EXPECT_FALSE(OrderOf(Of(IndexType::kDecimal, 2), "1e3").ok());
}

TEST(IndexValue, TypesWithoutAnOrderHaveNone) {
  for (const IndexType type : {IndexType::kText, IndexType::kBytes, IndexType::kUuid}) {
    EXPECT_FALSE(OrderOf(Of(type), "1").ok());
  }
  for (const IndexType type : {IndexType::kTimestamp, IndexType::kDecimal, IndexType::kDouble}) {
    EXPECT_EQ(Hex(Of(type), "1"), "refused");
  }
}

TEST(IndexValue, BytesAreThoseOfTheFormat) {
  EXPECT_EQ(Hex(Of(IndexType::kText), "Abc"), "416263");
  EXPECT_EQ(Hex({IndexType::kText, 0, {{TransformKind::kTrim, 0}, {TransformKind::kAsciiCasefold, 0}}}, " Abc "),
            "616263");
  EXPECT_EQ(Hex(Of(IndexType::kBytes), std::string_view("\x00\xff", 2)), "00ff");
  EXPECT_EQ(Hex(Of(IndexType::kInt64), "-2"), "fffffffffffffffe");
  EXPECT_EQ(Hex(Of(IndexType::kInt64), "258"), "0000000000000102");
  EXPECT_EQ(Hex(Of(IndexType::kUuid), "0192F3A0-0000-7000-8000-00000000000a"),
            "0192f3a00000700080000000"
            "0000000a");
}

TEST(IndexValue, StableTextsEndAtU024F) {
  const auto stable = [](std::string_view text) { return IsStableText(AsBytes(text)); };
  for (const char* text : {"", "Ada",
                           "Stra\xc3\x9f"
                           "e",
                           "\xc2\x80", "\xc4\xb0stanbul", "\xc9\x8f", "a\xc9\x80z"}) {
    EXPECT_TRUE(stable(text)) << text;
  }
  for (const char* text : {"\xc9\x90", "\xc9\xbf", "\xca\x80", "e\xcc\x81", "\xce\xb1", "\xe4\xb8\xad",
                           "\xf0\x9f\x94\x91", "Ada \xe2\x80\x8d", "\xff", "\x80", "\xc0\x80", "\xc1\xbf", "\xc3",
                           "\xc3"
                           "A",
                           "\xc9\xc0"}) {
    EXPECT_FALSE(stable(text)) << text;
  }
}

TEST(IndexValue, StableTextsAreThoseOfTheCodePointsToU024FWhichAreAllAssigned) {
  const IndexedValue folded{IndexType::kText, 0, {{TransformKind::kNfkcCasefold, 0}}};
  for (std::uint32_t point = 1; point < 0x800; ++point) {
    std::string text;
    if (point < 0x80) {
      text = static_cast<char>(point);
    } else {
      text += static_cast<char>(0xc0 | (point >> 6));
      text += static_cast<char>(0x80 | (point & 0x3f));
    }
    EXPECT_EQ(IsStableText(AsBytes(text)), point <= 0x24f) << point;
    if (point <= 0x24f) {
      EXPECT_NE(Hex(folded, text), "refused") << point;
    }
  }
}

TEST(IndexValue, BrokenValuesAreRefused) {
  EXPECT_EQ(Hex(Of(IndexType::kText), "\xff"), "refused");
  EXPECT_EQ(Hex(Of(IndexType::kUuid), "0192f3a0"), "refused");
  EXPECT_EQ(Hex(Of(IndexType::kBytes), std::string(kMaxIndexedBytes + 1, 'x')), "refused");
  EXPECT_NE(Hex(Of(IndexType::kBytes), std::string(kMaxIndexedBytes, 'x')), "refused");
}

}  // namespace
}  // namespace coffer::policy
