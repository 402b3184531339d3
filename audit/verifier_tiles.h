// TileCheck: the published tiles of a log compared with those that its records make. Part of audit/verifier.h.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "audit/tile_writer.h"
#include "audit/verifier_report.h"

namespace coffer::audit {

// Looks what is there, then takes all records in their order. Beside a running service the tiles must be listed before
// the journal is: what was published then is in the journal. Memory: the names of the partial tiles. Not thread-safe.
class TileCheck {
 public:
  // Lists "tile/" in the log's folder; what has no tile's name goes to the report. `report` must outlive it.
  TileCheck(std::string folder, VerifyReport& report);

  // False: there are no tiles, and nothing is compared.
  bool present() const { return present_; }

  // Before the first record, when retention dropped some: takes the tree of those before it out of the tiles of leaf
  // hashes, compares the others, and the root.
  void Begin(const TreeHead& before, std::uint64_t covered);
  // `covered`: size of the checkpoint, whose tiles must be there.
  void Take(ByteView record, std::uint64_t covered);
  void Finish(std::uint64_t covered);

 private:
  // Of a tile, whatever its width.
  using Place = std::tuple<TileKind, unsigned, std::uint64_t>;
  static Place PlaceOf(const Tile& tile) { return {tile.kind, tile.level, tile.index}; }
  static Check CheckOf(const Tile& tile);

  void List(const std::string& path, int depth);
  void Note(const std::string& path);
  // The tile that the records make, whole or the last one of its level.
  void Compare(const Tile& made, ByteView content, std::uint64_t covered);
  // A file, when it is there; false when it is not. What is not the `same` is found, with the sentence.
  using Same = std::function<bool(ByteView file)>;
  bool CompareFile(const Tile& tile, std::string_view other, const Same& same);
  bool CompareFile(const Tile& tile, ByteView content);
  // What is there of a bundle whose records were dropped, by the tile of their hashes.
  void CompareDropped(const Tile& hashes, ByteView content);
  void ComparePartials(const Tile& made, ByteView content);
  void FindMissing(std::uint64_t covered);
  void FindBeyond();

  const std::string folder_;
  VerifyReport& report_;
  bool present_ = false;
  TileWriter writer_;
  std::map<Place, std::set<std::size_t>> partial_;                  // widths that are there
  std::map<std::pair<TileKind, unsigned>, std::uint64_t> highest_;  // index of a full tile, by kind and level
};

}  // namespace coffer::audit
