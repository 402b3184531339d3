// TileStore: a log's folder in memory, which a test can look into and damage.
#pragma once

#include <map>
#include <string>

#include "audit/tile_writer.h"

namespace coffer::audit {

class TileStore {
 public:
  // Refer to this. The sink refuses to change a file.
  TileSink Sink() {
    return [this](const Tile& tile, ByteView content) -> Status {
      const auto [file, is_new] = files.emplace(tile.Path(), CopyOf(content));
      if (!is_new && file->second != CopyOf(content)) return Error(ErrorCode::kInternal, "a tile has changed");
      ++writes;
      return {};
    };
  }
  TileReader Reader() {
    return [this](const std::string& path) -> Result<Bytes> {
      ++reads;
      const auto file = files.find(path);
      if (file == files.end()) return Error(ErrorCode::kNotFound, "no such tile");
      return file->second;
    };
  }

  std::map<std::string, Bytes> files;
  std::size_t writes = 0;
  std::size_t reads = 0;
};

}  // namespace coffer::audit
