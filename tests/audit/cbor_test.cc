#include "audit/cbor.h"

#include <limits>

#include <gtest/gtest.h>

namespace coffer::audit {
namespace {

Bytes Of(std::string_view hex) { return FromHex(hex).value(); }

std::string Written(std::uint64_t value) {
  Bytes out;
  CborWriter(out).Uint(value);
  return ToHex(out);
}

// RFC 8949 appendix A.
TEST(CborTest, WritesThePublishedExamples) {
  EXPECT_EQ(Written(0), "00");
  EXPECT_EQ(Written(10), "0a");
  EXPECT_EQ(Written(23), "17");
  EXPECT_EQ(Written(24), "1818");
  EXPECT_EQ(Written(25), "1819");
  EXPECT_EQ(Written(100), "1864");
  EXPECT_EQ(Written(1000), "1903e8");
  EXPECT_EQ(Written(1000000), "1a000f4240");
  EXPECT_EQ(Written(1000000000000), "1b000000e8d4a51000");
  EXPECT_EQ(Written(std::numeric_limits<std::uint64_t>::max()), "1bffffffffffffffff");
  Bytes out;
  CborWriter(out).Map(2).Uint(1).Uint(2).Uint(3).Array(2).Text("\xC3\xBC").Bool(false);
  EXPECT_EQ(ToHex(out),
            "a2010203826"
            "2c3bcf4");
}

TEST(CborTest, ReadsWhatItWrites) {
  Bytes out;
  const Bytes bytes = Of("01020304");
  CborWriter(out).Map(3).Uint(0).Text("IETF").Uint(1).Byte(bytes).Uint(500).Array(2).Bool(true).Uint(70'000);
  CborReader in(out);
  EXPECT_EQ(in.Map(3), 3u);
  EXPECT_EQ(in.Uint(), 0u);
  EXPECT_EQ(in.Text(4), "IETF");
  EXPECT_EQ(in.Uint(), 1u);
  EXPECT_EQ(CopyOf(in.Byte(4)), bytes);
  EXPECT_EQ(in.Uint(), 500u);
  EXPECT_EQ(in.Array(2), 2u);
  EXPECT_TRUE(in.Bool());
  EXPECT_FALSE(in.Finish());
  EXPECT_EQ(in.Uint(), 70'000u);
  EXPECT_TRUE(in.Finish());
}

TEST(CborTest, RefusesNumbersInALongerFormThanNeeded) {
  for (const char* hex : {"1817", "1900ff", "1a0000ffff", "1b00000000ffffffff"}) {
    const Bytes bytes = Of(hex);
    CborReader in(bytes);
    in.Uint();
    EXPECT_TRUE(in.failed()) << hex;
  }
}

TEST(CborTest, RefusesOtherTypesIndefiniteLengthsAndCutItems) {
  for (const char* hex :
       {"", "20", "40", "f4", "f6", "f97e00", "1c", "1f", "18", "1903", "1a000f42", "1b000000e8d4a510"}) {
    const Bytes bytes = Of(hex);
    CborReader in(bytes);
    EXPECT_EQ(in.Uint(), 0u) << hex;
    EXPECT_TRUE(in.failed()) << hex;
  }
  for (const char* hex : {"5f", "44010203", "45ffffffff", "5bffffffffffffffff", "6161"}) {
    const Bytes bytes = Of(hex);
    CborReader in(bytes);
    EXPECT_TRUE(in.Byte(100).empty()) << hex;
    EXPECT_TRUE(in.failed()) << hex;
  }
  for (const char* hex : {"61ff", "62c328", "7f", "4161", "63e282"}) {
    const Bytes bytes = Of(hex);
    CborReader in(bytes);
    EXPECT_TRUE(in.Text(100).empty()) << hex;
    EXPECT_TRUE(in.failed()) << hex;
  }
  for (const char* hex : {"", "00", "f6", "f8"}) {
    const Bytes bytes = Of(hex);
    CborReader in(bytes);
    EXPECT_FALSE(in.Bool()) << hex;
    EXPECT_TRUE(in.failed()) << hex;
  }
}

TEST(CborTest, RefusesMoreThanTheCallerTakes) {
  const Bytes text = Of("6449455446");
  CborReader texts(text);
  texts.Text(3);
  EXPECT_TRUE(texts.failed());
  const Bytes array = Of("83010203");
  CborReader arrays(array);
  EXPECT_EQ(arrays.Array(2), 0u);
  EXPECT_TRUE(arrays.failed());
  const Bytes map = Of("bb00000000ffffffff");
  CborReader maps(map);
  EXPECT_EQ(maps.Map(100), 0u);
  EXPECT_TRUE(maps.failed());
}

TEST(CborTest, EveryReadAfterAFailedOneFails) {
  const Bytes bytes =
      Of("6101"
         "05");
  CborReader in(bytes);
  in.Uint();
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.Uint(), 0u);
  EXPECT_EQ(in.Text(10), "");
  EXPECT_FALSE(in.Bool());
  EXPECT_FALSE(in.Finish());
}

}  // namespace
}  // namespace coffer::audit
