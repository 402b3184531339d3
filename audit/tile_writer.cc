#include "audit/tile_writer.h"

#include <optional>

namespace coffer::audit {
namespace {

Error NotOfThisTree() { return {ErrorCode::kIntegrity, "the tiles are not those of this tree"}; }

Status CheckBundle(ByteView bundle, std::span<const Digest> leaf_hashes) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<ByteView> records, ParseBundle(bundle, leaf_hashes.size()));
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (LeafHash(records[i]) != leaf_hashes[i]) return NotOfThisTree();
  }
  return {};
}

// The first `width` records of a bundle.
Result<Bytes> ReadRecords(const TileReader& reader, const Tile& tile, std::size_t width) {
  COFFER_ASSIGN_OR_RETURN(const Bytes whole, ReadBundle(reader, tile));
  COFFER_ASSIGN_OR_RETURN(const std::vector<ByteView> records, ParseBundle(whole, tile.width));
  Bytes bundle;
  for (std::size_t i = 0; i < width; ++i) AppendToBundle(bundle, records[i]);
  return bundle;
}

}  // namespace

Result<TileWriter> TileWriter::Resume(const TileReader& reader, const TreeHead& head) {
  return Resume(reader, head, head.size);
}

Result<TileWriter> TileWriter::Resume(const TileReader& reader, const TreeHead& head, std::uint64_t stored) {
  if (stored > kMaxTreeSize || head.size > stored) return NotOfThisTree();
  TileWriter writer;
  writer.size_ = head.size;
  for (const Tile& tile : PartialTilesOf(head.size)) {
    const Tile there = TileAt(tile.kind, tile.level, {tile.index * kTileWidth, stored});
    if (tile.kind == TileKind::kRecords) {
      COFFER_ASSIGN_OR_RETURN(writer.bundle_, ReadRecords(reader, there, tile.width));
    } else {
      COFFER_ASSIGN_OR_RETURN(writer.edge_[tile.level], ReadHashes(reader, there));
      writer.edge_[tile.level].resize(tile.width);
    }
  }
  COFFER_TRY(CheckBundle(writer.bundle_, writer.edge_[0]));
  if (writer.Head() != head) return NotOfThisTree();
  return writer;
}

Result<TileWriter> TileWriter::FromLeaves(const TileReader& reader, const TreeHead& head, const TileSink& sink) {
  if (head.size > kMaxTreeSize) return NotOfThisTree();
  TileWriter writer;
  while (writer.size_ < head.size) {
    const Tile tile{TileKind::kHashes, 0, writer.size_ / kTileWidth, kTileWidth};
    COFFER_ASSIGN_OR_RETURN(std::vector<Digest> leaves, ReadHashes(reader, tile));
    if (head.size - writer.size_ < leaves.size()) leaves.resize(static_cast<std::size_t>(head.size - writer.size_));
    for (const Digest& leaf : leaves) COFFER_TRY(writer.AppendLeaf(leaf, sink));
  }
  if (writer.Head() != head) return NotOfThisTree();
  return writer;
}

Status TileWriter::ReadPartialBundle(const TileReader& reader) {
  if (bundle_whole_) return {};
  const Tile tile{TileKind::kRecords, 0, size_ / kTileWidth, kTileWidth};
  COFFER_ASSIGN_OR_RETURN(Bytes bundle, ReadRecords(reader, tile, edge_[0].size()));
  COFFER_TRY(CheckBundle(bundle, edge_[0]));
  bundle_ = std::move(bundle);
  bundle_whole_ = true;
  return {};
}

Status TileWriter::Append(ByteView record, const TileSink& sink) {
  if (record.size() > kMaxRecordBytes) {
    return Error(ErrorCode::kInvalidArgument, "a record is longer than allowed").WithLimit(kMaxRecordBytes);
  }
  if (bundle_whole_) AppendToBundle(bundle_, record);
  return AddLeaf(LeafHash(record), sink);
}

Status TileWriter::AppendLeaf(const Digest& leaf_hash, const TileSink& sink) {
  bundle_whole_ = false;
  return AddLeaf(leaf_hash, sink);
}

Status TileWriter::AddLeaf(const Digest& leaf_hash, const TileSink& sink) {
  COFFER_CHECK(size_ < kMaxTreeSize);
  edge_[0].push_back(leaf_hash);
  ++size_;
  for (unsigned level = 0; edge_[level].size() == kTileWidth; ++level) COFFER_TRY(WriteFull(level, sink));
  return {};
}

// Level 7 never fills: kMaxTreeSize has 64 hashes there.
Status TileWriter::WriteFull(unsigned level, const TileSink& sink) {
  const std::uint64_t hashes = size_ >> (kTileHeight * level);
  const Tile tile = TileAt(TileKind::kHashes, level, {hashes - 1, size_});
  COFFER_TRY(sink(tile, EncodeHashes(edge_[level])));
  if (level == 0) {
    if (bundle_whole_) COFFER_TRY(sink({TileKind::kRecords, 0, tile.index, tile.width}, bundle_));
    bundle_.clear();
    bundle_whole_ = true;  // as the next one is: empty
  }
  edge_[level + 1].push_back(RootOf(edge_[level]));
  edge_[level].clear();
  return {};
}

Status TileWriter::WritePartial(const TileSink& sink) const {
  for (const Tile& tile : PartialTilesOf(size_)) {
    if (tile.kind == TileKind::kHashes) {
      COFFER_TRY(sink(tile, EncodeHashes(edge_[tile.level])));
    } else if (bundle_whole_) {
      COFFER_TRY(sink(tile, bundle_));
    }
  }
  return {};
}

TreeHead TileWriter::Head() const {
  std::optional<Digest> root;  // of what is right of the level's last complete hash
  for (const std::vector<Digest>& edge : edge_) {
    std::vector<Digest> nodes = edge;
    if (root) nodes.push_back(*root);
    if (!nodes.empty()) root = RootOf(nodes);
  }
  return {size_, root.value_or(EmptyRoot())};
}

}  // namespace coffer::audit
