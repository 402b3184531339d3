#include "io/file.h"

#include <algorithm>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

#include "io/internal/path.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

using internal::PathError;

struct OpenFile {
  UniqueFd fd;
  struct stat facts = {};
};

Result<OpenFile> OpenRegular(const std::string& path, int extra_flags) {
  COFFER_TRY(internal::CheckPath(path));
  OpenFile file;
  // Non-blocking: opening a pipe must fail below, not wait for its writer.
  file.fd = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | extra_flags));
  if (!file.fd.valid()) return PathError(errno, path);
  if (fstat(file.fd.get(), &file.facts) != 0) return PathError(errno, path);
  if (!S_ISREG(file.facts.st_mode)) return Error(ErrorCode::kInvalidArgument, "is not a regular file").At(path);
  return file;
}

Error TooLarge(const std::string& path, std::uint64_t max_bytes) {
  return Error(ErrorCode::kInvalidArgument, "is longer than allowed, in bytes").At(path).WithLimit(max_bytes);
}

// Reads until `out` is full or the file ends; the count, or -1 with errno.
ssize_t ReadUntilFull(int fd, MutableBytes out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t count = read(fd, out.data() + filled, out.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(filled);
}

Status CheckReaders(const struct stat& facts, const std::string& path, SecretFileReaders readers) {
  if (facts.st_uid != 0 && facts.st_uid != geteuid()) {
    return Error(ErrorCode::kPermissionDenied, "holds a secret and belongs to another user").At(path);
  }
  if (readers == SecretFileReaders::kOwnerOnly && (facts.st_mode & 077) != 0) {
    return Error(ErrorCode::kPermissionDenied,
                 "holds a secret and is open to group or others; take that away with chmod go=")
        .At(path);
  }
  if ((facts.st_mode & 027) != 0) {
    return Error(ErrorCode::kPermissionDenied, "holds a secret and is open to others; take that away with chmod g-w,o=")
        .At(path);
  }
  return {};
}

}  // namespace

Result<Bytes> ReadFile(const std::string& path, std::uint64_t max_bytes) {
  COFFER_ASSIGN_OR_RETURN(const OpenFile file, OpenRegular(path, 0));
  const auto size = static_cast<std::uint64_t>(file.facts.st_size);
  if (size > max_bytes) return TooLarge(path, max_bytes);
  // One byte more than allowed tells "too long"; files of /proc give no size, so the buffer grows.
  const std::uint64_t most = std::min<std::uint64_t>(max_bytes, std::numeric_limits<std::ptrdiff_t>::max() - 1) + 1;
  Bytes content(static_cast<std::size_t>(std::min(most, std::max<std::uint64_t>(size + 1, 4096))));
  std::size_t filled = 0;
  for (;;) {
    const ssize_t count = ReadUntilFull(file.fd.get(), MutableBytes(content).subspan(filled));
    if (count < 0) return PathError(errno, path);
    filled += static_cast<std::size_t>(count);
    if (filled > max_bytes) return TooLarge(path, max_bytes);
    if (filled < content.size()) break;
    content.resize(static_cast<std::size_t>(std::min<std::uint64_t>(most, std::uint64_t{content.size()} * 2)));
  }
  content.resize(filled);
  return content;
}

Result<SecretBytes> ReadSecretFile(const std::string& path, std::uint64_t max_bytes, SecretFileReaders readers) {
  COFFER_ASSIGN_OR_RETURN(const OpenFile file, OpenRegular(path, O_NOFOLLOW));
  COFFER_TRY(CheckReaders(file.facts, path, readers));
  const auto size = static_cast<std::size_t>(file.facts.st_size);
  if (size > max_bytes) return TooLarge(path, max_bytes);
  SecretBytes content(size + 1);
  const ssize_t count = ReadUntilFull(file.fd.get(), content.ExposeMutable(SecretAccess::kFile));
  if (count < 0) return PathError(errno, path);
  if (static_cast<std::size_t>(count) > size) {
    return Error(ErrorCode::kUnavailable, "grew while it was read").At(path);
  }
  content.Truncate(static_cast<std::size_t>(count));
  return content;
}

}  // namespace coffer
