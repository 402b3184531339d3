#include "crypto/internal/gf256.h"

#include <algorithm>

namespace coffer::internal::gf256 {
namespace {

constexpr unsigned kPolynomial = 0x11B;

unsigned MaskOfBit(unsigned value, unsigned bit) { return 0U - (value >> bit & 1U); }

std::uint8_t ToU8(std::byte b) { return std::to_integer<std::uint8_t>(b); }

std::byte Times(std::uint8_t a, std::byte b) { return std::byte{Multiply(a, ToU8(b))}; }

}  // namespace

std::uint8_t Multiply(std::uint8_t a, std::uint8_t b) {
  unsigned product = 0;
  for (unsigned bit = 0; bit < 8; ++bit) product ^= MaskOfBit(b, bit) & (static_cast<unsigned>(a) << bit);
  for (unsigned bit = 14; bit >= 8; --bit) product ^= MaskOfBit(product, bit) & (kPolynomial << (bit - 8));
  return static_cast<std::uint8_t>(product);
}

// a^254: the group of units has 255 elements.
std::uint8_t Inverse(std::uint8_t a) {
  std::uint8_t square = a;
  std::uint8_t result = 1;
  for (int i = 1; i < 8; ++i) {
    square = Multiply(square, square);
    result = Multiply(result, square);
  }
  return result;
}

// Horner's rule, from the highest power.
void Evaluate(ByteView constant, ByteView coefficients, std::uint8_t x, MutableBytes out) {
  const std::size_t size = constant.size();
  COFFER_CHECK(size > 0 && out.size() == size && coefficients.size() % size == 0);
  std::fill(out.begin(), out.end(), std::byte{0});
  for (std::size_t power = coefficients.size() / size; power > 0; --power) {
    const ByteView terms = coefficients.subspan((power - 1) * size, size);
    for (std::size_t i = 0; i < size; ++i) out[i] = Times(x, out[i] ^ terms[i]);
  }
  for (std::size_t i = 0; i < size; ++i) out[i] ^= constant[i];
}

void InterpolateAtZero(std::span<const Point> points, MutableBytes out) {
  std::fill(out.begin(), out.end(), std::byte{0});
  for (const Point& point : points) {
    COFFER_CHECK(point.x != 0 && point.y.size() == out.size());
    std::uint8_t weight = 1;
    for (const Point& other : points) {
      if (&other == &point) continue;
      COFFER_CHECK(other.x != point.x);
      weight = Multiply(weight, Multiply(other.x, Inverse(static_cast<std::uint8_t>(other.x ^ point.x))));
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= Times(weight, point.y[i]);
  }
}

}  // namespace coffer::internal::gf256
