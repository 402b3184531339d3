#include "audit/tree.h"

#include <gtest/gtest.h>

#include "crypto/cursor.h"
#include "tests/audit/naive_tree.h"

namespace coffer::audit {
namespace {

Frontier FrontierOf(const NaiveTree& tree, std::size_t size) {
  Frontier frontier;
  for (std::size_t i = 0; i < size; ++i) frontier.Append(tree.leaves()[i]);
  return frontier;
}

Bytes EncodingOf(std::uint64_t size, std::size_t roots) {
  Bytes bytes;
  Writer(bytes).U64(size);
  bytes.resize(bytes.size() + roots * sizeof(Digest), std::byte{0xAB});
  return bytes;
}

TEST(TreeTest, HashesHaveRfc6962Prefixes) {
  EXPECT_EQ(EmptyRoot(), Sha256({}));
  EXPECT_EQ(LeafHash({}), DigestOfHex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"));
  const Digest a = LeafHash(AsBytes("a"));
  const Digest b = LeafHash(AsBytes("b"));
  EXPECT_EQ(a, Sha256({AsBytes(std::string_view("\0a", 2))}));
  EXPECT_EQ(NodeHash(a, b), Sha256({AsBytes("\1"), a, b}));
  EXPECT_NE(NodeHash(a, b), NodeHash(b, a));
}

TEST(TreeTest, ANodeIsNoLeafOfItsChildren) {
  const Digest a = LeafHash(AsBytes("a"));
  Bytes both = CopyOf(a);
  Append(both, a);
  EXPECT_NE(NodeHash(a, a), LeafHash(both));
}

TEST(FrontierTest, MatchesTheReferenceRoots) {
  Frontier frontier;
  const std::vector<Digest> roots = ReferenceRoots();
  EXPECT_EQ(frontier.Root(), roots[0]);
  std::size_t size = 0;
  for (const Bytes& record : ReferenceRecords()) {
    frontier.Append(LeafHash(record));
    ++size;
    EXPECT_EQ(frontier.Head(), (TreeHead{size, roots[size]}));
  }
  EXPECT_EQ(size, 8U);
}

TEST(FrontierTest, MatchesTheDefinitionAtEverySize) {
  const NaiveTree tree = NaiveTree::OfCount(300);
  Frontier frontier;
  for (std::size_t size = 0; size < 300; ++size) {
    ASSERT_EQ(frontier.Head(), tree.Head(size)) << size;
    frontier.Append(tree.leaves()[size]);
  }
}

TEST(FrontierTest, CopiesGrowApart) {
  const NaiveTree tree = NaiveTree::OfCount(8);
  Frontier a = FrontierOf(tree, 5);
  Frontier b = a;
  b.Append(tree.leaves()[5]);
  EXPECT_EQ(a.Head(), tree.Head(5));
  EXPECT_EQ(b.Head(), tree.Head(6));
  EXPECT_FALSE(a == b);
  a.Append(tree.leaves()[5]);
  EXPECT_TRUE(a == b);
}

TEST(FrontierTest, EqualityIgnoresWhatIsNotInUse) {
  const NaiveTree tree = NaiveTree::OfCount(8);
  const Frontier grown = FrontierOf(tree, 8);
  const Frontier fresh = Frontier::Of(8, std::vector<Digest>{tree.Mth(0, 8)}).value();
  EXPECT_TRUE(grown == fresh);
  const Frontier other = Frontier::Of(8, std::vector<Digest>{tree.Mth(0, 4)}).value();
  EXPECT_FALSE(grown == other);
}

TEST(FrontierTest, EncodingGoesOnWhereItWas) {
  const NaiveTree tree = NaiveTree::OfCount(70);
  for (std::size_t size = 0; size < 64; ++size) {
    const Bytes encoded = FrontierOf(tree, size).Encode();
    auto decoded = Frontier::Decode(encoded);
    ASSERT_TRUE(decoded.ok()) << size;
    EXPECT_EQ(decoded->Encode(), encoded);
    EXPECT_EQ(decoded->Head(), tree.Head(size));
    for (std::size_t i = size; i < 70; ++i) decoded->Append(tree.leaves()[i]);
    EXPECT_EQ(decoded->Root(), tree.Mth(0, 70));
  }
}

TEST(FrontierTest, EncodingIsSizeThenTheLargestSubtreeFirst) {
  const NaiveTree tree = NaiveTree::OfCount(5);
  Bytes expected;
  Writer(expected).U64(5).Raw(tree.Mth(0, 4)).Raw(tree.leaves()[4]);
  EXPECT_EQ(FrontierOf(tree, 5).Encode(), expected);
}

TEST(FrontierTest, DecodeRefusesWhatEncodeDoesNotWrite) {
  const struct {
    const char* name;
    Bytes bytes;
  } cases[] = {
      {"nothing", {}},
      {"seven bytes", Bytes(7)},
      {"a hash too few", EncodingOf(3, 1)},
      {"a hash too many", EncodingOf(3, 3)},
      {"an empty tree with a hash", EncodingOf(0, 1)},
      {"half a hash",
       [] {
         Bytes bytes = EncodingOf(1, 1);
         bytes.resize(24);
         return bytes;
       }()},
      {"a byte behind",
       [] {
         Bytes bytes = EncodingOf(1, 1);
         bytes.push_back(std::byte{0});
         return bytes;
       }()},
      {"too large", EncodingOf(kMaxTreeSize + 1, 2)},
      {"2^63", EncodingOf(std::uint64_t{1} << 63, 1)},
      {"2^64 - 1", EncodingOf(~std::uint64_t{0}, 64)},
  };
  for (const auto& c : cases) {
    const auto frontier = Frontier::Decode(c.bytes);
    ASSERT_FALSE(frontier.ok()) << c.name;
    EXPECT_EQ(frontier.error().code(), ErrorCode::kInvalidArgument) << c.name;
  }
}

TEST(FrontierTest, TheLargestTreeTakesNoMore) {
  Frontier full = Frontier::Decode(EncodingOf(kMaxTreeSize, 1)).value();
  EXPECT_EQ(full.size(), kMaxTreeSize);
  EXPECT_DEATH(full.Append(EmptyRoot()), "check failed");
  Frontier nearly = Frontier::Decode(EncodingOf(kMaxTreeSize - 1, 62)).value();
  nearly.Append(EmptyRoot());
  EXPECT_EQ(nearly.size(), kMaxTreeSize);
  EXPECT_EQ(nearly.Encode().size(), 8 + sizeof(Digest));
}

TEST(RootOfTest, IsTheRootOverNodesOfAnyLevel) {
  const NaiveTree tree = NaiveTree::OfCount(23);
  EXPECT_EQ(RootOf({}), EmptyRoot());
  EXPECT_EQ(RootOf(tree.leaves()), tree.Mth(0, 23));
  std::vector<Digest> nodes;
  for (std::size_t i = 0; i < 5; ++i) nodes.push_back(tree.Mth(i * 4, i * 4 + 4));
  EXPECT_EQ(RootOf(nodes), tree.Mth(0, 20));
  nodes.push_back(tree.Mth(20, 23));
  EXPECT_EQ(RootOf(nodes), tree.Mth(0, 23));
}

}  // namespace
}  // namespace coffer::audit
