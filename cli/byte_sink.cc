#include "cli/byte_sink.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/printing.h"
#include "crypto/random.h"
#include "io/system_error.h"
#include "io/unique_fd.h"

namespace coffer::cli {
namespace {

constexpr mode_t kMode = 0600;
constexpr int kCreate = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
constexpr char kOpenFiles[] = "/proc/self/fd/";

Failure OnOut(const std::string& path, const Error& error) { return FileFailure("--out", path, error); }

std::string TemporaryName(const std::string& name) {
  constexpr std::size_t kMaxStem = 200;  // room for the rest within the 255 bytes of a name
  std::array<std::byte, 8> random{};
  FillRandom(random);
  return name.substr(0, kMaxStem) + "." + ToHex(random) + ".tmp";
}

}  // namespace

// The new file: what is not finished is gone with it.
class ByteSink::File {
 public:
  File(std::string path, std::string name, UniqueFd folder)
      : path_(std::move(path)), name_(std::move(name)), folder_(std::move(folder)) {}
  ~File() {
    if (!temporary_.empty()) unlinkat(folder_.get(), temporary_.c_str(), 0);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }

  // 0, or why not.
  int Create(Unfinished unfinished) {
    struct stat facts {};
    if (fstatat(folder_.get(), name_.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
    if (errno != ENOENT) return errno;  // a name that could not be given at the end
    if (unfinished == Unfinished::kNameless && access(kOpenFiles, X_OK) == 0) {
      fd_ = UniqueFd(openat(folder_.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode));
      if (fd_.valid()) return 0;
      if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return errno;
    }
    const std::string temporary = TemporaryName(name_);
    fd_ = UniqueFd(openat(folder_.get(), temporary.c_str(), kCreate, kMode));
    if (!fd_.valid()) return errno;
    temporary_ = temporary;
    return 0;
  }

  int Finish() {
    if (fsync(fd()) != 0) return errno;
    if (const int error = temporary_.empty() ? Name() : Rename(); error != 0) return error;
    return fsync(folder_.get()) == 0 ? 0 : errno;
  }

 private:
  int Name() {
    const std::string open_file = kOpenFiles + std::to_string(fd());
    const int linked = linkat(AT_FDCWD, open_file.c_str(), folder_.get(), name_.c_str(), AT_SYMLINK_FOLLOW);
    return linked == 0 ? 0 : errno;
  }

  int Rename() {
    const int folder = folder_.get();
    if (renameat2(folder, temporary_.c_str(), folder, name_.c_str(), RENAME_NOREPLACE) == 0) {
      temporary_.clear();
      return 0;
    }
    if (errno != EINVAL) return errno;
    // Network file systems know no RENAME_NOREPLACE; a hard link never replaces either.
    return linkat(folder, temporary_.c_str(), folder, name_.c_str(), 0) == 0 ? 0 : errno;
  }

  std::string path_;
  std::string name_;
  UniqueFd folder_;
  UniqueFd fd_;
  std::string temporary_;  // empty: the file has no name
};

ByteSink::ByteSink(std::unique_ptr<File> file) : file_(std::move(file)) {}
ByteSink::~ByteSink() = default;
ByteSink::ByteSink(ByteSink&&) noexcept = default;
ByteSink& ByteSink::operator=(ByteSink&&) noexcept = default;

Outcome<ByteSink> ByteSink::Open(const std::string& path, Unfinished unfinished) {
  if (IsStandardStream(path)) return ByteSink(nullptr);
  const std::filesystem::path parts(path);
  const std::string name = parts.filename().string();
  const std::string folder = parts.has_parent_path() ? parts.parent_path().string() : ".";
  if (name.empty() || name == "." || name == "..") return OnOut(path, SystemError(EISDIR));
  UniqueFd folder_fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_fd.valid()) {
    if (errno != ENOENT) return OnOut(path, SystemError(errno));
    return OnOut(path, Error(ErrorCode::kNotFound, "cannot be made: its folder does not exist"));
  }
  auto file = std::make_unique<File>(path, name, std::move(folder_fd));
  if (const int error = file->Create(unfinished); error != 0) return OnOut(path, SystemError(error));
  return ByteSink(std::move(file));
}

Outcome<void> ByteSink::Write(std::string_view text) {
  auto written = WriteAll(file_ == nullptr ? STDOUT_FILENO : file_->fd(), AsBytes(text));
  if (!written.ok() && file_ != nullptr)
    return OnOut(file_->path(), Error(ErrorCode::kUnavailable, "cannot be written"));
  return written;
}

Outcome<void> ByteSink::Finish() {
  if (file_ == nullptr) return {};
  const int error = file_->Finish();
  if (error != 0) return OnOut(file_->path(), SystemError(error));
  return {};
}

}  // namespace coffer::cli
