#include "io/internal/tree_remover.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/internal/names_in.h"
#include "io/internal/path.h"
#include "io/system_error.h"

namespace coffer::internal {
namespace {

// Writes zeros over the first `size` bytes: 0, or errno.
int WriteZeros(int fd, off_t size) {
  static constexpr std::array<std::byte, 65536> kZeros{};
  while (size > 0) {
    const ssize_t count = write(fd, kZeros.data(), std::min(kZeros.size(), static_cast<std::size_t>(size)));
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) size -= count;
  }
  return 0;
}

}  // namespace

Status TreeRemover::Remove(const std::string& path) {
  COFFER_TRY(CheckPath(path));
  RemoveEntry(AT_FDCWD, path, 0);
  if (first_failure_.has_value()) return std::move(*first_failure_).At(path);
  return {};
}

void TreeRemover::RemoveEntry(int parent, const std::string& name, int depth) {
  if (++entries_ > kMaxTreeEntries) {
    return Fail(
        Error(ErrorCode::kInvalidArgument, "holds more entries than can be removed").WithLimit(kMaxTreeEntries));
  }
  struct stat facts = {};
  if (fstatat(parent, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) Fail(SystemError(errno));
    return;
  }
  if (S_ISDIR(facts.st_mode)) return RemoveFolder(parent, name, depth);
  if (overwrite_ == Overwrite::kZeros && S_ISREG(facts.st_mode)) OverwriteFile(parent, name);
  if (unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) Fail(SystemError(errno));
}

void TreeRemover::RemoveFolder(int parent, const std::string& name, int depth) {
  if (depth >= kMaxTreeDepth) {
    return Fail(
        Error(ErrorCode::kInvalidArgument, "holds folders deeper than can be removed").WithLimit(kMaxTreeDepth));
  }
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd folder(openat(parent, name.c_str(), kFlags));
  if (!folder.valid()) return Fail(SystemError(errno));
  // The second descriptor is consumed by the listing, the first one addresses the entries.
  UniqueFd listed(openat(folder.get(), ".", kFlags));
  if (!listed.valid()) return Fail(SystemError(errno));
  auto names = NamesIn(std::move(listed), kMaxTreeEntries);
  if (!names.ok()) return Fail(std::move(names).error());
  for (const std::string& entry : *names) RemoveEntry(folder.get(), entry, depth + 1);
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) Fail(SystemError(errno));
}

void TreeRemover::OverwriteFile(int parent, const std::string& name) {
  constexpr int kFlags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  UniqueFd file(openat(parent, name.c_str(), kFlags));
  if (!file.valid() && errno == EACCES && fchmodat(parent, name.c_str(), 0600, 0) == 0) {
    file = UniqueFd(openat(parent, name.c_str(), kFlags));  // It was read-only, as secrets are.
  }
  struct stat facts = {};
  if (!file.valid() || fstat(file.get(), &facts) != 0) return Fail(SystemError(errno));
  if (const int error = WriteZeros(file.get(), facts.st_size); error != 0) Fail(SystemError(error));
}

void TreeRemover::Fail(Error error) {
  if (!first_failure_.has_value()) first_failure_ = std::move(error);
}

}  // namespace coffer::internal
