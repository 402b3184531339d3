// Lines of an input of any size, in bounded memory.
#pragma once

#include <cstdint>
#include <string>

#include "cli/outcome.h"
#include "io/unique_fd.h"

namespace coffer::cli {

inline constexpr std::size_t kMaxRecord = std::size_t{8} << 20;  // bytes of one record, its line end included

// Thread-compatible. What it buffers may be plaintext: the program wipes what it frees.
class ByteSource {
 public:
  // A path; "-" or empty: standard input. Failures name the file.
  static Outcome<ByteSource> Open(const std::string& path);
  // The bytes of `text`, without a file.
  static ByteSource Of(std::string text);

  // Appends the next line with its end to `line`; the last one may have none. False: nothing is left. A failure when
  // `line` becomes longer than kMaxRecord, or the input cannot be read.
  Outcome<bool> ReadLine(std::string& line);

  std::uint64_t lines() const { return lines_; }     // read so far
  std::uint64_t bytes() const { return consumed_; }  // likewise
  // Bytes of a regular file; 0 where that is not known.
  std::uint64_t size() const { return size_; }

 private:
  ByteSource(int fd, UniqueFd owned) : fd_(fd), owned_(std::move(owned)) {}
  Outcome<bool> Fill();

  int fd_;
  UniqueFd owned_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t consumed_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace coffer::cli
