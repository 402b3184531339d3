#include "audit/proof.h"

#include <gtest/gtest.h>

#include "tests/audit/naive_tree.h"

namespace coffer::audit {
namespace {

constexpr std::size_t kBruteForce = 300;

Proof ProofOfHex(const std::vector<const char*>& hashes) {
  Proof proof;
  for (const char* hex : hashes) proof.push_back(DigestOfHex(hex));
  return proof;
}

NaiveTree ReferenceTree() {
  std::vector<Digest> leaves;
  for (const Bytes& record : ReferenceRecords()) leaves.push_back(LeafHash(record));
  return NaiveTree(std::move(leaves));
}

constexpr const char* kRoot1 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
constexpr const char* kLeaf2 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
constexpr const char* kRoot2 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
constexpr const char* kNode34 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
constexpr const char* kRoot4 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
constexpr const char* kLeaf5 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
constexpr const char* kNode56 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
constexpr const char* kLeaf7 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f";
constexpr const char* kNode78 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
constexpr const char* kNode58 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

struct KnownProof {
  std::uint64_t first;  // the leaf's index, or the earlier size
  std::uint64_t size;
  std::vector<const char*> hashes;
};

// Those of the certificate transparency reference implementation.
TEST(InclusionProofTest, MatchesTheReference) {
  const KnownProof known[] = {{0, 1, {}},
                              {0, 8, {kLeaf2, kNode34, kNode58}},
                              {5, 8, {kLeaf5, kNode78, kRoot4}},
                              {2, 3, {kRoot2}},
                              {1, 5, {kRoot1, kNode34, kLeaf5}}};
  const NaiveTree tree = ReferenceTree();
  for (const KnownProof& c : known) {
    const auto proof = MakeInclusionProof({c.first, c.size}, tree.Source());
    ASSERT_TRUE(proof.ok());
    EXPECT_EQ(*proof, ProofOfHex(c.hashes)) << c.first << " of " << c.size;
    const TreeHead head = {c.size, ReferenceRoots()[c.size]};
    EXPECT_TRUE(VerifyInclusion(c.first, tree.leaves()[c.first], head, *proof).ok());
  }
}

TEST(ConsistencyProofTest, MatchesTheReference) {
  const KnownProof known[] = {{1, 1, {}},
                              {1, 8, {kLeaf2, kNode34, kNode58}},
                              {6, 8, {kNode56, kNode78, kRoot4}},
                              {2, 5, {kNode34, kLeaf5}},
                              {6, 7, {kNode56, kLeaf7, kRoot4}}};
  const NaiveTree tree = ReferenceTree();
  const std::vector<Digest> roots = ReferenceRoots();
  for (const KnownProof& c : known) {
    const auto proof = MakeConsistencyProof({c.first, c.size}, tree.Source());
    ASSERT_TRUE(proof.ok());
    EXPECT_EQ(*proof, ProofOfHex(c.hashes)) << c.first << " to " << c.size;
    EXPECT_TRUE(VerifyConsistency({c.first, roots[c.first]}, {c.size, roots[c.size]}, *proof).ok());
  }
}

TEST(InclusionProofTest, EveryLeafOfEverySizeMatchesTheDefinition) {
  const NaiveTree tree = NaiveTree::OfCount(kBruteForce);
  for (std::size_t size = 1; size <= kBruteForce; ++size) {
    const TreeHead head = tree.Head(size);
    for (std::size_t index = 0; index < size; ++index) {
      const auto proof = MakeInclusionProof({index, size}, tree.Source());
      ASSERT_TRUE(proof.ok()) << index << " of " << size;
      ASSERT_EQ(*proof, tree.Path(index, size)) << index << " of " << size;
      ASSERT_TRUE(VerifyInclusion(index, tree.leaves()[index], head, *proof).ok()) << index << " of " << size;
    }
  }
}

TEST(ConsistencyProofTest, EveryPairOfSizesMatchesTheDefinition) {
  const NaiveTree tree = NaiveTree::OfCount(kBruteForce);
  for (std::size_t to = 0; to <= kBruteForce; ++to) {
    for (std::size_t from = 0; from <= to; ++from) {
      const auto proof = MakeConsistencyProof({from, to}, tree.Source());
      ASSERT_TRUE(proof.ok()) << from << " to " << to;
      ASSERT_EQ(*proof, from == 0 ? Proof() : tree.Consistency(from, to)) << from << " to " << to;
      ASSERT_TRUE(VerifyConsistency(tree.Head(from), tree.Head(to), *proof).ok()) << from << " to " << to;
    }
  }
}

TEST(FrontierAtTest, IsTheFrontierThatGrew) {
  const NaiveTree tree = NaiveTree::OfCount(kBruteForce);
  Frontier grown;
  for (std::size_t size = 0; size < kBruteForce; ++size) {
    const auto frontier = FrontierAt(size, tree.Source());
    ASSERT_TRUE(frontier.ok()) << size;
    ASSERT_TRUE(*frontier == grown) << size;
    grown.Append(tree.leaves()[size]);
  }
}

// All the ways to change a list of hashes a little.
std::vector<Proof> MutationsOf(const Proof& proof, const std::vector<Digest>& others) {
  std::vector<Proof> mutations;
  for (std::size_t i = 0; i < proof.size(); ++i) {
    for (const std::size_t bit : {0U, 7U, 8U, 127U, 128U, 248U, 255U}) {
      mutations.push_back(proof);
      mutations.back()[i][bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
    mutations.push_back(proof);
    mutations.back().erase(mutations.back().begin() + static_cast<std::ptrdiff_t>(i));
    for (std::size_t j = 0; j < i; ++j) {
      if (proof[i] == proof[j]) continue;
      mutations.push_back(proof);
      std::swap(mutations.back()[i], mutations.back()[j]);
    }
  }
  for (std::size_t i = 0; i <= proof.size(); ++i) {
    for (const Digest& other : others) {
      mutations.push_back(proof);
      mutations.back().insert(mutations.back().begin() + static_cast<std::ptrdiff_t>(i), other);
    }
  }
  return mutations;
}

TEST(InclusionProofTest, ChangedProofsAreRefused) {
  const NaiveTree tree = NaiveTree::OfCount(40);
  for (std::size_t size = 1; size <= 40; ++size) {
    const TreeHead head = tree.Head(size);
    for (std::size_t index = 0; index < size; ++index) {
      const Digest& leaf = tree.leaves()[index];
      const Proof path = tree.Path(index, size);
      for (const Proof& changed : MutationsOf(path, {leaf, head.root, EmptyRoot(), Digest{}})) {
        ASSERT_FALSE(VerifyInclusion(index, leaf, head, changed).ok()) << index << " of " << size;
      }
    }
  }
}

TEST(InclusionProofTest, AnotherIndexLeafOrRootIsRefused) {
  const NaiveTree tree = NaiveTree::OfCount(40);
  for (std::size_t size = 1; size <= 40; ++size) {
    const TreeHead head = tree.Head(size);
    for (std::size_t index = 0; index < size; ++index) {
      const Proof path = tree.Path(index, size);
      const Digest& leaf = tree.leaves()[index];
      for (std::size_t other = 0; other < size + 3; ++other) {
        const bool same = other == index;
        ASSERT_EQ(VerifyInclusion(other, leaf, head, path).ok(), same) << index << " of " << size;
        if (other < size) {
          ASSERT_EQ(VerifyInclusion(index, tree.leaves()[other], head, path).ok(), same);
        }
      }
      ASSERT_FALSE(VerifyInclusion(index, leaf, {size, EmptyRoot()}, path).ok());
      ASSERT_FALSE(VerifyInclusion(index, leaf, {size * 2, head.root}, path).ok());
      ASSERT_FALSE(VerifyInclusion(index, leaf, {size / 2, head.root}, path).ok());
      ASSERT_FALSE(VerifyInclusion(index, leaf, {0, head.root}, path).ok());
    }
  }
}

// The root of two leaves, signed as that of one: its size says that there is nothing to add.
TEST(InclusionProofTest, AHashAboveTheRootIsRefused) {
  const NaiveTree tree = NaiveTree::OfCount(8);
  EXPECT_FALSE(VerifyInclusion(0, tree.leaves()[1], {1, tree.Mth(0, 2)}, Proof{tree.leaves()[0]}).ok());
  const Proof of_four = {tree.leaves()[2], tree.Mth(0, 2), tree.Mth(4, 8)};
  EXPECT_FALSE(VerifyInclusion(3, tree.leaves()[3], {4, tree.Mth(0, 8)}, of_four).ok());
  EXPECT_FALSE(
      VerifyInclusion(3, tree.leaves()[7], {4, tree.Mth(0, 8)}, Proof{tree.leaves()[6], tree.Mth(4, 6), tree.Mth(0, 4)})
          .ok());
}

TEST(InclusionProofTest, ANodeIsNoLeaf) {
  const NaiveTree tree = NaiveTree::OfCount(8);
  const Proof shorter = {tree.Mth(2, 4), tree.Mth(4, 8)};
  EXPECT_FALSE(VerifyInclusion(0, tree.Mth(0, 2), tree.Head(8), shorter).ok());
}

TEST(ConsistencyProofTest, ChangedProofsAreRefused) {
  const NaiveTree tree = NaiveTree::OfCount(24);
  for (std::size_t to = 1; to <= 24; ++to) {
    for (std::size_t from = 1; from <= to; ++from) {
      const TreeHead earlier = tree.Head(from);
      const TreeHead later = tree.Head(to);
      const Proof proof = tree.Consistency(from, to);
      for (const Proof& changed : MutationsOf(proof, {earlier.root, later.root, EmptyRoot(), Digest{}})) {
        ASSERT_FALSE(VerifyConsistency(earlier, later, changed).ok()) << from << " to " << to;
      }
      if (from != to) {
        ASSERT_FALSE(VerifyConsistency(earlier, later, {}).ok()) << from << " to " << to;
      }
    }
  }
}

TEST(ConsistencyProofTest, AnotherEarlierTreeOrRootIsRefused) {
  const NaiveTree tree = NaiveTree::OfCount(24);
  for (std::size_t to = 1; to <= 24; ++to) {
    for (std::size_t from = 1; from <= to; ++from) {
      const TreeHead earlier = tree.Head(from);
      const TreeHead later = tree.Head(to);
      const Proof proof = tree.Consistency(from, to);
      for (std::size_t other = 0; other < to + 3; ++other) {
        ASSERT_EQ(VerifyConsistency({other, earlier.root}, later, proof).ok(), other == from) << from << " to " << to;
      }
      ASSERT_FALSE(VerifyConsistency({from, EmptyRoot()}, later, proof).ok());
      ASSERT_FALSE(VerifyConsistency(earlier, {to, EmptyRoot()}, proof).ok());
      ASSERT_FALSE(VerifyConsistency(earlier, {to * 2, later.root}, proof).ok());
      ASSERT_FALSE(VerifyConsistency(earlier, {to / 2, later.root}, proof).ok());
      if (from != to) {
        ASSERT_FALSE(VerifyConsistency({from, later.root}, {to, earlier.root}, proof).ok());
        ASSERT_FALSE(VerifyConsistency(later, earlier, proof).ok());
      }
    }
  }
}

// A log that changed one record has no proof for its own later tree.
TEST(ConsistencyProofTest, ARewrittenRecordIsRefused) {
  const NaiveTree honest = NaiveTree::OfCount(24);
  for (std::size_t changed = 0; changed < 20; ++changed) {
    std::vector<Digest> leaves = honest.leaves();
    leaves[changed] = LeafHash(AsBytes("another record"));
    const NaiveTree rewritten(leaves);
    for (std::size_t from = changed + 1; from < 24; ++from) {
      const Proof proof = rewritten.Consistency(from, 24);
      ASSERT_FALSE(VerifyConsistency(honest.Head(from), rewritten.Head(24), proof).ok()) << changed << ", " << from;
    }
  }
}

TEST(ConsistencyProofTest, FromNothingEverythingGrows) {
  const NaiveTree tree = NaiveTree::OfCount(3);
  const TreeHead empty;
  EXPECT_TRUE(VerifyConsistency(empty, empty, {}).ok());
  EXPECT_TRUE(VerifyConsistency(empty, tree.Head(3), {}).ok());
  EXPECT_FALSE(VerifyConsistency(empty, tree.Head(3), Proof{EmptyRoot()}).ok());
  EXPECT_FALSE(VerifyConsistency({0, tree.Mth(0, 3)}, tree.Head(3), {}).ok());
  EXPECT_FALSE(VerifyConsistency(empty, {0, tree.Mth(0, 3)}, {}).ok());
  EXPECT_FALSE(VerifyConsistency({0, tree.Mth(0, 3)}, {0, tree.Mth(0, 3)}, {}).ok());
}

TEST(ProofTest, RefusalsAreIntegrityErrors) {
  const NaiveTree tree = NaiveTree::OfCount(4);
  EXPECT_EQ(VerifyInclusion(4, tree.leaves()[3], tree.Head(4), {}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(VerifyConsistency(tree.Head(4), tree.Head(3), {}).error().code(), ErrorCode::kIntegrity);
}

TEST(ProofTest, WhatTheTreeHasNotIsNotProven) {
  const NaiveTree tree = NaiveTree::OfCount(4);
  const std::uint64_t large = kMaxTreeSize + 1;
  const Error errors[] = {MakeInclusionProof({4, 4}, tree.Source()).error(),
                          MakeInclusionProof({0, 0}, tree.Source()).error(),
                          MakeInclusionProof({0, large}, tree.Source()).error(),
                          MakeInclusionProof({0, ~std::uint64_t{0}}, tree.Source()).error(),
                          MakeConsistencyProof({4, 3}, tree.Source()).error(),
                          MakeConsistencyProof({1, large}, tree.Source()).error(),
                          MakeConsistencyProof({~std::uint64_t{0}, ~std::uint64_t{0}}, tree.Source()).error(),
                          FrontierAt(large, tree.Source()).error()};
  for (const Error& error : errors) EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.ToString();
  EXPECT_EQ(tree.asked(), 0U);
}

TEST(ProofTest, TheSourcesErrorIsPassedOn) {
  const HashSource broken = [](unsigned, std::uint64_t) -> Result<Digest> {
    return Error(ErrorCode::kUnavailable, "the disk is gone");
  };
  EXPECT_EQ(MakeInclusionProof({3, 9}, broken).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(MakeConsistencyProof({3, 9}, broken).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(FrontierAt(9, broken).error().code(), ErrorCode::kUnavailable);
}

// A tree of any size all of whose leaves are the same.
class VastTree {
 public:
  VastTree() {
    roots_.push_back(LeafHash(AsBytes("the same")));
    while (roots_.size() < 64) roots_.push_back(NodeHash(roots_.back(), roots_.back()));
  }
  HashSource Source() const {
    return [this](unsigned level, std::uint64_t) -> Result<Digest> { return roots_[level]; };
  }
  TreeHead Head(std::uint64_t size) const { return FrontierAt(size, Source()).value().Head(); }
  const Digest& leaf() const { return roots_.front(); }
  const Digest& root_of_largest() const { return roots_[62]; }

 private:
  std::vector<Digest> roots_;
};

std::vector<std::uint64_t> VastSizes() {
  constexpr std::uint64_t kOne = 1;
  return {1,          (kOne << 31) - 1, kOne << 32,       (kOne << 32) + 1, (kOne << 53) + 12345, (kOne << 61) - 1,
          kOne << 61, (kOne << 61) + 1, kMaxTreeSize - 1, kMaxTreeSize};
}

TEST(InclusionProofTest, VastTreesHaveShortProofs) {
  const VastTree tree;
  for (const std::uint64_t size : VastSizes()) {
    const TreeHead head = tree.Head(size);
    for (const std::uint64_t index : {std::uint64_t{0}, size / 3, size / 2, size - 1}) {
      const auto proof = MakeInclusionProof({index, size}, tree.Source());
      ASSERT_TRUE(proof.ok());
      EXPECT_LE(proof->size(), 62U);
      EXPECT_TRUE(VerifyInclusion(index, tree.leaf(), head, *proof).ok()) << index << " of " << size;
      EXPECT_FALSE(VerifyInclusion(index, EmptyRoot(), head, *proof).ok()) << index << " of " << size;
      EXPECT_FALSE(VerifyInclusion(size, tree.leaf(), head, *proof).ok()) << size;
      EXPECT_FALSE(VerifyInclusion(~std::uint64_t{0}, tree.leaf(), head, *proof).ok()) << size;
    }
  }
}

TEST(ConsistencyProofTest, VastTreesHaveShortProofs) {
  const VastTree tree;
  for (const std::uint64_t to : VastSizes()) {
    for (const std::uint64_t from : VastSizes()) {
      if (from > to) continue;
      const auto proof = MakeConsistencyProof({from, to}, tree.Source());
      ASSERT_TRUE(proof.ok());
      EXPECT_LE(proof->size(), kMaxProofHashes);
      EXPECT_TRUE(VerifyConsistency(tree.Head(from), tree.Head(to), *proof).ok()) << from << " to " << to;
      EXPECT_FALSE(VerifyConsistency({from, EmptyRoot()}, tree.Head(to), *proof).ok()) << from << " to " << to;
    }
  }
  EXPECT_EQ(MakeConsistencyProof({kMaxTreeSize - 1, kMaxTreeSize}, tree.Source())->size(), kMaxProofHashes);
}

TEST(ProofTest, TreesAboveTheLimitAreRefused) {
  const VastTree tree;
  const Proof proof(62, tree.leaf());
  for (const std::uint64_t size : {kMaxTreeSize + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    EXPECT_FALSE(VerifyInclusion(0, tree.leaf(), {size, EmptyRoot()}, proof).ok());
    EXPECT_FALSE(VerifyConsistency({1, tree.leaf()}, {size, EmptyRoot()}, proof).ok());
    EXPECT_FALSE(VerifyConsistency({size, tree.leaf()}, {size, tree.leaf()}, {}).ok());
    EXPECT_FALSE(VerifyConsistency({0, EmptyRoot()}, {size, tree.leaf()}, {}).ok());
  }
}

// What would be right, were there no limit.
TEST(ProofTest, ATrueProofOfATreeAboveTheLimitIsRefused) {
  const VastTree tree;
  const TreeHead largest = {kMaxTreeSize, tree.root_of_largest()};
  const TreeHead above = {kMaxTreeSize + 1, NodeHash(tree.root_of_largest(), tree.leaf())};
  EXPECT_FALSE(VerifyInclusion(kMaxTreeSize, tree.leaf(), above, Proof{tree.root_of_largest()}).ok());
  EXPECT_FALSE(VerifyConsistency(largest, above, Proof{tree.leaf()}).ok());
}

// A hostile proof costs no more than its length, which the formats bound.
TEST(ProofTest, ALongProofIsRefusedAtItsFirstSuperfluousHash) {
  const NaiveTree tree = NaiveTree::OfCount(4);
  const Proof endless(1'000'000, EmptyRoot());
  EXPECT_FALSE(VerifyInclusion(0, tree.leaves()[0], tree.Head(4), endless).ok());
  EXPECT_FALSE(VerifyConsistency(tree.Head(3), tree.Head(4), endless).ok());
}

}  // namespace
}  // namespace coffer::audit
