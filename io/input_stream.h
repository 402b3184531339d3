// InputStream: a file, pipe or device of any size, read from its beginning as it comes.
#pragma once

#include <string>

#include "crypto/bytes.h"
#include "io/unique_fd.h"

namespace coffer {

// Move-only; not thread-safe. Failures as in io/file.h.
class InputStream {
 public:
  // Symbolic links are followed. Waits for a pipe's writer.
  static Result<InputStream> Open(const std::string& path);
  // Of a child process, for one.
  explicit InputStream(UniqueFd fd) : fd_(std::move(fd)) {}

  // Fills some of `out` and gives the count of bytes; 0 at the end. kUnavailable: the device fails.
  Result<std::size_t> Read(MutableBytes out);
  // Whether Read has met the end.
  bool ended() const { return ended_; }

 private:
  UniqueFd fd_;
  bool ended_ = false;
};

}  // namespace coffer
