// TileWriter: makes a growing log's tiles, each full one once and partial ones for the sizes that have a checkpoint.
// Pure: the caller's sink writes the files.
#pragma once

#include "audit/tiles.h"

namespace coffer::audit {

// Takes the content of a tile's file. A file may be given again with the same content.
using TileSink = std::function<Status(const Tile& tile, ByteView content)>;

// Holds the right edge of the tree (at most 64 KiB) and the records of the partial bundle. Thread-compatible.
class TileWriter {
 public:
  // Of a log without records.
  TileWriter() = default;
  // Goes on at a tree whose partial tiles are there. Errors as of ReadHashes; kIntegrity: the tiles are not this
  // tree's. To begin anew with the first record is then the way out.
  static Result<TileWriter> Resume(const TileReader& reader, const TreeHead& head);
  // The same where the partial tiles are those of a tree of `stored`, which is not smaller.
  static Result<TileWriter> Resume(const TileReader& reader, const TreeHead& head, std::uint64_t stored);
  // The same out of nothing but the full tiles of leaf hashes, all of which have to be there: of a log whose records
  // were dropped. Gives every full tile of hashes to `sink` again. kNotFound: one is not there.
  static Result<TileWriter> FromLeaves(const TileReader& reader, const TreeHead& head, const TileSink& sink);
  // Afterwards, where the full bundle with the last records is still there: without it the sink is given no bundle that
  // holds any of them. Errors as of Resume; nothing has changed.
  Status ReadPartialBundle(const TileReader& reader);

  // Adds the next record. What it fills goes to `sink` at once: nothing 255 times out of 256, else a bundle and one
  // tile or more. Costs two hashes a record. kInvalidArgument: the record is too long, nothing has changed. The sink's
  // errors are passed on; the writer is then of no use.
  Status Append(ByteView record, const TileSink& sink);
  // Gives the partial tiles of this size, at most 9 files: to be written before a checkpoint of this size is published.
  Status WritePartial(const TileSink& sink) const;

  std::uint64_t size() const { return size_; }
  TreeHead Head() const;

 private:
  Status AppendLeaf(const Digest& leaf_hash, const TileSink& sink);
  Status AddLeaf(const Digest& leaf_hash, const TileSink& sink);
  Status WriteFull(unsigned level, const TileSink& sink);

  std::uint64_t size_ = 0;
  std::array<std::vector<Digest>, kMaxTileLevel + 1> edge_;  // the hashes of each level's partial tile
  Bytes bundle_;
  bool bundle_whole_ = true;  // bundle_ has the records of edge_[0]
};

}  // namespace coffer::audit
