#include "audit/verifier_tiles.h"

#include <algorithm>

#include "io/directory.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kTileFolder = "tile";
constexpr int kMaxDepth = 12;
constexpr std::size_t kMaxNames =
    10'000;  // in one folder; there are 1,000 tiles, their partial ones, and "x000" to "x999"
constexpr std::string_view kNoTile = "is no file of the log";
constexpr std::string_view kMissing = "is not there; it can be made again";
constexpr std::string_view kOnlyACopy =
    "tiles of hashes are not there whose records were dropped: only a copy has them";

bool IsThere(const std::string& path) {
  const Result<bool> there = Exists(path);
  return there.ok() && *there;
}

// The first `width` hashes or records of a tile's content.
ByteView Prefix(const Tile& tile, ByteView content, std::size_t width) {
  if (tile.kind == TileKind::kHashes) return content.first(width * sizeof(Digest));
  const Result<std::vector<ByteView>> records = ParseBundle(content, tile.width);
  COFFER_CHECK(records.ok());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < width; ++i) bytes += sizeof(std::uint16_t) + (*records)[i].size();
  return content.first(bytes);
}

// Whether a bundle's records are those of the leaf hashes.
bool HasLeaves(ByteView bundle, ByteView hashes) {
  const Result<std::vector<ByteView>> records = ParseBundle(bundle, hashes.size() / sizeof(Digest));
  if (!records.ok()) return false;
  for (const ByteView record : *records) {
    const Digest leaf = LeafHash(record);
    if (!std::equal(leaf.begin(), leaf.end(), hashes.begin())) return false;
    hashes = hashes.subspan(sizeof(Digest));
  }
  return true;
}

}  // namespace

TileCheck::TileCheck(std::string folder, VerifyReport& report) : folder_(std::move(folder)), report_(report) {
  if (IsThere(folder_ + "/" + std::string(kTileFolder))) {
    present_ = true;
    List(std::string(kTileFolder), 0);
    return;
  }
  for (const Check check : {Check::kTiles, Check::kEntryBundles, Check::kTilesMissing}) {
    report_.Skip(check, "there is no folder of tiles");
  }
}

Check TileCheck::CheckOf(const Tile& tile) {
  return tile.kind == TileKind::kRecords ? Check::kEntryBundles : Check::kTiles;
}

void TileCheck::List(const std::string& path, int depth) {
  const Result<FileFacts> facts = FactsOf(folder_ + "/" + path);
  if (!facts.ok()) {
    // Partial tiles go while a service runs.
    if (facts.error().code() != ErrorCode::kNotFound) report_.Find(Check::kReading, path, facts.error().message());
    return;
  }
  if (facts->kind == FileKind::kRegular) return Note(path);
  if (facts->kind != FileKind::kDirectory || depth > kMaxDepth) {
    return report_.Find(Check::kForeignFiles, path, kNoTile);
  }
  const Result<std::vector<std::string>> names = ListDirectory(folder_ + "/" + path, kMaxNames);
  if (!names.ok()) {
    if (names.error().code() != ErrorCode::kNotFound) report_.Find(Check::kReading, path, names.error().message());
    return;
  }
  for (const std::string& name : *names) List(path + "/" + name, depth + 1);
}

void TileCheck::Note(const std::string& path) {
  if (path.ends_with(".tmp")) return;  // of a write that is running, or that a crash ended
  const Result<Tile> tile = Tile::Parse(path);
  if (!tile.ok()) return report_.Find(Check::kForeignFiles, path, kNoTile);
  if (tile->IsPartial()) {
    partial_[PlaceOf(*tile)].insert(tile->width);
  } else {
    std::uint64_t& highest = highest_[{tile->kind, tile->level}];
    highest = std::max(highest, tile->index);
  }
}

void TileCheck::Begin(const TreeHead& before, std::uint64_t covered) {
  if (before.size == 0) return;
  if (!present_) {
    report_.Skip(Check::kTilesMissing, "");
    return report_.Find(Check::kTilesMissing, std::string(kTileFolder), kOnlyACopy);
  }
  const TileReader reader = ReadTilesIn(folder_);
  const TileSink sink = [this, covered](const Tile& tile, ByteView content) -> Status {
    Compare(tile, content, covered);
    if (tile.kind == TileKind::kHashes && tile.level == 0) CompareDropped(tile, content);
    return {};
  };
  Result<TileWriter> begun = TileWriter::FromLeaves(reader, before, sink);
  if (!begun.ok()) {
    const bool missing = begun.error().code() == ErrorCode::kNotFound;
    report_.Find(missing ? Check::kTilesMissing : Check::kTiles, std::string(kTileFolder),
                 missing ? kOnlyACopy : "the tiles of hashes do not give the root of the records that were dropped");
    begun = TileWriter::Resume(reader, before, std::max(before.size, covered));
  }
  if (!begun.ok()) {
    present_ = false;
    for (const Check check : {Check::kTiles, Check::kEntryBundles, Check::kTilesMissing}) {
      report_.Skip(check, "tiles of records that were dropped are damaged; the others were not compared");
    }
    return;
  }
  writer_ = std::move(begun).value();
  if (writer_.ReadPartialBundle(reader).ok()) return;
  const Tile bundle{TileKind::kRecords, 0, before.size / kTileWidth, kTileWidth};
  report_.Find(Check::kEntryBundles, bundle.Path(),
               "does not hold the records that its hashes are of, or is not there; only a copy has those that were "
               "dropped",
               before.size);
}

