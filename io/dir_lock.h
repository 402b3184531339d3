// DirLock: one process at a time in a data folder.
#pragma once

#include <string>

#include "crypto/result.h"
#include "io/unique_fd.h"

namespace coffer {

// Holds flock on <directory>/lock, made with mode 0600 and never removed; freed when destroyed or when the process
// ends, however it ends. Move-only; thread-compatible.
class DirLock {
 public:
  // kUnavailable: another holder, in this process or another one. Else as in io/file.h.
  static Result<DirLock> Acquire(const std::string& directory);

 private:
  explicit DirLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace coffer
