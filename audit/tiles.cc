#include "audit/tiles.h"

#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/text_form.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kTilePrefix = "tile/";
constexpr std::string_view kRecordsLevel = "entries";
constexpr std::string_view kPartialMark = ".p/";
constexpr std::uint64_t kPathGroup = 1000;  // three digits

Error NoTilePath() { return {ErrorCode::kInvalidArgument, "this is not the path of a tile"}; }
Error BadTile() { return {ErrorCode::kInvalidArgument, "a tile's file has the wrong size or form"}; }

// How many hashes a tile level of a tree of `size` has; of the records, as of level 0.
std::uint64_t HashesOf(std::uint64_t size, unsigned level) { return size >> (kTileHeight * level); }

// "x001/x234/067"
std::string IndexPath(std::uint64_t index) {
  std::string path;
  for (bool is_last = true;; is_last = false) {
    std::string digits = std::to_string(index % kPathGroup);
    digits.insert(0, 3 - digits.size(), '0');
    path.insert(0, is_last ? digits : 'x' + digits + '/');
    index /= kPathGroup;
    if (index == 0) return path;
  }
}

std::string BasePath(const Tile& tile) {
  const std::string level = tile.kind == TileKind::kRecords ? std::string(kRecordsLevel) : std::to_string(tile.level);
  return std::string(kTilePrefix) + level + '/' + IndexPath(tile.index);
}

bool IsThreeDigits(std::string_view text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Of "x001/x234/067", or of what is not quite it: the caller compares what it is written as.
Result<std::uint64_t> IndexOf(std::string_view path, std::uint64_t max) {
  std::uint64_t index = 0;
  for (;;) {
    const bool is_last = !path.starts_with('x');
    if (!is_last) path.remove_prefix(1);
    const std::string_view digits = path.substr(0, 3);
    if (!IsThreeDigits(digits)) return NoTilePath();
    for (const char c : digits) index = index * 10 + static_cast<std::uint64_t>(c - '0');
    if (index > max) return NoTilePath();
    path.remove_prefix(digits.size());
    if (is_last) return path.empty() ? Result<std::uint64_t>(index) : NoTilePath();
    if (!path.starts_with('/')) return NoTilePath();
    path.remove_prefix(1);
  }
}

// The highest index of a tile at this level.
std::uint64_t MaxIndex(unsigned level) { return (HashesOf(kMaxTreeSize, level) - 1) / kTileWidth; }

Status ParseLevel(std::string_view text, Tile& tile) {
  if (text == kRecordsLevel) {
    tile.kind = TileKind::kRecords;
    return {};
  }
  const auto level = FromDecimal(text, kMaxTileLevel);
  if (!level.ok()) return NoTilePath();
  tile.level = static_cast<unsigned>(*level);
  return {};
}

std::vector<Tile> KindsAt(unsigned level, const Tile& tile) {
  std::vector<Tile> tiles = {tile};
  if (level == 0) tiles.push_back({TileKind::kRecords, 0, tile.index, tile.width});
  return tiles;
}

// The file of the tile itself, else that of the full one.
struct TileContent {
  Bytes bytes;
  std::size_t width = 0;
};

Result<TileContent> ReadContent(const TileReader& reader, const Tile& tile) {
  auto bytes = reader(tile.Path());
  if (bytes.ok()) return TileContent{*std::move(bytes), tile.width};
  if (!tile.IsPartial() || bytes.error().code() != ErrorCode::kNotFound) return std::move(bytes).error();
  COFFER_ASSIGN_OR_RETURN(Bytes full, reader(tile.Full().Path()));
  return TileContent{std::move(full), kTileWidth};
}

}  // namespace

std::string Tile::Path() const {
  return IsPartial() ? BasePath(*this) + std::string(kPartialMark) + std::to_string(width) : BasePath(*this);
}

std::string Tile::PartialFolder() const { return BasePath(*this) + ".p"; }

Result<Tile> Tile::Parse(std::string_view path) {
  Tile tile;
  if (!path.starts_with(kTilePrefix)) return NoTilePath();
  std::string_view rest = path.substr(kTilePrefix.size());
  const std::size_t level_end = rest.find('/');
  if (level_end == std::string_view::npos) return NoTilePath();
  COFFER_TRY(ParseLevel(rest.substr(0, level_end), tile));
  rest.remove_prefix(level_end + 1);
  const std::size_t mark = rest.find(kPartialMark);
  if (mark != std::string_view::npos) {
    const auto width = FromDecimal(rest.substr(mark + kPartialMark.size()), kTileWidth - 1);
    if (!width.ok() || *width == 0) return NoTilePath();
    tile.width = static_cast<std::size_t>(*width);
    rest = rest.substr(0, mark);
  }
  COFFER_ASSIGN_OR_RETURN(tile.index, IndexOf(rest, MaxIndex(tile.level)));
  if (tile.Path() != path) return NoTilePath();
  return tile;
}