void TileCheck::Take(ByteView record, std::uint64_t covered) {
  if (!present_) return;
  const Status taken = writer_.Append(record, [this, covered](const Tile& tile, ByteView content) -> Status {
    Compare(tile, content, covered);
    return {};
  });
  COFFER_CHECK(taken.ok());
}

bool TileCheck::CompareFile(const Tile& tile, ByteView content) {
  return CompareFile(tile, "is not what the journal's records make", [content](ByteView file) {
    return std::equal(file.begin(), file.end(), content.begin(), content.end());
  });
}

// They go with their records; a crash leaves them, and an edit of one that is left is an edit.
void TileCheck::CompareDropped(const Tile& hashes, ByteView content) {
  Tile bundle{TileKind::kRecords, 0, hashes.index, kTileWidth};
  std::set<std::size_t> widths = {bundle.width};
  const auto partial = partial_.find(PlaceOf(bundle));
  if (partial != partial_.end()) {
    widths.merge(partial->second);
    partial_.erase(partial);
  }
  for (const std::size_t width : widths) {
    bundle.width = width;
    CompareFile(bundle, "does not hold the records that its hashes are of",
                [first = content.first(width * sizeof(Digest))](ByteView file) { return HasLeaves(file, first); });
  }
}

bool TileCheck::CompareFile(const Tile& tile, std::string_view other, const Same& same) {
  // One byte more than it should have is enough to know.
  const Result<Bytes> file = ReadFile(folder_ + "/" + tile.Path(), kMaxBundleSize + 1);
  if (!file.ok() && file.error().code() == ErrorCode::kNotFound) return false;
  ++report_.tile_files;
  if (!file.ok()) {
    const bool odd = file.error().code() == ErrorCode::kInvalidArgument;
    report_.Find(odd ? CheckOf(tile) : Check::kReading, tile.Path(), file.error().message());
  } else if (!same(*file)) {
    report_.Find(CheckOf(tile), tile.Path(), other, tile.index * kTileWidth << (kTileHeight * tile.level));
  }
  return true;
}

void TileCheck::ComparePartials(const Tile& made, ByteView content) {
  const auto widths = partial_.find(PlaceOf(made));
  if (widths == partial_.end()) return;
  for (auto width = widths->second.begin(); width != widths->second.end() && *width <= made.width;) {
    Tile tile = made;
    tile.width = *width;
    CompareFile(tile, Prefix(made, content, *width));
    width = widths->second.erase(width);
  }
  if (widths->second.empty()) partial_.erase(widths);
}

void TileCheck::Compare(const Tile& made, ByteView content, std::uint64_t covered) {
  ComparePartials(made, content);
  if (made.IsPartial()) return;
  const std::uint64_t end = (made.index + 1) * kTileWidth << (kTileHeight * made.level);
  if (!CompareFile(made, content) && end <= covered) {
    report_.Find(Check::kTilesMissing, made.Path(), kMissing);
  }
}

void TileCheck::FindMissing(std::uint64_t covered) {
  for (const Tile& tile : PartialTilesOf(covered)) {
    // In this order: a partial tile goes when the full one is there.
    const bool there = IsThere(folder_ + "/" + tile.Path()) || IsThere(folder_ + "/" + tile.Full().Path());
    if (!there) report_.Find(Check::kTilesMissing, tile.Path(), kMissing);
  }
}

void TileCheck::FindBeyond() {
  const std::string_view beyond = "is of records that the journal does not hold";
  for (const auto& [place, widths] : partial_) {
    const auto& [kind, level, index] = place;
    for (const std::size_t width : widths) {
      const Tile tile{kind, level, index, width};
      report_.Find(CheckOf(tile), tile.Path(), beyond);
    }
  }
  for (const auto& [kind_and_level, index] : highest_) {
    const auto& [kind, level] = kind_and_level;
    const std::uint64_t full = (writer_.size() >> (kTileHeight * level)) / kTileWidth;
    const Tile tile{kind, level, index, kTileWidth};
    if (index >= full) report_.Find(CheckOf(tile), tile.Path(), beyond);
  }
}

void TileCheck::Finish(std::uint64_t covered) {
  if (!present_) return;
  if (covered <= writer_.size()) FindMissing(covered);
  const Status done = writer_.WritePartial([this, covered](const Tile& tile, ByteView content) -> Status {
    Compare(tile, content, covered);
    return {};
  });
  COFFER_CHECK(done.ok());
  FindBeyond();
}

}  // namespace coffer::audit
