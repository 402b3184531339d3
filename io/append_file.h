// AppendFile: a file that only grows, each piece durable before Append returns.
#pragma once

#include <memory>
#include <string>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

// Not thread-safe. kUnavailable: the disk is full, or fails. After a failure nothing more is taken (a kernel forgets
// what a failed sync did not write) until the file is opened anew.
class AppendFile {
 public:
  virtual ~AppendFile() = default;

  // Everything that is in the file.
  virtual Result<Bytes> ReadAll() const = 0;
  // Cuts the file, durably: what a crash left behind the last whole record.
  virtual Status TruncateTo(std::uint64_t size) = 0;
  virtual Status Append(ByteView piece) = 0;
};

// A folder's files of this kind, by name. The seat of tests' failing disks.
class AppendFolder {
 public:
  virtual ~AppendFolder() = default;

  // kNotFound when there is none.
  virtual Result<std::unique_ptr<AppendFile>> Open(const std::string& name) = 0;
  // A new, empty file, mode 0600, whose name survives a power cut; replaces a file of this name.
  virtual Result<std::unique_ptr<AppendFile>> Create(const std::string& name) = 0;
  // Gives a file another name, in place of a file that has it, durably.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Fine when there is none.
  virtual Status Remove(const std::string& name) = 0;
};

// Of the real file system; `path` must exist. Files larger than `max_bytes` are not read (kInvalidArgument).
std::unique_ptr<AppendFolder> DiskFolder(std::string path, std::uint64_t max_bytes);

}  // namespace coffer
