#include "crypto/range_map.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/crypto/index_fixture.h"

namespace coffer {
namespace {

using Intervals = std::set<DyadicInterval>;

Intervals EdgesOf(const RangeMap& map, std::uint64_t u) {
  Intervals edges;
  for (std::size_t i = 0; i < map.level_count(); ++i) edges.insert(map.Edge(u, i));
  return edges;
}

Intervals CoverOf(const RangeMap& map, std::uint64_t low, std::uint64_t high) {
  Intervals cover;
  while (true) {
    const DyadicInterval next = map.CoverStart(low, high);
    cover.insert(next);
    if (next.last() == high) return cover;
    low = next.last() + 1;
  }
}

bool Meet(const Intervals& a, const Intervals& b) {
  return std::any_of(a.begin(), a.end(), [&b](const DyadicInterval& each) { return b.count(each) != 0; });
}

// "0111" for the leaf of 7 in four bits, as libmongocrypt writes edges.
std::string Bits(const DyadicInterval& interval, unsigned width) {
  std::string bits;
  for (unsigned i = width - interval.level; i-- > 0;) bits += (interval.prefix >> i & 1U) != 0 ? '1' : '0';
  return bits;
}

std::set<std::string> EdgeBits(unsigned sparsity) {
  const auto map = RangeMap::Create(0, 13, sparsity).value();
  std::set<std::string> bits;
  for (const DyadicInterval& edge : EdgesOf(map, 7)) bits.insert(Bits(edge, 4));
  return bits;
}

// libmongocrypt test/data/range-edge-generation/edges_int32.cstruct, value 7 in 0 to 13: the same without "root". Its
// prefixes are counted from the root, our levels from the leaf, so at a sparsity that does not divide the width the two
// may differ; 1, 2 and 4 divide 4.
TEST(RangeMapTest, EdgesAreThoseOfLibmongocryptWithoutTheRoot) {
  EXPECT_EQ(EdgeBits(1), (std::set<std::string>{"0111", "0", "01", "011"}));
  EXPECT_EQ(EdgeBits(2), (std::set<std::string>{"0111", "01"}));
  EXPECT_EQ(EdgeBits(4), (std::set<std::string>{"0111"}));
}

TEST(RangeMapTest, LevelCountIsTheWidthOverTheSparsityRoundedUp) {
  const std::tuple<std::uint64_t, unsigned, std::size_t> cases[] = {{1, 1, 1},
                                                                    {1, 8, 1},
                                                                    {2, 1, 2},
                                                                    {13, 1, 4},
                                                                    {13, 3, 2},
                                                                    {0xFFFF, 1, 16},
                                                                    {0xFFFF, 5, 4},
                                                                    {0x10000, 1, 17},
                                                                    {~std::uint64_t{0}, 1, 64},
                                                                    {~std::uint64_t{0}, 7, 10},
                                                                    {~std::uint64_t{0}, 8, 8}};
  for (const auto& [max, sparsity, count] : cases) {
    EXPECT_EQ(RangeMap::Create(0, max, sparsity)->level_count(), count) << max << ", " << sparsity;
  }
}

TEST(RangeMapTest, CoverMeetsEdgesExactlyInsideTheRange) {
  for (unsigned sparsity = 1; sparsity <= kMaxSparsity; ++sparsity) {
    const auto map = RangeMap::Create(0, 255, sparsity).value();
    std::vector<Intervals> edges;
    for (std::uint64_t u = 0; u < 256; ++u) edges.push_back(EdgesOf(map, u));
    for (std::uint64_t low = 0; low < 256; ++low) {
      for (std::uint64_t high = low; high < 256; ++high) {
        const Intervals cover = CoverOf(map, low, high);
        for (std::uint64_t u = 0; u < 256; ++u) {
          ASSERT_EQ(Meet(edges[u], cover), low <= u && u <= high) << sparsity << ": " << u << " " << low << " " << high;
        }
      }
    }
  }
}

TEST(RangeMapTest, CoverOfADomainThatIsNoPowerOfTwoStaysInside) {
  for (unsigned sparsity = 1; sparsity <= 4; ++sparsity) {
    const auto map = RangeMap::Create(100, 113, sparsity).value();
    for (std::uint64_t low = 0; low < 14; ++low) {
      for (std::uint64_t high = low; high < 14; ++high) {
        std::uint64_t next = low;
        for (DyadicInterval at = map.CoverStart(low, high);; at = map.CoverStart(next, high)) {
          ASSERT_EQ(at.prefix << at.level, next);
          ASSERT_LE(at.last(), high);
          if (at.last() == high) break;
          next = at.last() + 1;
        }
      }
    }
  }
}

TEST(RangeMapTest, CoverOfWideDomainsIsSmall) {
  std::mt19937_64 random(7);
  const std::tuple<unsigned, std::size_t> cases[] = {{1, 126}, {2, 192}, {4, 480}};
  for (const auto& [sparsity, most] : cases) {
    const auto map = RangeMap::Create(0, ~std::uint64_t{0}, sparsity).value();
    for (int i = 0; i < 300; ++i) {
      const std::uint64_t a = random();
      const std::uint64_t b = random();
      EXPECT_LE(CoverOf(map, std::min(a, b), std::max(a, b)).size(), most);
    }
    EXPECT_LE(CoverOf(map, 1, ~std::uint64_t{1}).size(), most);
    EXPECT_EQ(CoverOf(map, 0, ~std::uint64_t{0}).size(), std::size_t{1} << sparsity) << "no root is stored";
  }
}

TEST(RangeMapTest, PositionOutsideTheDomainIsRefused) {
  const auto map = RangeMap::Create(10, 20, 1).value();
  EXPECT_EQ(map.PositionOf(10).value(), 0U);
  EXPECT_EQ(map.PositionOf(20).value(), 10U);
  for (std::uint64_t order : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{21}, ~std::uint64_t{0}}) {
    EXPECT_EQ(CodeOf(map.PositionOf(order)), "invalid_argument") << order;
  }
}

TEST(RangeMapTest, RefusesBadDomains) {
  EXPECT_EQ(CodeOf(RangeMap::Create(5, 5, 1)), "invalid_argument");
  EXPECT_EQ(CodeOf(RangeMap::Create(6, 5, 1)), "invalid_argument");
  EXPECT_EQ(CodeOf(RangeMap::Create(0, 5, 0)), "invalid_argument");
  EXPECT_EQ(CodeOf(RangeMap::Create(0, 5, 9)), "invalid_argument");
}

TEST(RangeMapDeathTest, CoverWantsARangeInsideTheDomain) {
  const auto map = RangeMap::Create(0, 13, 1).value();
  EXPECT_DEATH(map.CoverStart(3, 2), "check failed");
  EXPECT_DEATH(map.CoverStart(0, 14), "check failed");
  EXPECT_DEATH(map.Edge(0, 4), "check failed");
}

TEST(OrderTest, Int64KeepsItsOrder) {
  using Limits = std::numeric_limits<std::int64_t>;
  EXPECT_EQ(OrderOfInt64(Limits::min()), 0U);
  EXPECT_EQ(OrderOfInt64(Limits::max()), ~std::uint64_t{0});
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    const auto a = static_cast<std::int64_t>(random());
    const auto b = static_cast<std::int64_t>(random()) >> (random() % 64);
    EXPECT_EQ(a < b, OrderOfInt64(a) < OrderOfInt64(b));
  }
}

