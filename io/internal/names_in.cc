#include "io/internal/names_in.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <memory>

#include "io/system_error.h"

namespace coffer::internal {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

Result<std::vector<std::string>> NamesIn(UniqueFd folder, std::size_t max_entries) {
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(folder.get()));
  if (directory == nullptr) return SystemError(errno);
  static_cast<void>(folder.Release());  // Closed by closedir.
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr && errno != 0) return SystemError(errno);
    if (entry == nullptr) break;
    std::string name(static_cast<const char*>(entry->d_name));
    if (name == "." || name == "..") continue;
    if (names.size() == max_entries) {
      return Error(ErrorCode::kInvalidArgument, "holds more entries than allowed").WithLimit(max_entries);
    }
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace coffer::internal
