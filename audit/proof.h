// Inclusion and consistency proofs over the tree of audit/tree.h: made as RFC 9162 2.1.3.1 and 2.1.4.1 say, verified by
// the algorithms of 2.1.3.2 and 2.1.4.2 and nothing shorter. Every function is thread-safe.
#pragma once

#include <functional>

#include "audit/tree.h"

namespace coffer::audit {

// The root of the complete subtree over the leaves [index << level, (index + 1) << level). Asked only for subtrees that
// are inside the tree. Its errors are passed on.
using HashSource = std::function<Result<Digest>(unsigned level, std::uint64_t index)>;

using Proof = std::vector<Digest>;  // at most kMaxProofHashes

// A leaf of the tree of that size.
struct LeafPlace {
  std::uint64_t index = 0;
  std::uint64_t size = 0;
};

// A tree and a later state of it, in leaves.
struct Growth {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

// From the leaf's sibling up to a child of the root. kInvalidArgument: the tree has no such leaf, or is too large.
Result<Proof> MakeInclusionProof(LeafPlace leaf, const HashSource& hashes);
// Empty when growth.from is 0 or growth.to. kInvalidArgument: the tree would shrink, or is too large.
Result<Proof> MakeConsistencyProof(Growth growth, const HashSource& hashes);
// The right edge of the tree of `size` leaves. kInvalidArgument: it is too large.
Result<Frontier> FrontierAt(std::uint64_t size, const HashSource& hashes);

// Ok when the leaf with this hash is number `index` of the tree `head`. kIntegrity: anything else.
Status VerifyInclusion(std::uint64_t index, const Digest& leaf_hash, const TreeHead& head,
                       std::span<const Digest> proof);
// Ok when the tree `later` begins with all the leaves of the tree `earlier`, in their order. From size 0 that is always
// so: the proof is empty and the root is EmptyRoot(). kIntegrity: anything else.
Status VerifyConsistency(const TreeHead& earlier, const TreeHead& later, std::span<const Digest> proof);

}  // namespace coffer::audit
