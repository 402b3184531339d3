// AppendFile: a file that only grows, each piece durable before Append returns.
#pragma once

#include <memory>
#include <string>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

// Not thread-safe. kUnavailable: the disk is full, or fails. After a failed Append or TruncateTo nothing more is taken
// until the file is opened anew, and then it has to be cut to the size before: what the failed one wrote can be read,
// but a kernel forgets what a failed sync did not write, so that it may be gone, or zeros, after a power cut.
class AppendFile {
 public:
  virtual ~AppendFile() = default;

  // Everything that is in the file. kInvalidArgument: more than the folder's limit.
  virtual Result<Bytes> ReadAll() const = 0;
  virtual Result<std::uint64_t> Size() const = 0;  // bytes
  // Cuts the file, durably. kIntegrity, and nothing changed: it is shorter than that.
  virtual Status TruncateTo(std::uint64_t size) = 0;
  virtual Status Append(ByteView piece) = 0;

  enum class Place : std::uint8_t {
    kThere,     // the folder's file of that name is this one
    kGone,      // nothing has the name, and the folder is the one that it was
    kReplaced,  // something else has the name, or another folder has the folder's path: a disk was unmounted
  };
  // Cheap.
  virtual Result<Place> PlaceOf(const std::string& name) const = 0;
};

// A folder's files of this kind, by name. The seat of tests' failing disks.
class AppendFolder {
 public:
  virtual ~AppendFolder() = default;

  // kNotFound when there is none; kInvalidArgument: a folder, a pipe, a link or a device has the name.
  virtual Result<std::unique_ptr<AppendFile>> Open(const std::string& name) = 0;
  // A new, empty file, mode 0600, whose name survives a power cut; replaces a file of this name.
  virtual Result<std::unique_ptr<AppendFile>> Create(const std::string& name) = 0;
  // Gives a file another name, in place of a file that has it, durably. After a failure it has either.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Fine when there is none.
  virtual Status Remove(const std::string& name) = 0;
  // Makes names durable that a failed Rename left unsure.
  virtual Status Sync() = 0;
  // Longer files are not read; whoever appends keeps to it.
  virtual std::uint64_t max_bytes() const = 0;
};

// Of the real file system; `path` must exist.
std::unique_ptr<AppendFolder> DiskFolder(std::string path, std::uint64_t max_bytes);

}  // namespace coffer
