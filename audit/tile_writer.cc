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

}  // namespace

Result<TileWriter> TileWriter::Resume(const TileReader& reader, const TreeHead& head) {
  if (head.size > kMaxTreeSize) return NotOfThisTree();
  TileWriter writer;
  writer.size_ = head.size;
  for (const Tile& tile : PartialTilesOf(head.size)) {
    if (tile.kind == TileKind::kRecords) {
      COFFER_ASSIGN_OR_RETURN(writer.bundle_, ReadBundle(reader, tile));
    } else {
      COFFER_ASSIGN_OR_RETURN(writer.edge_[tile.level], ReadHashes(reader, tile));
    }
  }
  COFFER_TRY(CheckBundle(writer.bundle_, writer.edge_[0]));
  if (writer.Head() != head) return NotOfThisTree();
  return writer;
}

Status TileWriter::Append(ByteView record, const TileSink& sink) {
  if (record.size() > kMaxRecordBytes) {
    return Error(ErrorCode::kInvalidArgument, "a record is longer than allowed").WithLimit(kMaxRecordBytes);
  }
  COFFER_CHECK(size_ < kMaxTreeSize);
  AppendToBundle(bundle_, record);
  edge_[0].push_back(LeafHash(record));
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
    COFFER_TRY(sink({TileKind::kRecords, 0, tile.index, tile.width}, bundle_));
    bundle_.clear();
  }
  edge_[level + 1].push_back(RootOf(edge_[level]));
  edge_[level].clear();
  return {};
}

Status TileWriter::WritePartial(const TileSink& sink) const {
  for (const Tile& tile : PartialTilesOf(size_)) {
    COFFER_TRY(tile.kind == TileKind::kRecords ? sink(tile, bundle_) : sink(tile, EncodeHashes(edge_[tile.level])));
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