Tile TileAt(TileKind kind, unsigned level, LeafPlace at) {
  const std::uint64_t hashes = HashesOf(at.size, level);
  COFFER_CHECK(at.size <= kMaxTreeSize && level <= kMaxTileLevel && at.index < hashes);
  const std::uint64_t index = at.index / kTileWidth;
  return {kind, level, index,
          static_cast<std::size_t>(std::min<std::uint64_t>(hashes - index * kTileWidth, kTileWidth))};
}

std::vector<Tile> PartialTilesOf(std::uint64_t size) {
  std::vector<Tile> partial;
  for (unsigned level = 0; level <= kMaxTileLevel; ++level) {
    const std::uint64_t hashes = HashesOf(size, level);
    if (hashes % kTileWidth == 0) continue;
    const std::vector<Tile> kinds = KindsAt(level, TileAt(TileKind::kHashes, level, {hashes - 1, size}));
    partial.insert(partial.end(), kinds.begin(), kinds.end());
  }
  return partial;
}

std::vector<Tile> FilledBy(Growth growth) {
  std::vector<Tile> filled;
  for (const Tile& tile : PartialTilesOf(growth.from)) {
    if ((tile.index + 1) * kTileWidth <= HashesOf(growth.to, tile.level)) filled.push_back(tile.Full());
  }
  return filled;
}

Bytes EncodeHashes(std::span<const Digest> hashes) {
  Bytes content;
  content.reserve(hashes.size() * sizeof(Digest));
  for (const Digest& hash : hashes) Append(content, hash);
  return content;
}

Result<std::vector<Digest>> ParseHashes(ByteView content, std::size_t width) {
  if (content.size() != width * sizeof(Digest)) return BadTile();
  std::vector<Digest> hashes(width);
  for (Digest& hash : hashes) {
    std::copy_n(content.begin(), hash.size(), hash.begin());
    content = content.subspan(hash.size());
  }
  return hashes;
}

void AppendToBundle(Bytes& bundle, ByteView record) {
  COFFER_CHECK(record.size() <= kMaxRecordBytes);
  Writer(bundle).U16(static_cast<std::uint16_t>(record.size())).Raw(record);
}

Result<std::vector<ByteView>> ParseBundle(ByteView content, std::size_t width) {
  Reader reader(content);
  std::vector<ByteView> records;
  records.reserve(width);
  for (std::size_t i = 0; i < width; ++i) records.push_back(reader.Take(reader.U16()));
  if (!reader.Finish()) return BadTile();
  return records;
}

TileReader ReadTilesIn(std::string folder) {
  return
      [folder = std::move(folder)](const std::string& path) { return ReadFile(folder + '/' + path, kMaxBundleSize); };
}

Result<std::vector<Digest>> ReadHashes(const TileReader& reader, const Tile& tile) {
  COFFER_ASSIGN_OR_RETURN(const TileContent content, ReadContent(reader, tile));
  COFFER_ASSIGN_OR_RETURN(std::vector<Digest> hashes, ParseHashes(content.bytes, content.width));
  hashes.resize(tile.width);
  return hashes;
}

Result<Bytes> ReadBundle(const TileReader& reader, const Tile& tile) {
  COFFER_ASSIGN_OR_RETURN(TileContent content, ReadContent(reader, tile));
  COFFER_ASSIGN_OR_RETURN(const std::vector<ByteView> records, ParseBundle(content.bytes, content.width));
  std::size_t size = 0;
  for (std::size_t i = 0; i < tile.width; ++i) size += 2 + records[i].size();
  content.bytes.resize(size);
  return std::move(content.bytes);
}

Result<const std::vector<Digest>*> TileHashes::Hashes(const Tile& tile) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&tile](const Kept& kept) { return kept.tile == tile; });
  if (found != kept_.end()) {
    std::rotate(found, found + 1, kept_.end());
  } else {
    COFFER_ASSIGN_OR_RETURN(std::vector<Digest> hashes, ReadHashes(reader_, tile));
    if (kept_.size() == kKept) kept_.erase(kept_.begin());
    kept_.push_back({tile, std::move(hashes)});
  }
  return &kept_.back().hashes;
}

Result<Digest> TileHashes::Get(unsigned level, std::uint64_t index) {
  if (size_ > kMaxTreeSize || level >= 63 || index >= size_ >> level) {
    return Error(ErrorCode::kInvalidArgument, "the tree has no such subtree");
  }
  // A subtree whose height is 8, 16, ... is one hash of the tile level above the hashes that it is made of.
  const unsigned tile_level = std::min(level / kTileHeight, kMaxTileLevel);
  const unsigned height = level - tile_level * kTileHeight;
  const std::uint64_t first = index << height;
  const Tile tile = TileAt(TileKind::kHashes, tile_level, {first, size_});
  COFFER_ASSIGN_OR_RETURN(const std::vector<Digest>* hashes, Hashes(tile));
  const auto offset = static_cast<std::size_t>(first % kTileWidth);
  return RootOf(std::span(*hashes).subspan(offset, std::size_t{1} << height));
}

HashSource TileHashes::Source() {
  return [this](unsigned level, std::uint64_t index) { return Get(level, index); };
}

}  // namespace coffer::audit
