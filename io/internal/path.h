// Paths as the system calls need them: checked for NUL bytes, split into folder and name.
#pragma once

#include <cerrno>
#include <string>

#include "crypto/result.h"
#include "io/file_faults.h"

namespace coffer::internal {

// The error of a failed call, with the path.
Error PathError(int error_number, const std::string& path);

// kInvalidArgument: empty, or with a NUL byte (the system would see a shorter path).
Status CheckPath(const std::string& path);

struct PathParts {
  std::string folder;  // "." or "/" where the path has none of its own.
  std::string name;
};
// kInvalidArgument also when the last part is no name: "", "." or "..".
Result<PathParts> SplitPath(const std::string& path);

// Runs one system call as a step of FileFaults, again after EINTR: 0, or its errno.
template <typename Call>
int Attempt(Call call) {
  const int fault = FileFaults::NextStep();
  if (fault != 0) return fault;
  while (call() < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace coffer::internal
