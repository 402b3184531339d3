#include "crypto/store_integrity.h"

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

SecretBytes Key(unsigned seed) { return SecretOf(Bytes(32, static_cast<std::byte>(seed))); }
Digest Mac(unsigned seed) {
  Digest digest{};
  digest.fill(static_cast<std::byte>(seed));
  return digest;
}
Digest DigestOf(const Json& hex) {
  Digest digest{};
  const Bytes bytes = HexOf(hex);
  COFFER_CHECK(bytes.size() == digest.size());
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

Bytes EncodedRowOf(const Json& row) {
  Bytes out;
  if (row.is_null()) return out;
  EXPECT_TRUE(EncodeStoredRow(OwnedValues::OfList(row).views(), out).ok());
  return out;
}

// Row cases and deletions.
Digest RowMacOf(const Json& c) {
  const auto store = UuidOfHex<StoreUuid>(c.at("store"));
  const IntegrityKeys keys = DeriveIntegrityKeys(SecretOf(HexOf(c.at("root_key"))), store);
  return RowMac(keys.rows, store, c.at("table").get<std::string>(), RowOf(c.at("primary_key")),
                U64Of(c.at("row_epoch")), EncodedRowOf(c.at("row")));
}

struct Head {
  MacSum sum;
  Digest mac{};
};

Head HeadOf(const Json& c) {
  const auto store = UuidOfHex<StoreUuid>(c.at("store"));
  const IntegrityKeys keys = DeriveIntegrityKeys(SecretOf(HexOf(c.at("root_key"))), store);
  Head head;
  for (const Json& mac : c.at("row_macs")) head.sum.Add(keys.head, DigestOf(mac));
  head.mac = HeadMac(keys.head, store, StoreEpoch{U64Of(c.at("store_epoch"))}, head.sum);
  return head;
}

TEST(IntegrityVectorsTest, PositivesMatch) {
  int rows = 0;
  int heads = 0;
  const Json file = LoadVectors("row_mac.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("kind") == "head") {
      const Head head = HeadOf(c);
      EXPECT_EQ(ToHex(head.sum.bytes()), c.at("sum")) << c.at("name");
      EXPECT_EQ(ToHex(head.mac), c.at("head_mac")) << c.at("name");
      ++heads;
    } else {
      EXPECT_EQ(ToHex(EncodedRowOf(c.at("row"))), c.at("encoded_row")) << c.at("name");
      EXPECT_EQ(ToHex(RowMacOf(c)), c.at("mac")) << c.at("name");
      ++rows;
    }
  }
  EXPECT_GE(rows + heads, 20);
  EXPECT_GT(heads, 0);
}

TEST(IntegrityVectorsTest, NegativesDoNotMatch) {
  int count = 0;
  const Json file = LoadVectors("row_mac.json");
  for (const Json& c : file.at("negative")) {
    if (c.at("kind") == "head") {
      const Head head = HeadOf(c);
      EXPECT_FALSE(ToHex(head.sum.bytes()) == c.at("sum") && ToHex(head.mac) == c.at("head_mac")) << c.at("name");
    } else {
      EXPECT_NE(ToHex(RowMacOf(c)), c.at("mac")) << c.at("name");
    }
    ++count;
  }
  EXPECT_GE(count, 60);
}

TEST(EncodeStoredRowTest, HoldsLongerValuesThanAssociatedDataDoes) {
  const std::string long_text(kMaxValueBytes + 1, 'x');
  const std::vector<ScalarView> row = {TextView{long_text}, NullValue{}};
  Bytes out;
  EXPECT_TRUE(EncodeStoredRow(row, out).ok());
  EXPECT_EQ(out.size(), 1 + 5 + long_text.size() + 1);
}

TEST(EncodeStoredRowTest, RefusesWhatItCannotHold) {
  Bytes out = Hex("ab");
  EXPECT_FALSE(EncodeStoredRow({}, out).ok());
  const std::vector<ScalarView> many(256, ScalarView(NullValue{}));
  EXPECT_FALSE(EncodeStoredRow(many, out).ok());
  const std::vector<ScalarView> bad_text = {std::int64_t{1}, TextView{"\xff"}};
  EXPECT_FALSE(EncodeStoredRow(bad_text, out).ok());
  const Bytes huge(kMaxStoredValueBytes + 1);
  const std::vector<ScalarView> too_long = {BytesView{huge}};
  EXPECT_EQ(EncodeStoredRow(too_long, out).error().limit(), kMaxStoredValueBytes);
  EXPECT_EQ(ToHex(out), "ab") << "an error leaves the output as it was";
}

TEST(RowMacTest, EveryPartCounts) {
  const auto store = TestUuid<StoreUuid>(1);
  const Bytes key = Hex("0100");
  const Bytes row = Hex("0100");
  const Digest base = RowMac(Key(1), store, "tenants", key, 7, row);
  EXPECT_EQ(RowMac(Key(1), store, "tenants", key, 7, row), base);
  EXPECT_NE(RowMac(Key(2), store, "tenants", key, 7, row), base);
  EXPECT_NE(RowMac(Key(1), TestUuid<StoreUuid>(2), "tenants", key, 7, row), base);
  EXPECT_NE(RowMac(Key(1), store, "tenant", key, 7, row), base);
  EXPECT_NE(RowMac(Key(1), store, "tenants", Hex("0101"), 7, row), base);
  EXPECT_NE(RowMac(Key(1), store, "tenants", key, 8, row), base);
  EXPECT_NE(RowMac(Key(1), store, "tenants", key, 7, Hex("0101")), base);
  EXPECT_NE(RowMac(Key(1), store, "tenants", key, 7, {}), base);
}

