#include "audit/tile_files.h"

#include <algorithm>

#include "io/directory.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

// Makes the folders of `path` below `folder`.
Status MakeFolders(const std::string& folder, const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    COFFER_TRY(MakeDirectory(folder + "/" + path.substr(0, slash), 0755));
  }
  return {};
}

}  // namespace

std::string TileFolder(const Tile& tile) {
  const std::string path = tile.Path();
  return path.substr(0, path.rfind('/'));
}

Status WriteTileIn(const std::string& folder, const Tile& tile, ByteView content) {
  const std::string path = tile.Path();
  const std::string whole = folder + "/" + path;
  const Status written = ReplaceFile(whole, content, 0644);
  if (written.ok() || written.error().code() != ErrorCode::kNotFound) return written;
  COFFER_TRY(MakeFolders(folder, path));
  return ReplaceFile(whole, content, 0644);
}

Status TileKeeper::Keep(const Tile& tile, ByteView content) {
  const std::string path = folder_ + "/" + tile.Path();
  const Result<Bytes> there = ReadFile(path, kMaxBundleSize);
  const bool same = there.ok() && std::equal(there->begin(), there->end(), content.begin(), content.end());
  if (!same) COFFER_TRY(WriteTileIn(folder_, tile, content));
  folders_.insert(TileFolder(tile));
  return SyncFile(path);
}

Status TileKeeper::SyncNames() const {
  for (const std::string& name : folders_) COFFER_TRY(SyncDirectory(folder_ + "/" + name));
  return {};
}

}  // namespace coffer::audit
