#include "io/append_file.h"

#include <fcntl.h>
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

bool SameFile(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// A folder as it was when it was opened.
struct KnownFolder {
  std::string path;
  struct stat facts = {};
  std::uint64_t max_bytes = 0;

  std::string PathOf(const std::string& name) const { return path + "/" + name; }
};

class DiskFile final : public AppendFile {
 public:
  DiskFile(const KnownFolder& folder, const std::string& name, UniqueFd fd)
      : folder_(folder), path_(folder.PathOf(name)), fd_(std::move(fd)) {}

  Result<Bytes> ReadAll() const override {
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t size, Size());
    if (size > folder_.max_bytes) {
      return Error(ErrorCode::kInvalidArgument, "is longer than allowed, in bytes")
          .At(path_)
          .WithLimit(folder_.max_bytes);
    }
    Bytes content(static_cast<std::size_t>(size));
    std::size_t filled = 0;
    const auto read = [&](void* data, std::size_t count, off_t at) { return pread(fd_.get(), data, count, at); };
    if (const int error = internal::ReadWhole(read, 0, content, &filled); error != 0) return PathError(error, path_);
    content.resize(filled);
    return content;
  }

  Result<std::uint64_t> Size() const override {
    struct stat facts = {};
    if (fstat(fd_.get(), &facts) != 0) return PathError(errno, path_);
    return static_cast<std::uint64_t>(facts.st_size);
  }

  Status TruncateTo(std::uint64_t size) override {
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t present, Size());
    if (present < size) return Error(ErrorCode::kIntegrity, "is shorter than what was written to it").At(path_);
    return Guarded([&] {
      const int error = Attempt([&] { return ftruncate(fd_.get(), static_cast<off_t>(size)); });
      return error != 0 ? error : Attempt([&] { return fsync(fd_.get()); });
    });
  }

  Status Append(ByteView piece) override {
    return Guarded([&] {
      while (!piece.empty()) {
        const int fault = FileFaults::NextStep();
        const ssize_t count = write(fd_.get(), piece.data(), fault == 0 ? piece.size() : piece.size() / 2);
        if (fault != 0) return fault;
        if (count < 0 && errno != EINTR) return errno;
        if (count > 0) piece = piece.subspan(static_cast<std::size_t>(count));
      }
      return Attempt([&] { return fdatasync(fd_.get()); });
    });
  }

  Result<Place> PlaceOf(const std::string& name) const override {
    const std::string path = folder_.PathOf(name);
    struct stat ours = {};
    struct stat there = {};
    if (fstat(fd_.get(), &ours) != 0) return PathError(errno, path);
    if (lstat(path.c_str(), &there) == 0) return SameFile(ours, there) ? Place::kThere : Place::kReplaced;
    if (errno != ENOENT && errno != ENOTDIR) return PathError(errno, path);
    struct stat folder = {};
    const bool same_folder = stat(folder_.path.c_str(), &folder) == 0 && SameFile(folder, folder_.facts);
    return same_folder ? Place::kGone : Place::kReplaced;
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

  const KnownFolder folder_;
  const std::string path_;
  const UniqueFd fd_;
  bool broken_ = false;
};

class Folder final : public AppendFolder {
 public:
  Folder(std::string path, std::uint64_t max_bytes) {
    folder_.path = std::move(path);
    folder_.max_bytes = max_bytes;
    // What does not exist is no folder that anything can be the same as.
    static_cast<void>(stat(folder_.path.c_str(), &folder_.facts));
  }

  Result<std::unique_ptr<AppendFile>> Open(const std::string& name) override { return OpenAt(name); }

  Result<std::unique_ptr<AppendFile>> Create(const std::string& name) override {
    COFFER_TRY(WriteFileDurably(folder_.PathOf(name), ByteView(), kMode));
    return OpenAt(name);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    const std::string target = folder_.PathOf(to);
    const int error = Attempt([&] { return rename(folder_.PathOf(from).c_str(), target.c_str()); });
    if (error != 0) return PathError(error, target);
    return Sync();
  }

  Status Remove(const std::string& name) override {
    Status removed = RemoveFileDurably(folder_.PathOf(name));
    if (!removed.ok() && removed.error().code() == ErrorCode::kNotFound) return {};
    return removed;
  }

  Status Sync() override { return SyncDirectory(folder_.path); }

  std::uint64_t max_bytes() const override { return folder_.max_bytes; }

 private:
  Result<std::unique_ptr<AppendFile>> OpenAt(const std::string& name) const {
    const std::string path = folder_.PathOf(name);
    // Non-blocking: a pipe must be refused, not waited for.
    UniqueFd fd(open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    const bool socket = !fd.valid() && errno == ENXIO;
    if (!fd.valid() && !socket) return PathError(errno, path);
    struct stat facts = {};
    if (!socket && fstat(fd.get(), &facts) != 0) return PathError(errno, path);
    if (socket || !S_ISREG(facts.st_mode)) {
      return Error(ErrorCode::kInvalidArgument, "is not a regular file").At(path);
    }
    return std::unique_ptr<AppendFile>(std::make_unique<DiskFile>(folder_, name, std::move(fd)));
  }

  KnownFolder folder_;
};

}  // namespace

std::unique_ptr<AppendFolder> DiskFolder(std::string path, std::uint64_t max_bytes) {
  return std::make_unique<Folder>(std::move(path), max_bytes);
}

}  // namespace coffer
