#include "io/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/file_faults.h"
#include "io/internal/path.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

using internal::Attempt;
using internal::PathError;

constexpr mode_t kMode = 0600;

class DiskFile final : public AppendFile {
 public:
  DiskFile(std::string path, UniqueFd fd, std::uint64_t max_bytes)
      : path_(std::move(path)), fd_(std::move(fd)), max_bytes_(max_bytes) {}

  Result<Bytes> ReadAll() const override { return ReadFile(path_, max_bytes_); }

  Status TruncateTo(std::uint64_t size) override {
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

 private:
  template <typename Call>
  Status Guarded(Call call) {
    if (broken_) return PathError(EIO, path_);
    const int error = call();
    broken_ = error != 0;
    if (broken_) return PathError(error, path_);
    return {};
  }

  const std::string path_;
  const UniqueFd fd_;
  const std::uint64_t max_bytes_;
  bool broken_ = false;
};

class Folder final : public AppendFolder {
 public:
  Folder(std::string path, std::uint64_t max_bytes) : path_(std::move(path)), max_bytes_(max_bytes) {}

  Result<std::unique_ptr<AppendFile>> Open(const std::string& name) override { return OpenAt(name); }

  Result<std::unique_ptr<AppendFile>> Create(const std::string& name) override {
    COFFER_TRY(WriteFileDurably(PathOf(name), ByteView(), kMode));
    return OpenAt(name);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    const int error = Attempt([&] { return rename(PathOf(from).c_str(), PathOf(to).c_str()); });
    if (error != 0) return PathError(error, PathOf(to));
    return SyncDirectory(path_);
  }

  Status Remove(const std::string& name) override {
    Status removed = RemoveFileDurably(PathOf(name));
    if (!removed.ok() && removed.error().code() == ErrorCode::kNotFound) return {};
    return removed;
  }

 private:
  std::string PathOf(const std::string& name) const { return path_ + "/" + name; }

  Result<std::unique_ptr<AppendFile>> OpenAt(const std::string& name) const {
    const std::string path = PathOf(name);
    UniqueFd fd(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return PathError(errno, path);
    return std::unique_ptr<AppendFile>(std::make_unique<DiskFile>(path, std::move(fd), max_bytes_));
  }

  const std::string path_;
  const std::uint64_t max_bytes_;
};

}  // namespace

std::unique_ptr<AppendFolder> DiskFolder(std::string path, std::uint64_t max_bytes) {
  return std::make_unique<Folder>(std::move(path), max_bytes);
}

}  // namespace coffer
