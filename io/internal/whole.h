// Reads and writes at an offset that go on until all is done: the system may do a part, or be interrupted.
#pragma once

#include <cerrno>
#include <sys/types.h>

#include "crypto/bytes.h"

namespace coffer::internal {

// `write(data, size, offset)` is pwrite of some file. 0, or its errno; a write of nothing is EIO.
template <typename Write>
int WriteWhole(Write write, std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return 0;
}

// `read(data, size, offset)` is pread of some file. 0 with `*filled` the count that there was, or its errno.
template <typename Read>
int ReadWhole(Read read, std::uint64_t offset, MutableBytes out, std::size_t* filled) {
  *filled = 0;
  while (*filled < out.size()) {
    const ssize_t count = read(out.data() + *filled, out.size() - *filled, static_cast<off_t>(offset + *filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return 0;
    *filled += static_cast<std::size_t>(count);
  }
  return 0;
}

}  // namespace coffer::internal
