// The bytes of a dump, as they come, with their lines counted.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/bytes.h"

namespace coffer::grafana {

// Reads ahead by one buffer; more is in memory only where TakeLine says so. Views live until the next call of any other
// method than line(). Not thread-safe.
class DumpInput {
 public:
  // Fills some of the bytes and says how many; 0: the end.
  using Source = std::function<Result<std::size_t>(MutableBytes)>;
  static constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
  static constexpr int kEnd = -1;

  explicit DumpInput(Source source, std::size_t buffer_bytes = kBufferBytes)
      : source_(std::move(source)), buffer_(buffer_bytes) {}

  // What comes next, at least a byte of it; empty at the end and after a failure.
  std::string_view Available() { return at_ < end_ ? View() : Refill(); }
  // The next byte, or kEnd.
  int Peek() {
    const std::string_view next = Available();
    return next.empty() ? kEnd : static_cast<unsigned char>(next.front());
  }
  // Goes on by `size`, of what is available.
  void Consume(std::size_t size) { at_ += size; }
  // Goes on by one where the next byte is `c`.
  bool Take(char c);
  // The rest of the line without its end, LF or CR LF; nothing where the input ends before it. kInvalidArgument: a line
  // of more than `max_bytes`.
  Result<std::optional<std::string_view>> TakeLine(std::size_t max_bytes);
  // To the beginning of the next line, of any length.
  void SkipLine();

  // Of the next byte, counted from 1.
  std::uint64_t line() const;
  // The source's failure, after which the input is at its end.
  const Status& status() const { return status_; }

 private:
  std::string_view View() const { return AsText(ByteView(buffer_).subspan(at_, end_ - at_)); }
  std::string_view Refill();

  Source source_;
  Bytes buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
  std::uint64_t lines_before_ = 0;  // line ends in front of the buffer
  std::string long_line_;
  Status status_;
};

}  // namespace coffer::grafana
