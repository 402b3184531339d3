#include "crypto/cursor.h"

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

TEST(WriterTest, WritesBigEndian) {
  Bytes out;
  Writer(out)
      .U8(1)
      .U16(0x0203)
      .U32(0x04050607)
      .U64(0x08090A0B0C0D0E0F)
      .Raw("xy")
      .LengthPrefixed("z")
      .LengthPrefixed("");
  EXPECT_EQ(ToHex(out), "0102030405060708090a0b0c0d0e0f7879000000017a00000000");
}

TEST(ReaderTest, ReadsWhatWriterWrote) {
  Bytes out;
  Writer(out).U8(255).U16(65535).U32(0xFFFFFFFF).U64(~0ULL).LengthPrefixed("abc").Raw("d");
  Reader reader(out);
  EXPECT_EQ(reader.U8(), 255);
  EXPECT_EQ(reader.U16(), 65535);
  EXPECT_EQ(reader.U32(), 0xFFFFFFFF);
  EXPECT_EQ(reader.U64(), ~0ULL);
  EXPECT_EQ(AsText(reader.TakeLengthPrefixed(3)), "abc");
  EXPECT_FALSE(reader.Finish());
  EXPECT_EQ(reader.remaining(), 1U);
  EXPECT_EQ(AsText(reader.Take(1)), "d");
  EXPECT_TRUE(reader.Finish());
}

TEST(ReaderTest, EmptyInputIsFinished) { EXPECT_TRUE(Reader({}).Finish()); }

TEST(ReaderTest, AfterAFailureEveryReadFails) {
  const Bytes input = Hex("0102030405");
  Reader reader(input);
  EXPECT_EQ(reader.U64(), 0U);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_TRUE(reader.Take(0).empty());
  EXPECT_TRUE(reader.Take(1).empty());
  EXPECT_FALSE(reader.Finish());
}

TEST(ReaderTest, ShortInputFailsEachRead) {
  const Bytes seven = Bytes(7);
  EXPECT_TRUE([&] {
    Reader r(ByteView(seven).first(0));
    r.U8();
    return r.failed();
  }());
  EXPECT_TRUE([&] {
    Reader r(ByteView(seven).first(1));
    r.U16();
    return r.failed();
  }());
  EXPECT_TRUE([&] {
    Reader r(ByteView(seven).first(3));
    r.U32();
    return r.failed();
  }());
  EXPECT_TRUE([&] {
    Reader r(seven);
    r.U64();
    return r.failed();
  }());
  EXPECT_TRUE([&] {
    Reader r(seven);
    r.Take(8);
    return r.failed();
  }());
  EXPECT_TRUE([&] {
    Reader r(seven);
    r.Take(~std::size_t{0});
    return r.failed();
  }());
}

TEST(ReaderTest, LengthPrefixIsHeldToItsMaximum) {
  const Bytes input = Hex("00000003616263");
  EXPECT_TRUE([&] {
    Reader r(input);
    r.TakeLengthPrefixed(3);
    return r.Finish();
  }());
  EXPECT_TRUE([&] {
    Reader r(input);
    return r.TakeLengthPrefixed(2).empty() && r.failed();
  }());
}

TEST(ReaderTest, LengthBeyondTheEndFails) {
  for (std::string_view hex : {"00000004616263", "ffffffff61", "80000000", "000000", "00000001"}) {
    const Bytes input = Hex(hex);
    Reader reader(input);
    EXPECT_TRUE(reader.TakeLengthPrefixed(~std::size_t{0}).empty()) << hex;
    EXPECT_TRUE(reader.failed()) << hex;
  }
}

TEST(FixedPlaceTest, StoresAndLoads) {
  std::array<std::byte, 8> eight{};
  StoreU64(eight, 0x0102030405060708);
  EXPECT_EQ(ToHex(eight), "0102030405060708");
  EXPECT_EQ(LoadU64(eight), 0x0102030405060708U);
  std::array<std::byte, 4> four{};
  StoreU32(four, 0xA0B0C0D0);
  EXPECT_EQ(ToHex(four), "a0b0c0d0");
}

TEST(FixedPlaceDeathTest, WrongSizeAborts) {
  Bytes seven(7);
  EXPECT_DEATH(StoreU64(seven, 1), "check failed");
  EXPECT_DEATH(StoreU32(seven, 1), "check failed");
  EXPECT_DEATH(static_cast<void>(LoadU64(seven)), "check failed");
}

}  // namespace
}  // namespace coffer
