// LogFile: a file whose space is taken before it is used, written at offsets and made durable on request: for a log
// that must meet neither a full disk nor the file system's own journal while somebody waits.
//
// Failures of all as in io/file.h. kUnavailable: the disk is full, or fails.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

// One thread at a time. What was written since the last Sync may be on the disk in any part, in any order. After a
// failed WriteAt or Sync every later one fails as well (a kernel forgets what a failed sync did not write), until the
// file is opened anew.
class LogFile {
 public:
  virtual ~LogFile() = default;

  virtual Result<std::uint64_t> Size() const = 0;  // bytes
  // Fills `out` from `offset` on, as far as the file goes: the count of bytes.
  virtual Result<std::size_t> ReadAt(std::uint64_t offset, MutableBytes out) const = 0;
  // All of `bytes`, not durable yet. The file grows where it is shorter.
  virtual Status WriteAt(std::uint64_t offset, ByteView bytes) = 0;
  virtual Status Sync() = 0;
  // Ok while the file of this path is this one; kFailedPrecondition when it was removed, renamed or replaced. Cheap.
  virtual Status CheckInPlace() const = 0;
  // Another name in the same folder, durably. kAlreadyExists: something has it, and that is untouched.
  virtual Status Rename(const std::string& name) = 0;
};

// A folder's files of this kind, by name. The seat of tests' failing disks. Thread-safe.
class LogFolder {
 public:
  enum class Access : std::uint8_t { kRead, kReadAndWrite };

  virtual ~LogFolder() = default;

  // Names of everything in the folder, sorted by bytes.
  virtual Result<std::vector<std::string>> List() const = 0;
  // kNotFound when there is none. Symbolic links are not followed.
  virtual Result<std::unique_ptr<LogFile>> Open(const std::string& name, Access access) const = 0;
  // A new file of `bytes` zeros, mode 0600, its space taken and all of it durable; replaces a file of this name. After
  // a failure nothing new is left: what a crash leaves has the name with ".new" behind it and is replaced the next
  // time.
  virtual Result<std::unique_ptr<LogFile>> Prepare(const std::string& name, std::uint64_t bytes) = 0;
  // Fine when there is none. Durable.
  virtual Status Remove(const std::string& name) = 0;
  // Makes the names as they are now durable: a process that ended within Rename may have left one that is not.
  virtual Status SyncNames() = 0;
};

// Of the real file system; `path` must exist.
std::unique_ptr<LogFolder> DiskLogFolder(std::string path);

}  // namespace coffer
