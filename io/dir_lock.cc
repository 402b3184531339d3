#include "io/dir_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "io/internal/path.h"

namespace coffer {

Result<DirLock> DirLock::Acquire(const std::string& directory) {
  COFFER_TRY(internal::CheckPath(directory));
  const std::string path = directory + "/lock";
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600));
  if (!file.valid()) return internal::PathError(errno, path);
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Error(ErrorCode::kUnavailable, "another process uses this data folder").At(directory);
    }
    if (errno != EINTR) return internal::PathError(errno, path);
  }
  return DirLock(std::move(file));
}

}  // namespace coffer
