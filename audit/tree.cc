#include "audit/tree.h"

#include <algorithm>
#include <bit>

#include "crypto/cursor.h"

namespace coffer::audit {
namespace {

constexpr std::array<std::byte, 1> kLeafPrefix = {std::byte{0}};
constexpr std::array<std::byte, 1> kNodePrefix = {std::byte{1}};

Error NoFrontier() { return {ErrorCode::kInvalidArgument, "not the encoding of a tree's frontier"}; }

bool HasBit(std::uint64_t size, std::size_t level) { return (size >> level & 1U) != 0; }

}  // namespace

Digest EmptyRoot() {
  static const Digest root = Sha256({});
  return root;
}

Digest LeafHash(ByteView record) { return Sha256({kLeafPrefix, record}); }

Digest NodeHash(const Digest& left, const Digest& right) { return Sha256({kNodePrefix, left, right}); }

void Frontier::Append(const Digest& leaf_hash) {
  COFFER_CHECK(size_ < kMaxTreeSize);
  Digest carried = leaf_hash;
  std::size_t level = 0;
  for (; HasBit(size_, level); ++level) carried = NodeHash(roots_[level], carried);
  roots_[level] = carried;
  ++size_;
}

Digest Frontier::Root() const {
  if (size_ == 0) return EmptyRoot();
  auto level = static_cast<std::size_t>(std::countr_zero(size_));
  Digest root = roots_[level];
  for (++level; level < kLevels; ++level) {
    if (HasBit(size_, level)) root = NodeHash(roots_[level], root);
  }
  return root;
}

Bytes Frontier::Encode() const {
  Bytes out;
  Writer writer(out);
  writer.U64(size_);
  for (std::size_t level = kLevels; level-- > 0;) {
    if (HasBit(size_, level)) writer.Raw(roots_[level]);
  }
  return out;
}

Result<Frontier> Frontier::Decode(ByteView bytes) {
  Reader reader(bytes);
  const std::uint64_t size = reader.U64();
  if (reader.failed() || reader.remaining() % sizeof(Digest) != 0) return NoFrontier();
  std::vector<Digest> roots(reader.remaining() / sizeof(Digest));
  for (Digest& root : roots) {
    const ByteView hash = reader.Take(root.size());
    std::copy(hash.begin(), hash.end(), root.begin());
  }
  return Of(size, roots);
}

Result<Frontier> Frontier::Of(std::uint64_t size, std::span<const Digest> roots) {
  if (size > kMaxTreeSize || roots.size() != static_cast<std::size_t>(std::popcount(size))) return NoFrontier();
  Frontier frontier;
  frontier.size_ = size;
  auto next = roots.begin();
  for (std::size_t level = kLevels; level-- > 0;) {
    if (HasBit(size, level)) frontier.roots_[level] = *next++;
  }
  return frontier;
}

bool Frontier::operator==(const Frontier& other) const {
  if (size_ != other.size_) return false;
  for (std::size_t level = 0; level < kLevels; ++level) {
    if (HasBit(size_, level) && roots_[level] != other.roots_[level]) return false;
  }
  return true;
}

Digest RootOf(std::span<const Digest> nodes) {
  Frontier frontier;
  for (const Digest& node : nodes) frontier.Append(node);
  return frontier.Root();
}

}  // namespace coffer::audit
