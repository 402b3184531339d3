#include <gtest/gtest.h>

#include "crypto/internal/gf256.h"
#include "tests/crypto/vectors.h"

namespace coffer::internal::gf256 {
namespace {

// Russian peasant multiplication, written for reading.
std::uint8_t SlowMultiply(unsigned a, unsigned b) {
  unsigned product = 0;
  while (b != 0) {
    if (b & 1U) product ^= a;
    b >>= 1;
    a <<= 1;
    if (a & 0x100U) a ^= 0x11BU;
  }
  return static_cast<std::uint8_t>(product);
}

std::uint8_t U8(unsigned value) { return static_cast<std::uint8_t>(value); }

TEST(Gf256Test, MatchesFips197) {
  EXPECT_EQ(Multiply(0x57, 0x83), 0xC1);
  EXPECT_EQ(Multiply(0x57, 0x13), 0xFE);
  EXPECT_EQ(Inverse(0x53), 0xCA);
}

TEST(Gf256Test, MultipliesEveryPair) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) ASSERT_EQ(Multiply(U8(a), U8(b)), SlowMultiply(a, b)) << a << " " << b;
  }
}

TEST(Gf256Test, EveryElementButZeroHasAnInverse) {
  EXPECT_EQ(Inverse(0), 0);
  for (unsigned a = 1; a < 256; ++a) EXPECT_EQ(Multiply(U8(a), Inverse(U8(a))), 1) << a;
}

TEST(Gf256Test, EvaluatesEachByteOnItsOwn) {
  const Bytes constant = Hex("0157");
  const Bytes coefficients = Hex("00830113");  // x: 00, 83; x^2: 01, 13
  Bytes out(2);
  Evaluate(constant, coefficients, 1, out);
  EXPECT_EQ(ToHex(out), "00c7");
  Evaluate(constant, coefficients, 0, out);
  EXPECT_EQ(out, constant);
  Evaluate(constant, {}, 9, out);
  EXPECT_EQ(out, constant);
}

// Through any k of a polynomial's points there is one polynomial of k terms.
TEST(Gf256Test, InterpolatesWhatWasEvaluated) {
  Bytes constant(4);
  Bytes coefficients(4 * 5);
  for (std::size_t i = 0; i < constant.size(); ++i) constant[i] = static_cast<std::byte>(i * 91 + 3);
  for (std::size_t i = 0; i < coefficients.size(); ++i) coefficients[i] = static_cast<std::byte>(i * 57 + 1);
  std::vector<Bytes> values;
  std::vector<Point> points;
  for (const unsigned x : {1U, 2U, 77U, 128U, 254U, 255U}) {
    Evaluate(constant, coefficients, U8(x), values.emplace_back(4));
  }
  std::size_t i = 0;
  for (const unsigned x : {1U, 2U, 77U, 128U, 254U, 255U}) points.push_back({U8(x), values[i++]});
  Bytes out(4);
  InterpolateAtZero(points, out);
  EXPECT_EQ(out, constant);
  InterpolateAtZero(std::span(points).first(5), out);
  EXPECT_NE(out, constant);
}

}  // namespace
}  // namespace coffer::internal::gf256
