#include "io/terminal.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io/system_error.h"

namespace coffer {
namespace {

constexpr std::size_t kDefaultWidth = 80;
constexpr std::size_t kFirstChunk = 4096;

SecretBytes Grown(const SecretBytes& small, std::size_t size) {
  SecretBytes large(size);
  const ByteView content = small.Expose(SecretAccess::kFile);
  std::copy(content.begin(), content.end(), large.ExposeMutable(SecretAccess::kFile).begin());
  return large;
}

}  // namespace

bool IsTerminal(int fd) { return isatty(fd) == 1; }

std::size_t TerminalWidth(int fd) {
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

Result<SecretBytes> ReadSecretFromFd(int fd, std::size_t max_bytes) {
  // One byte more than allowed tells "too long".
  SecretBytes content(std::min(kFirstChunk, max_bytes + 1));
  std::size_t filled = 0;
  for (;;) {
    const MutableBytes room = content.ExposeMutable(SecretAccess::kFile).subspan(filled);
    const ssize_t count = read(fd, room.data(), room.size());
    if (count < 0 && errno == EAGAIN) {
      pollfd waited = {fd, POLLIN, 0};
      poll(&waited, 1, -1);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
    if (filled > max_bytes) {
      return Error(ErrorCode::kInvalidArgument, "the secret is longer than allowed, in bytes").WithLimit(max_bytes);
    }
    if (filled == content.size()) content = Grown(content, std::min(content.size() * 2, max_bytes + 1));
  }
  content.Truncate(filled);
  return content;
}

SecretBytes WithoutFinalNewline(SecretBytes secret) {
  const std::string_view text = AsText(secret.Expose(SecretAccess::kFile));
  std::size_t size = text.size();
  if (text.ends_with("\r\n")) {
    size -= 2;
  } else if (text.ends_with('\n')) {
    size -= 1;
  }
  secret.Truncate(size);
  return secret;
}

}  // namespace coffer
