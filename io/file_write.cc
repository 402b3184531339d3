// The writing half of io/file.h.
#include <algorithm>
#include <array>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/random.h"
#include "io/file.h"
#include "io/internal/path.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

using internal::Attempt;
using internal::PathError;
using internal::PathParts;
using internal::SplitPath;

enum class Taken : std::uint8_t { kReplace, kRefuse };

// Room for the suffix within the 255 bytes of a name.
constexpr std::size_t kMaxTemporaryStem = 200;

std::string TemporaryName(const std::string& name) {
  std::array<std::byte, 8> random{};
  FillRandom(random);
  return name.substr(0, kMaxTemporaryStem) + "." + ToHex(random) + ".tmp";
}

// The temporary file: unlinked unless it was renamed.
class Temporary {
 public:
  Temporary(int folder, std::string name) : folder_(folder), name_(std::move(name)) {}
  ~Temporary() { Unlink(); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const char* name() const { return name_.c_str(); }
  void Renamed() { exists_ = false; }
  void Unlink() {
    if (exists_) Attempt([&] { return unlinkat(folder_, name(), 0); });
    exists_ = false;
  }

 private:
  int folder_;
  std::string name_;
  bool exists_ = true;
};

int WriteAll(int fd, ByteView content) {
  while (!content.empty()) {
    const int fault = FileFaults::NextStep();
    const ssize_t count = write(fd, content.data(), fault == 0 ? content.size() : content.size() / 2);
    if (fault != 0) return fault;
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) content = content.subspan(static_cast<std::size_t>(count));
  }
  return 0;
}

int Fill(int fd, ByteView content, mode_t mode, bool durable) {
  if (const int error = WriteAll(fd, content); error != 0) return error;
  if (const int error = Attempt([&] { return fchmod(fd, mode); }); error != 0) return error;
  return durable ? Attempt([&] { return fsync(fd); }) : 0;
}

// Gives the temporary file its name.
int Place(int folder, Temporary& temporary, const char* name, Taken taken) {
  const unsigned flags = taken == Taken::kRefuse ? RENAME_NOREPLACE : 0;
  int error = Attempt([&] { return renameat2(folder, temporary.name(), folder, name, flags); });
  if (error == 0) {
    temporary.Renamed();
    return 0;
  }
  if (error == EINVAL && taken == Taken::kRefuse) {
    // Network file systems know no RENAME_NOREPLACE; a hard link never replaces either.
    error = Attempt([&] { return linkat(folder, temporary.name(), folder, name, 0); });
    temporary.Unlink();
  }
  return error;
}

Status Write(const std::string& path, ByteView content, mode_t mode, Taken taken, bool durable = true) {
  COFFER_ASSIGN_OR_RETURN(const PathParts parts, SplitPath(path));
  // Opened first, so that nothing but the sync itself can fail after the rename.
  const UniqueFd folder(open(parts.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return PathError(errno, path);
  const std::string temporary_name = TemporaryName(parts.name);
  UniqueFd file;
  const auto create = [&] {
    file = UniqueFd(
        openat(folder.get(), temporary_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return file.get();
  };
  if (const int error = Attempt(create); error != 0) return PathError(error, path);
  Temporary temporary(folder.get(), temporary_name);
  if (const int error = Fill(file.get(), content, mode, durable); error != 0) return PathError(error, path);
  if (const int error = Place(folder.get(), temporary, parts.name.c_str(), taken); error != 0)
    return PathError(error, path);
  if (!durable) return {};
  if (const int error = Attempt([&] { return fsync(folder.get()); }); error != 0) return PathError(error, path);
  return {};
}

Status WriteSecret(const std::string& path, const SecretBytes& content, mode_t mode, Taken taken) {
  return Write(path, content.Expose(SecretAccess::kFile), mode, taken);
}

}  // namespace

Status ReplaceFile(const std::string& path, ByteView content, mode_t mode) {
  return Write(path, content, mode, Taken::kReplace, false);
}

Status WriteFileDurably(const std::string& path, ByteView content, mode_t mode) {
  return Write(path, content, mode, Taken::kReplace);
}

Status WriteFileDurably(const std::string& path, const SecretBytes& content, mode_t mode) {
  return WriteSecret(path, content, mode, Taken::kReplace);
}

Status CreateFileDurably(const std::string& path, ByteView content, mode_t mode) {
  return Write(path, content, mode, Taken::kRefuse);
}

Status CreateFileDurably(const std::string& path, const SecretBytes& content, mode_t mode) {
  return WriteSecret(path, content, mode, Taken::kRefuse);
}

Status SyncFile(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return PathError(errno, path);
  if (const int error = Attempt([&] { return fsync(file.get()); }); error != 0) return PathError(error, path);
  return {};
}

Status RemoveFileDurably(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const PathParts parts, SplitPath(path));
  const UniqueFd folder(open(parts.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return PathError(errno, path);
  const auto unlink_it = [&] { return unlinkat(folder.get(), parts.name.c_str(), 0); };
  if (const int error = Attempt(unlink_it); error != 0) return PathError(error, path);
  if (const int error = Attempt([&] { return fsync(folder.get()); }); error != 0) return PathError(error, path);
  return {};
}

}  // namespace coffer
