// A log's tiles as files in its folder. Thread-safe for different tiles.
#pragma once

#include <set>
#include <string>

#include "audit/tiles.h"

namespace coffer::audit {

// Replaces the file, and makes its folders when they are absent. Not durable: a tile can be made again.
Status WriteTileIn(const std::string& folder, const Tile& tile, ByteView content);
// The folder, relative to the log's, whose name this tile is in: "tile/0/x001".
std::string TileFolder(const Tile& tile);

// Makes tiles durable: for those that cannot be made again once their records are gone. Not thread-safe.
class TileKeeper {
 public:
  explicit TileKeeper(std::string folder) : folder_(std::move(folder)) {}

  // Afterwards the file has this content on the disk, and is written only when it had not.
  Status Keep(const Tile& tile, ByteView content);
  // Afterwards the files have their names on the disk.
  Status SyncNames() const;

 private:
  const std::string folder_;
  std::set<std::string> folders_;
};

}  // namespace coffer::audit
