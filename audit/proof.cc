#include "audit/proof.h"

#include <algorithm>
#include <bit>

namespace coffer::audit {
namespace {

struct LeafRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Error TooLarge() { return Error(ErrorCode::kInvalidArgument, "a tree is larger than allowed").WithLimit(kMaxTreeSize); }
Error NotIncluded() { return {ErrorCode::kIntegrity, "the proof does not show that the record is in the tree"}; }
Error NotConsistent() { return {ErrorCode::kIntegrity, "the proof does not show that the tree only grew"}; }

bool IsOdd(std::uint64_t number) { return (number & 1U) != 0; }

// Where RFC 6962 splits a range of at least two leaves: the left part is a complete subtree.
std::uint64_t MiddleOf(LeafRange range) { return range.begin + std::bit_floor(range.end - range.begin - 1); }

// The root over a range that such splits lead to, so that its complete subtrees are aligned. Not empty.
Result<Digest> RootOfRange(LeafRange range, const HashSource& hashes) {
  std::vector<Digest> complete;  // from the left, each larger than the next
  while (range.begin < range.end) {
    const std::uint64_t leaves = std::bit_floor(range.end - range.begin);
    const auto level = static_cast<unsigned>(std::countr_zero(leaves));
    COFFER_ASSIGN_OR_RETURN(complete.emplace_back(), hashes(level, range.begin >> level));
    range.begin += leaves;
  }
  Digest root = complete.back();
  for (std::size_t i = complete.size() - 1; i-- > 0;) root = NodeHash(complete[i], root);
  return root;
}

// The step of both verifications: `node` and the last node of its level move up to their parents.
struct Ascent {
  std::uint64_t node = 0;
  std::uint64_t last = 0;

  bool AtRoot() const { return last == 0; }
  // The sibling is on the left. A last node without a sibling moves up until it has one.
  bool IsRightChild() const { return IsOdd(node) || node == last; }
  void Up() {
    if (node == last) {
      while (!IsOdd(node) && node != 0) Shift();
    }
    Shift();
  }
  void Shift() {
    node >>= 1U;
    last >>= 1U;
  }
};

}  // namespace

Result<Proof> MakeInclusionProof(LeafPlace leaf, const HashSource& hashes) {
  if (leaf.size > kMaxTreeSize) return TooLarge();
  if (leaf.index >= leaf.size) return Error(ErrorCode::kInvalidArgument, "the tree has no record of this index");
  Proof proof;
  for (LeafRange range = {0, leaf.size}; range.end - range.begin > 1;) {
    const std::uint64_t middle = MiddleOf(range);
    const bool in_left = leaf.index < middle;
    const LeafRange sibling = in_left ? LeafRange{middle, range.end} : LeafRange{range.begin, middle};
    COFFER_ASSIGN_OR_RETURN(proof.emplace_back(), RootOfRange(sibling, hashes));
    (in_left ? range.end : range.begin) = middle;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<Proof> MakeConsistencyProof(Growth growth, const HashSource& hashes) {
  if (growth.to > kMaxTreeSize) return TooLarge();
  if (growth.from > growth.to) return Error(ErrorCode::kInvalidArgument, "a tree does not become smaller");
  Proof proof;
  if (growth.from == 0 || growth.from == growth.to) return proof;
  LeafRange range = {0, growth.to};
  while (range.end != growth.from) {
    const std::uint64_t middle = MiddleOf(range);
    const bool in_left = growth.from <= middle;
    const LeafRange sibling = in_left ? LeafRange{middle, range.end} : LeafRange{range.begin, middle};
    COFFER_ASSIGN_OR_RETURN(proof.emplace_back(), RootOfRange(sibling, hashes));
    (in_left ? range.end : range.begin) = middle;
  }
  // The earlier tree itself needs no hash when it is a complete subtree: its root is known.
  if (range.begin != 0) {
    COFFER_ASSIGN_OR_RETURN(proof.emplace_back(), RootOfRange(range, hashes));
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<Frontier> FrontierAt(std::uint64_t size, const HashSource& hashes) {
  if (size > kMaxTreeSize) return TooLarge();
  std::vector<Digest> roots;
  for (std::uint64_t begin = 0; begin < size;) {
    const std::uint64_t leaves = std::bit_floor(size - begin);
    const auto level = static_cast<unsigned>(std::countr_zero(leaves));
    COFFER_ASSIGN_OR_RETURN(roots.emplace_back(), hashes(level, begin >> level));
    begin += leaves;
  }
  return Frontier::Of(size, roots);
}

Status VerifyInclusion(std::uint64_t index, const Digest& leaf_hash, const TreeHead& head,
                       std::span<const Digest> proof) {
  if (index >= head.size || head.size > kMaxTreeSize) return NotIncluded();
  Ascent ascent = {index, head.size - 1};
  Digest root = leaf_hash;
  for (const Digest& sibling : proof) {
    if (ascent.AtRoot()) return NotIncluded();
    root = ascent.IsRightChild() ? NodeHash(sibling, root) : NodeHash(root, sibling);
    ascent.Up();
  }
  if (!ascent.AtRoot() || root != head.root) return NotIncluded();
  return {};
}

Status VerifyConsistency(const TreeHead& earlier, const TreeHead& later, std::span<const Digest> proof) {
  if (earlier.size > later.size || later.size > kMaxTreeSize) return NotConsistent();
  if (earlier.size == 0 || earlier.size == later.size) {
    const Digest expected = earlier.size == 0 ? EmptyRoot() : later.root;
    if (!proof.empty() || earlier.root != expected) return NotConsistent();
    return later.size == 0 && later.root != EmptyRoot() ? Status(NotConsistent()) : Status();
  }
  if (proof.empty()) return NotConsistent();
  const bool is_complete = std::has_single_bit(earlier.size);
  Ascent ascent = {earlier.size - 1, later.size - 1};
  while (IsOdd(ascent.node)) ascent.Shift();
  Digest earlier_root = is_complete ? earlier.root : proof.front();
  Digest later_root = earlier_root;
  for (const Digest& sibling : is_complete ? proof : proof.subspan(1)) {
    if (ascent.AtRoot()) return NotConsistent();
    if (ascent.IsRightChild()) {
      earlier_root = NodeHash(sibling, earlier_root);
      later_root = NodeHash(sibling, later_root);
    } else {
      later_root = NodeHash(later_root, sibling);
    }
    ascent.Up();
  }
  if (!ascent.AtRoot() || earlier_root != earlier.root || later_root != later.root) return NotConsistent();
  return {};
}

}  // namespace coffer::audit
