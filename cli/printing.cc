#include "cli/printing.h"

#include <algorithm>
#include <cstdlib>
#include <errno.h>

#include "io/terminal.h"

namespace coffer::cli {

Outcome<void> WriteAll(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failure(kExitFailed, "the output cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Outcome<void> Print(std::string_view text) { return WriteAll(STDOUT_FILENO, AsBytes(text)); }

Outcome<void> PrintJson(const Json& json) {
  return Print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string Colored(std::string_view text, Color color, bool enabled) {
  if (!enabled || color == Color::kNone) return std::string(text);
  const std::string_view code = color == Color::kRed ? "31" : color == Color::kGreen ? "32" : "33";
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

bool WantsColor(int fd) {
  const char* const refused = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  if (refused != nullptr && *refused != '\0') return false;
  return terminal != nullptr && std::string_view(terminal) != "dumb" && IsTerminal(fd);
}

std::string Table::ToText() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string AlignedLines(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::size_t width = 0;
  for (const auto& [name, value] : lines) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : lines) {
    text.append(name).append(":").append(width - name.size() + 1, ' ').append(value).append("\n");
  }
  return text;
}

}  // namespace coffer::cli
