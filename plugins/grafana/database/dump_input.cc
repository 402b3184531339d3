#include "plugins/grafana/database/dump_input.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

std::uint64_t LineEndsIn(std::string_view text) {
  std::uint64_t count = 0;
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) ++count;
  return count;
}

std::string_view WithoutReturn(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string_view DumpInput::Refill() {
  lines_before_ += LineEndsIn(AsText(ByteView(buffer_).first(at_)));
  at_ = end_ = 0;
  if (ended_) return "";
  const Result<std::size_t> filled = source_(buffer_);
  if (!filled.ok()) status_ = filled.error();
  end_ = filled.ok() ? std::min(*filled, buffer_.size()) : 0;
  ended_ = end_ == 0;
  return View();
}

bool DumpInput::Take(char c) {
  if (Peek() != static_cast<unsigned char>(c)) return false;
  Consume(1);
  return true;
}

Result<std::optional<std::string_view>> DumpInput::TakeLine(std::size_t max_bytes) {
  long_line_.clear();
  for (;;) {
    const std::string_view next = Available();
    if (next.empty()) return std::optional<std::string_view>();
    const std::size_t feed = next.find('\n');
    const std::string_view part = next.substr(0, feed);
    if (long_line_.size() + part.size() > max_bytes) {
      return Error(ErrorCode::kInvalidArgument, "a line of the dump is longer than allowed")
          .AtLine(line())
          .WithLimit(max_bytes);
    }
    Consume(feed == next.npos ? part.size() : feed + 1);
    if (feed != next.npos && long_line_.empty()) return std::optional(WithoutReturn(part));
    long_line_ += part;
    if (feed != next.npos) return std::optional(WithoutReturn(long_line_));
  }
}

void DumpInput::SkipLine() {
  for (std::string_view next = Available(); !next.empty(); next = Available()) {
    const std::size_t feed = next.find('\n');
    Consume(feed == next.npos ? next.size() : feed + 1);
    if (feed != next.npos) return;
  }
}

std::uint64_t DumpInput::line() const { return lines_before_ + LineEndsIn(AsText(ByteView(buffer_).first(at_))) + 1; }

}  // namespace coffer::grafana
