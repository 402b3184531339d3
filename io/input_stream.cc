#include "io/input_stream.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "io/system_error.h"

namespace coffer {

Result<InputStream> InputStream::Open(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return SystemError(EINVAL);
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return SystemError(errno).At(path);
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);  // of no meaning, and harmless, for a pipe
  return InputStream(std::move(fd));
}

Result<std::size_t> InputStream::Read(MutableBytes out) {
  ssize_t count = -1;
  do {
    count = read(fd_.get(), out.data(), out.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return SystemError(errno);
  ended_ = count == 0;
  return static_cast<std::size_t>(count);
}

}  // namespace coffer
