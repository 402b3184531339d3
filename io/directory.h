// Folders and what the file system says about a path.
//
// Failures as in io/file.h. Every function is thread-safe.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "crypto/result.h"

namespace coffer {

enum class FileKind : std::uint8_t { kRegular, kDirectory, kSymbolicLink, kSocket, kOther };

struct FileFacts {
  FileKind kind = FileKind::kOther;
  std::uint64_t size = 0;  // bytes
  uid_t owner = 0;
  gid_t group = 0;
  mode_t permissions = 0;  // the low 12 bits
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_unix_micros = 0;
};

// Facts of the thing itself: a symbolic link is not followed. kNotFound when there is none.
Result<FileFacts> FactsOf(const std::string& path);
// True when anything has this name, a dangling link too.
Result<bool> Exists(const std::string& path);

// The device that holds `path` (links followed): two paths of one device share its fate and its space.
Result<std::uint64_t> DeviceOf(const std::string& path);

// True when `path` (links followed) lies on tmpfs or ramfs: its bytes never reach a disk's file system. tmpfs pages can
// still be swapped out; a host without swap, or with encrypted swap, closes that.
Result<bool> IsMemoryBacked(const std::string& path);

// Makes one folder of exactly `mode`, whatever the umask, and syncs the folder it lies in. Ok when a folder of ours is
// there already; its mode is left alone. kAlreadyExists: something else is there (a symbolic link too).
// kPermissionDenied: a folder of somebody else, or one that its group or others may write to.
Status MakeDirectory(const std::string& path, mode_t mode);

// Ok when nobody but root and us can replace what we put into this folder (links followed): it is of one of the two,
// and only its owner may write to it, or it has the sticky bit. kPermissionDenied otherwise; kNotFound: no such folder.
Status CheckNobodyElseReplaces(const std::string& path);

// Names in the folder, without "." and "..", sorted by bytes. More than `max_entries`: kInvalidArgument.
Result<std::vector<std::string>> ListDirectory(const std::string& path, std::size_t max_entries);

// Removes a file, or a folder with all that is in it; links are removed, not followed. Ok when nothing is there. Deeper
// than 64 folders or more than a million entries: kInvalidArgument, with part of the tree gone. Not durable by itself.
Status RemoveTree(const std::string& path);

// Makes renames, creations and removals in this folder survive a power cut.
Status SyncDirectory(const std::string& path);

}  // namespace coffer
