// What the commands write: text, JSON, tables and colours, to descriptors, with every failed write noticed.
#pragma once

#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/outcome.h"
#include "crypto/bytes.h"

namespace coffer::cli {

// Keys stay in the order in which they were set: the output is stable.
using Json = nlohmann::ordered_json;

// Writes all of it. Fails with kExitFailed when the disk is full or the reader is gone.
Outcome<void> WriteAll(int fd, ByteView bytes);
Outcome<void> Print(std::string_view text);
// Two spaces of indentation and a newline. What is not UTF-8 is replaced.
Outcome<void> PrintJson(const Json& json);

enum class Color : std::uint8_t { kNone, kRed, kGreen, kYellow };
// `text` between the terminal's codes, or as it is.
std::string Colored(std::string_view text, Color color, bool enabled);
// True for a terminal whose owner did not say NO_COLOR or TERM=dumb.
bool WantsColor(int fd);

// Columns aligned by the longest cell, two spaces between; the last one is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string ToText() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "name: value" lines with the values aligned.
std::string AlignedLines(const std::vector<std::pair<std::string, std::string>>& lines);

}  // namespace coffer::cli
