#include "io/directory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "io/internal/names_in.h"
#include "io/internal/path.h"
#include "io/internal/tree_remover.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

using internal::Attempt;
using internal::PathError;

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

FileKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  if (S_ISLNK(mode)) return FileKind::kSymbolicLink;
  if (S_ISSOCK(mode)) return FileKind::kSocket;
  return FileKind::kOther;
}

// Without slashes at the end, where a system call would follow a link.
std::string Trimmed(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Status CheckIsOurFolder(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const FileFacts facts, FactsOf(path));
  if (facts.kind != FileKind::kDirectory) {
    return Error(ErrorCode::kAlreadyExists, "should be a folder and is something else").At(path);
  }
  if (facts.owner != geteuid()) return Error(ErrorCode::kPermissionDenied, "is a folder of another user").At(path);
  if ((facts.permissions & kOthersWrite) != 0) {
    return Error(ErrorCode::kPermissionDenied,
                 "may be written by its group or by others: take that away with chmod go-w")
        .At(path);
  }
  return {};
}

// Mode and durability of a folder that was just made.
Status FinishFolder(const std::string& path, mode_t mode) {
  const UniqueFd folder(open(path.c_str(), kOpenFolder | O_NOFOLLOW));
  if (!folder.valid()) return PathError(errno, path);
  if (const int error = Attempt([&] { return fchmod(folder.get(), mode); }); error != 0) return PathError(error, path);
  COFFER_ASSIGN_OR_RETURN(const internal::PathParts parts, internal::SplitPath(path));
  return SyncDirectory(parts.folder);
}

}  // namespace

Result<FileFacts> FactsOf(const std::string& path) {
  COFFER_TRY(internal::CheckPath(path));
  struct stat facts = {};
  if (lstat(path.c_str(), &facts) != 0) return PathError(errno, path);
  FileFacts found;
  found.kind = KindOf(facts.st_mode);
  found.size = static_cast<std::uint64_t>(facts.st_size);
  found.owner = facts.st_uid;
  found.group = facts.st_gid;
  found.permissions = facts.st_mode & 07777;
  found.device = facts.st_dev;
  found.inode = facts.st_ino;
  found.modified_unix_micros = std::int64_t{facts.st_mtim.tv_sec} * 1'000'000 + facts.st_mtim.tv_nsec / 1'000;
  return found;
}

Result<bool> Exists(const std::string& path) {
  auto facts = FactsOf(path);
  if (facts.ok()) return true;
  if (facts.error().code() == ErrorCode::kNotFound) return false;
  return std::move(facts).error();
}

Result<std::uint64_t> DeviceOf(const std::string& path) {
  COFFER_TRY(internal::CheckPath(path));
  struct stat facts = {};
  if (stat(path.c_str(), &facts) != 0) return PathError(errno, path);
  return std::uint64_t{facts.st_dev};
}

Result<bool> IsMemoryBacked(const std::string& path) {
  COFFER_TRY(internal::CheckPath(path));
  struct statfs facts = {};
  if (statfs(path.c_str(), &facts) != 0) return PathError(errno, path);
  return facts.f_type == TMPFS_MAGIC || facts.f_type == RAMFS_MAGIC;
}

Status MakeDirectory(const std::string& given_path, mode_t mode) {
  COFFER_TRY(internal::CheckPath(given_path));
  const std::string path = Trimmed(given_path);
  const int error = Attempt([&] { return mkdir(path.c_str(), 0700); });
  if (error == EEXIST) return CheckIsOurFolder(path);
  if (error != 0) return PathError(error, path);
  Status finished = FinishFolder(path, mode);
  // Not reported: the caller learns why the folder is not there from `finished`.
  if (!finished.ok()) rmdir(path.c_str());
  return finished;
}

Status CheckNobodyElseReplaces(const std::string& path) {
  COFFER_TRY(internal::CheckPath(path));
  struct stat facts = {};
  if (stat(path.c_str(), &facts) != 0) return PathError(errno, path);
  if (!S_ISDIR(facts.st_mode)) return PathError(ENOTDIR, path);
  if (facts.st_uid != geteuid() && facts.st_uid != 0) {
    return Error(ErrorCode::kPermissionDenied, "is a folder of another user, who could replace what is in it").At(path);
  }
  if ((facts.st_mode & kOthersWrite) != 0 && (facts.st_mode & S_ISVTX) == 0) {
    return Error(ErrorCode::kPermissionDenied,
                 "may be written by its group or by others, who could replace what is in it: take that away with chmod "
                 "go-w")
        .At(path);
  }
  return {};
}

Result<std::vector<std::string>> ListDirectory(const std::string& path, std::size_t max_entries) {
  COFFER_TRY(internal::CheckPath(path));
  UniqueFd folder(open(path.c_str(), kOpenFolder));
  if (!folder.valid()) return PathError(errno, path);
  auto names = internal::NamesIn(std::move(folder), max_entries);
  if (!names.ok()) return std::move(names).error().At(path);
  return names;
}

Status RemoveTree(const std::string& path) { return internal::TreeRemover(internal::Overwrite::kNo).Remove(path); }

Status SyncDirectory(const std::string& path) {
  COFFER_TRY(internal::CheckPath(path));
  const UniqueFd folder(open(path.c_str(), kOpenFolder));
  if (!folder.valid()) return PathError(errno, path);
  if (const int error = Attempt([&] { return fsync(folder.get()); }); error != 0) return PathError(error, path);
  return {};
}

}  // namespace coffer
