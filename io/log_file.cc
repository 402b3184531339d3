#include "io/log_file.h"

#include <algorithm>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/file_faults.h"
#include "io/internal/path.h"
#include "io/internal/whole.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

using internal::Attempt;
using internal::PathError;

constexpr mode_t kMode = 0600;
constexpr std::size_t kMaxNames = 1'000'000;
constexpr std::size_t kZerosAtOnce = std::size_t{1} << 20;
// A device that gets a whole file's zeros at once makes the log's own syncs wait behind them.
constexpr std::uint64_t kZerosBetweenSyncs = std::uint64_t{4} << 20;

class DiskLogFile final : public LogFile {
 public:
  DiskLogFile(std::string folder, const std::string& name, UniqueFd fd)
      : folder_(std::move(folder)), path_(folder_ + "/" + name), fd_(std::move(fd)) {}

  Result<std::uint64_t> Size() const override {
    struct stat facts = {};
    if (fstat(fd_.get(), &facts) != 0) return PathError(errno, path_);
    return static_cast<std::uint64_t>(facts.st_size);
  }

  Result<std::size_t> ReadAt(std::uint64_t offset, MutableBytes out) const override {
    std::size_t filled = 0;
    const auto read = [&](void* data, std::size_t size, off_t at) { return pread(fd_.get(), data, size, at); };
    if (const int error = internal::ReadWhole(read, offset, out, &filled); error != 0) return PathError(error, path_);
    return filled;
  }

  Status WriteAt(std::uint64_t offset, ByteView bytes) override {
    return Guarded([&] {
      const int fault = FileFaults::NextStep();
      const auto write = [&](const void* data, std::size_t size, off_t at) {
        return pwrite(fd_.get(), data, size, at);
      };
      const int error = internal::WriteWhole(write, offset, fault == 0 ? bytes : bytes.first(bytes.size() / 2));
      return fault != 0 ? fault : error;
    });
  }

  Status Sync() override {
    return Guarded([&] { return Attempt([&] { return fdatasync(fd_.get()); }); });
  }

  Status CheckInPlace() const override {
    struct stat ours = {};
    struct stat there = {};
    const bool same = fstat(fd_.get(), &ours) == 0 && ours.st_nlink > 0 && lstat(path_.c_str(), &there) == 0 &&
                      ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
    if (same) return {};
    return Error(ErrorCode::kFailedPrecondition, "was removed or replaced while it was in use").At(path_);
  }

  Status Rename(const std::string& name) override {
    const std::string path = folder_ + "/" + name;
    const auto rename_it = [&] { return renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE); };
    int error = Attempt(rename_it);
    if (error == EINVAL) {
      // Network file systems know no RENAME_NOREPLACE; a hard link never replaces either.
      error = Attempt([&] { return link(path_.c_str(), path.c_str()); });
      if (error == 0) error = Attempt([&] { return unlink(path_.c_str()); });
    }
    if (error != 0) return PathError(error, path);
    path_ = path;
    return SyncDirectory(folder_);
  }

 private:
  template <typename Call>
  Status Guarded(Call call) {
    if (broken_) return PathError(EIO, path_);
    const int error = call();
    broken_ = error != 0;
    if (broken_) return PathError(error, path_);
    return {};
  }

  const std::string folder_;
  std::string path_;
  const UniqueFd fd_;
  bool broken_ = false;
};

class Folder final : public LogFolder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}

  Result<std::vector<std::string>> List() const override { return ListDirectory(path_, kMaxNames); }

  Result<std::unique_ptr<LogFile>> Open(const std::string& name, Access access) const override {
    const int flags = access == Access::kRead ? O_RDONLY : O_RDWR;
    UniqueFd fd(open(PathOf(name).c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid()) return PathError(errno, PathOf(name));
    struct stat facts = {};
    if (fstat(fd.get(), &facts) != 0) return PathError(errno, PathOf(name));
    if (!S_ISREG(facts.st_mode)) return Error(ErrorCode::kInvalidArgument, "is not a regular file").At(PathOf(name));
    return Made(name, std::move(fd));
  }

  Result<std::unique_ptr<LogFile>> Prepare(const std::string& name, std::uint64_t bytes) override {
    const std::string unfinished = PathOf(name) + ".new";
    Attempt([&] { return unlink(unfinished.c_str()); });
    UniqueFd fd;
    const auto create = [&] {
      fd = UniqueFd(open(unfinished.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
      return fd.get();
    };
    int error = Attempt(create);
    if (error != 0) return PathError(error, PathOf(name));
    error = FillWithZeros(fd.get(), bytes);
    if (error == 0) error = Attempt([&] { return rename(unfinished.c_str(), PathOf(name).c_str()); });
    if (error != 0) {
      Attempt([&] { return unlink(unfinished.c_str()); });
      return PathError(error, PathOf(name));
    }
    COFFER_TRY(SyncDirectory(path_));
    return Made(name, std::move(fd));
  }

  Status Remove(const std::string& name) override {
    Status removed = RemoveFileDurably(PathOf(name));
    if (!removed.ok() && removed.error().code() == ErrorCode::kNotFound) return {};
    return removed;
  }

  Status SyncNames() override { return SyncDirectory(path_); }

 private:
  std::string PathOf(const std::string& name) const { return path_ + "/" + name; }

  std::unique_ptr<LogFile> Made(const std::string& name, UniqueFd fd) const {
    return std::make_unique<DiskLogFile>(path_, name, std::move(fd));
  }

  // Written, not only allocated: the first write to an allocated block would change the file's extents, and so make the
  // sync after it wait for the file system's journal.
  static int FillWithZeros(int fd, std::uint64_t bytes) {
    const auto take = [&] { return fallocate(fd, 0, 0, static_cast<off_t>(bytes)); };
    if (const int error = Attempt(take); error != 0 && error != EOPNOTSUPP) return error;
    const Bytes zeros(kZerosAtOnce);
    const auto write = [&](const void* data, std::size_t size, off_t at) { return pwrite(fd, data, size, at); };
    for (std::uint64_t offset = 0; offset < bytes; offset += zeros.size()) {
      const std::uint64_t size = std::min<std::uint64_t>(zeros.size(), bytes - offset);
      if (const int fault = FileFaults::NextStep(); fault != 0) return fault;
      const ByteView piece = ByteView(zeros).first(static_cast<std::size_t>(size));
      if (const int error = internal::WriteWhole(write, offset, piece); error != 0) return error;
      const bool pause = (offset + size) % kZerosBetweenSyncs == 0;
      if (pause && fdatasync(fd) != 0) return errno;
    }
    return Attempt([&] { return fsync(fd); });
  }

  const std::string path_;
};

}  // namespace

std::unique_ptr<LogFolder> DiskLogFolder(std::string path) { return std::make_unique<Folder>(std::move(path)); }

}  // namespace coffer