TEST(RowMacTest, BytesDoNotSlideBetweenParts) {
  const auto store = TestUuid<StoreUuid>(1);
  EXPECT_NE(RowMac(Key(1), store, "ab", AsBytes("c"), 1, {}), RowMac(Key(1), store, "a", AsBytes("bc"), 1, {}));
}

TEST(MacSumTest, OrderDoesNotMatterAndRemovalUndoes) {
  MacSum forward;
  MacSum backward;
  for (unsigned i = 0; i < 50; ++i) forward.Add(Key(1), Mac(i));
  for (unsigned i = 50; i-- > 0;) backward.Add(Key(1), Mac(i));
  EXPECT_EQ(forward, backward);
  EXPECT_FALSE(forward == MacSum());
  for (unsigned i = 0; i < 50; ++i) forward.Remove(Key(1), Mac(i));
  EXPECT_EQ(forward, MacSum());
}

TEST(MacSumTest, RemovalBelowZeroWrapsAndComesBack) {
  MacSum sum;
  sum.Remove(Key(1), Mac(1));
  EXPECT_FALSE(sum == MacSum());
  sum.Add(Key(1), Mac(1));
  EXPECT_EQ(sum, MacSum());
}

TEST(MacSumTest, CarriesThroughAllDigits) {
  Digest all_ones{};
  all_ones.fill(std::byte{0xFF});
  MacSum sum(all_ones);
  sum.Add(Key(1), Mac(1));
  MacSum plain;
  plain.Add(Key(1), Mac(1));
  // 2^256 - 1 + t = t - 1 (mod 2^256), and t's last byte is not zero here.
  Digest expected = plain.bytes();
  ASSERT_NE(expected[31], std::byte{0});
  expected[31] = static_cast<std::byte>(std::to_integer<unsigned>(expected[31]) - 1U);
  EXPECT_EQ(sum.bytes(), expected);
}

TEST(MacSumTest, TwiceTheSameRowIsNotNothing) {
  MacSum once;
  once.Add(Key(1), Mac(1));
  MacSum twice = once;
  twice.Add(Key(1), Mac(1));
  EXPECT_FALSE(twice == MacSum());
  EXPECT_FALSE(twice == once);
}

TEST(MacSumTest, KeyAndMacCount) {
  const auto sum_of = [](unsigned key, unsigned mac) {
    MacSum sum;
    sum.Add(Key(key), Mac(mac));
    return sum;
  };
  EXPECT_FALSE(sum_of(1, 1) == sum_of(1, 2));
  EXPECT_FALSE(sum_of(1, 1) == sum_of(2, 1));
}

TEST(ManyMacsTest, AreTheMacsAndSumsOfSingleOnes) {
  const StoreUuid store{std::array<std::byte, 16>{std::byte{9}}};
  const IntegrityKeys keys = DeriveIntegrityKeys(Key(1), store);
  const ManyMacs many(store, keys);
  MacSum one_by_one;
  MacSum at_once;
  std::vector<Digest> macs;
  for (unsigned i = 0; i < 20; ++i) {
    const Bytes key(i, std::byte{1});
    const Bytes row(3 * i, std::byte{2});
    macs.push_back(many.Row("tenant", key, i, row));
    EXPECT_EQ(macs.back(), RowMac(keys.rows, store, "tenant", key, i, row));
    one_by_one.Add(keys.head, macs.back());
    many.Add(at_once, macs.back());
    EXPECT_EQ(one_by_one, at_once);
  }
  one_by_one.Remove(keys.head, macs[3]);
  EXPECT_NE(one_by_one, at_once);
  many.Remove(at_once, macs[3]);
  EXPECT_EQ(one_by_one, at_once);
}

TEST(ManyMacsTest, AnotherStoreOrKeyIsAnotherMac) {
  const StoreUuid store{std::array<std::byte, 16>{std::byte{9}}};
  const StoreUuid other{std::array<std::byte, 16>{std::byte{8}}};
  const IntegrityKeys keys = DeriveIntegrityKeys(Key(1), store);
  const Digest mac = ManyMacs(store, keys).Row("tenant", {}, 1, {});
  EXPECT_NE(mac, ManyMacs(other, keys).Row("tenant", {}, 1, {}));
  EXPECT_NE(mac, ManyMacs(store, DeriveIntegrityKeys(Key(2), store)).Row("tenant", {}, 1, {}));
}

TEST(HeadMacTest, EveryPartCounts) {
  MacSum sum;
  sum.Add(Key(1), Mac(1));
  const auto store = TestUuid<StoreUuid>(1);
  const Digest base = HeadMac(Key(1), store, StoreEpoch{1}, sum);
  EXPECT_NE(HeadMac(Key(2), store, StoreEpoch{1}, sum), base);
  EXPECT_NE(HeadMac(Key(1), TestUuid<StoreUuid>(2), StoreEpoch{1}, sum), base);
  EXPECT_NE(HeadMac(Key(1), store, StoreEpoch{2}, sum), base);
  EXPECT_NE(HeadMac(Key(1), store, StoreEpoch{1}, MacSum()), base);
}

}  // namespace
}  // namespace coffer
