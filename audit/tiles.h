// Tiles (c2sp.org/tlog-tiles): the files that a log's tree and records are published in, docs/FORMAT.md section 10.
// Functions are thread-safe, objects thread-compatible.
#pragma once

#include "audit/proof.h"

namespace coffer::audit {

inline constexpr unsigned kTileHeight = 8;      // levels of the tree in one tile
inline constexpr std::size_t kTileWidth = 256;  // hashes or records of a full tile
inline constexpr unsigned kMaxTileLevel = 7;    // kMaxTreeSize needs no more
inline constexpr std::size_t kMaxBundleSize = kTileWidth * (2 + kMaxRecordBytes);

enum class TileKind : std::uint8_t { kHashes, kRecords };

// Names one file. Valid when level <= kMaxTileLevel (0 for records), width is 1 to kTileWidth, and index such that the
// tile lies in a tree of kMaxTreeSize.
struct Tile {
  TileKind kind = TileKind::kHashes;
  unsigned level = 0;
  std::uint64_t index = 0;
  std::size_t width = kTileWidth;  // less: a partial tile

  bool IsPartial() const { return width < kTileWidth; }
  Tile Full() const { return {kind, level, index, kTileWidth}; }

  // "tile/0/x001/234", "tile/entries/067.p/112": relative to the log's folder.
  std::string Path() const;
  // The folder of this tile's partial ones: "tile/entries/067.p".
  std::string PartialFolder() const;
  // kInvalidArgument: not what Path gives for a valid tile.
  static Result<Tile> Parse(std::string_view path);
  bool operator==(const Tile&) const = default;
};

// The tile that has number `index` of the hashes of a tile level, or of the records: as wide as it is for a tree of
// `size`. The tree must have it.
Tile TileAt(TileKind kind, unsigned level, LeafPlace at);

// The partial tiles and the partial bundle of a tree of `size`: those must be there when its checkpoint is published.
std::vector<Tile> PartialTilesOf(std::uint64_t size);
// The full tiles that were partial before the growth: once they are there, their PartialFolder() may go.
std::vector<Tile> FilledBy(Growth growth);

// `width` hashes, 32 bytes each. kInvalidArgument: another size than `width` hashes have.
Bytes EncodeHashes(std::span<const Digest> hashes);
Result<std::vector<Digest>> ParseHashes(ByteView content, std::size_t width);

// Records one behind the other, each with its u16 length.
void AppendToBundle(Bytes& bundle, ByteView record);  // a programmer's error above kMaxRecordBytes
// Views into `content`. kInvalidArgument: not exactly `width` records.
Result<std::vector<ByteView>> ParseBundle(ByteView content, std::size_t width);

// The content of a tile's file by its path, kNotFound when there is none.
using TileReader = std::function<Result<Bytes>(const std::string& path)>;
// Of the files in `folder`.
TileReader ReadTilesIn(std::string folder);

// The content of `tile`, taken from the full tile where the partial one is gone. kNotFound: neither is there.
// kInvalidArgument: of the wrong size or form.
Result<std::vector<Digest>> ReadHashes(const TileReader& reader, const Tile& tile);
// The bundle's bytes, of exactly tile.width records.
Result<Bytes> ReadBundle(const TileReader& reader, const Tile& tile);

// The hashes of a tree of `size` out of its tiles, for audit/proof.h. Nothing says that the tiles are true: verify the
// proofs that come out, or compare the root. Keeps the last few tiles.
class TileHashes {
 public:
  TileHashes(TileReader reader, std::uint64_t size) : reader_(std::move(reader)), size_(size) {}

  // Errors as of ReadHashes; kInvalidArgument also for a subtree that is not inside the tree.
  Result<Digest> Get(unsigned level, std::uint64_t index);
  // Refers to this.
  HashSource Source();

 private:
  struct Kept {
    Tile tile;
    std::vector<Digest> hashes;
  };
  static constexpr std::size_t kKept = 16;

  Result<const std::vector<Digest>*> Hashes(const Tile& tile);

  TileReader reader_;
  std::uint64_t size_;
  std::vector<Kept> kept_;  // the latest last
};

}  // namespace coffer::audit