TEST(OrderTest, DoubleKeepsItsOrder) {
  std::mt19937_64 random(2);
  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                -1.0,
                                std::numeric_limits<double>::infinity(),
                                -std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::denorm_min()};
  while (values.size() < 300) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isnan(value)) values.push_back(value);
  }
  for (double a : values) {
    for (double b : values) {
      EXPECT_EQ(a < b, OrderOfDouble(a).value() < OrderOfDouble(b).value()) << a << ", " << b;
      EXPECT_EQ(a == b, OrderOfDouble(a).value() == OrderOfDouble(b).value()) << a << ", " << b;
    }
  }
}

TEST(OrderTest, DecimalIsExact) {
  const std::tuple<std::string_view, unsigned, std::int64_t> cases[] = {
      {"0", 2, 0},
      {"-0.00", 2, 0},
      {"123.45", 2, 12345},
      {"-123.4", 2, -12340},
      {"7", 0, 7},
      {"1.5000", 1, 15},
      {"0.000000000000000001", 18, 1},
      {"-9223372036854775808", 0, std::numeric_limits<std::int64_t>::min()}};
  for (const auto& [text, scale, value] : cases) {
    EXPECT_EQ(OrderOfDecimal(text, scale).value(), OrderOfInt64(value)) << text;
  }
}

TEST(OrderTest, DecimalRefusesWhatItCannotHold) {
  const std::tuple<std::string_view, unsigned> cases[] = {{"", 0},      {"-", 0},
                                                          {".", 1},     {"1.", 1},
                                                          {".1", 1},    {"+1", 0},
                                                          {"1e2", 0},   {"NaN", 0},
                                                          {"1 ", 0},    {"1.23", 1},
                                                          {"0.1", 0},   {"9223372036854775808", 0},
                                                          {"--1", 0},   {"1-", 0},
                                                          {"1..2", 2},  {"1.2.3", 2},
                                                          {"1", 19},    {"-9223372036854775809", 0},
                                                          {"10", 18},   {"1,0", 1},
                                                          {"0x10", 0},  {"99999999999999999999999999999999999999", 0},
                                                          {"1_000", 0}, {std::string_view("1\0", 2), 0}};
  for (const auto& [text, scale] : cases) {
    EXPECT_EQ(CodeOf(OrderOfDecimal(text, scale)), "invalid_argument") << text << ", " << scale;
  }
  EXPECT_EQ(CodeOf(OrderOfDecimal(std::string(64, '0'), 0)), "ok");
  EXPECT_EQ(CodeOf(OrderOfDecimal(std::string(65, '0'), 0)), "invalid_argument");
}

TEST(OrderTest, InfinitiesAndNanAreRefused) {
  EXPECT_EQ(CodeOf(OrderOfTimestamp(std::numeric_limits<std::int64_t>::min())), "invalid_argument");
  EXPECT_EQ(CodeOf(OrderOfTimestamp(std::numeric_limits<std::int64_t>::max())), "invalid_argument");
  EXPECT_EQ(OrderOfTimestamp(5).value(), OrderOfInt64(5));
  EXPECT_EQ(CodeOf(OrderOfDouble(std::nan(""))), "invalid_argument");
  EXPECT_EQ(CodeOf(OrderOfDouble(-std::nan("7"))), "invalid_argument");
}

}  // namespace
}  // namespace coffer
