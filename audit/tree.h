// The Merkle tree of the audit log: RFC 6962 section 2.1 with SHA-256 (docs/FORMAT.md section 10). Every function is
// thread-safe; a Frontier is thread-compatible.
#pragma once

#include <array>
#include <span>

#include "crypto/hash.h"

namespace coffer::audit {

// Trees are no larger than this, so that no proof of C2SP's formats has more than kMaxProofHashes hashes.
inline constexpr std::uint64_t kMaxTreeSize = std::uint64_t{1} << 62;
inline constexpr std::size_t kMaxProofHashes = 63;
// Of a leaf: journal and entry bundles have sizes of two bytes.
inline constexpr std::size_t kMaxRecordBytes = 65'535;

// The root of the tree without leaves: SHA-256 of nothing.
Digest EmptyRoot();
// SHA-256(00 | record).
Digest LeafHash(ByteView record);
// SHA-256(01 | left | right).
Digest NodeHash(const Digest& left, const Digest& right);

// A tree of `size` leaves and its root: what a checkpoint signs.
struct TreeHead {
  std::uint64_t size = 0;  // leaves
  Digest root = EmptyRoot();
  bool operator==(const TreeHead&) const = default;
};

// The right edge of a growing tree: the roots of its complete subtrees, one for each bit of the size. Two kilobytes,
// whatever the size; copies are independent.
class Frontier {
 public:
  // A programmer's error when size() is kMaxTreeSize.
  void Append(const Digest& leaf_hash);

  std::uint64_t size() const { return size_; }
  // Up to 61 hashes.
  Digest Root() const;
  TreeHead Head() const { return {size_, Root()}; }

  // u64 size, then the roots of the complete subtrees, the largest first, 32 bytes each.
  Bytes Encode() const;
  // kInvalidArgument: not what Encode writes. Nothing tells whether the hashes are true: compare Root().
  static Result<Frontier> Decode(ByteView bytes);
  // As Decode, of parts. `roots` is one for each bit of `size`, the largest subtree first.
  static Result<Frontier> Of(std::uint64_t size, std::span<const Digest> roots);

  // Compares size and the hashes that are in use.
  bool operator==(const Frontier& other) const;

 private:
  static constexpr std::size_t kLevels = 63;
  std::uint64_t size_ = 0;
  std::array<Digest, kLevels> roots_{};  // roots_[i] is in use when bit i of size_ is set
};

// The root of the tree whose nodes at some level are `nodes`: all of them complete subtrees of one size, but for the
// last, which may be smaller. For leaf hashes it is the root of their tree.
Digest RootOf(std::span<const Digest> nodes);

}  // namespace coffer::audit
