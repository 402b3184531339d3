// Arithmetic in GF(2^8) with x^8 + x^4 + x^3 + x + 1 (FIPS 197 section 4), and polynomials over it, for shares
// (docs/FORMAT.md section 8). No tables and no branches: time and addresses do not depend on the values. Addition is
// XOR. Internal to crypto/.
#pragma once

#include "crypto/bytes.h"

namespace coffer::internal::gf256 {

std::uint8_t Multiply(std::uint8_t a, std::uint8_t b);
// 0 for 0.
std::uint8_t Inverse(std::uint8_t a);

// For each byte of `constant` on its own, the value at `x` of the polynomial with that constant term. `coefficients`
// holds constant.size() bytes for each power from 1. out.size() == constant.size().
void Evaluate(ByteView constant, ByteView coefficients, std::uint8_t x, MutableBytes out);

struct Point {
  std::uint8_t x = 0;
  ByteView y;
};
// For each byte on its own, the value at 0 of the polynomial of the lowest degree through `points` (Lagrange). The x
// are different, not 0 and no secret; each y has out.size() bytes.
void InterpolateAtZero(std::span<const Point> points, MutableBytes out);

}  // namespace coffer::internal::gf256
