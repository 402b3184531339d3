#include "io/unique_fd.h"

#include <unistd.h>

namespace coffer {

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = other.Release();
  }
  return *this;
}

void UniqueFd::Reset() {
  // Never again after EINTR: Linux has freed the number by then, and another thread may own it.
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace coffer
