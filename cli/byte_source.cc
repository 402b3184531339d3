#include "cli/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_error.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kChunk = std::size_t{64} << 10;

}  // namespace

Outcome<ByteSource> ByteSource::Open(const std::string& path) {
  if (IsStandardStream(path)) return ByteSource(STDIN_FILENO, UniqueFd());
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return FileFailure("--in", path, SystemError(errno));
  struct stat facts {};
  const int fd = file.get();
  ByteSource source(fd, std::move(file));
  if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode)) source.size_ = static_cast<std::uint64_t>(facts.st_size);
  return source;
}

ByteSource ByteSource::Of(std::string text) {
  ByteSource source(-1, UniqueFd());
  source.buffer_ = std::move(text);
  return source;
}

Outcome<bool> ByteSource::Fill() {
  if (fd_ < 0) return false;
  buffer_.erase(0, position_);
  position_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kChunk);
  ssize_t got = 0;
  do {
    got = read(fd_, buffer_.data() + before, kChunk);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(before + static_cast<std::size_t>(got < 0 ? 0 : got));
  if (got < 0) return Failure(kExitFailed, "the input cannot be read");
  return got > 0;
}

Outcome<bool> ByteSource::ReadLine(std::string& line) {
  bool appended = false;
  for (;;) {
    if (position_ == buffer_.size()) {
      COFFER_ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) break;
    }
    const std::size_t newline = buffer_.find('\n', position_);
    const std::size_t end = newline == buffer_.npos ? buffer_.size() : newline + 1;
    line.append(buffer_, position_, end - position_);
    consumed_ += end - position_;
    position_ = end;
    appended = true;
    if (line.size() > kMaxRecord) {
      return Failure(kExitFailed,
                     "line " + std::to_string(lines_ + 1) + ": is longer than a record may be (limit 8 MiB)");
    }
    if (newline != buffer_.npos) break;
  }
  if (appended) ++lines_;
  return appended;
}

}  // namespace coffer::cli
