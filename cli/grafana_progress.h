// What the commands that change a Grafana database show: how far they came, and lists of what they did.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/printing.h"
#include "cli/progress.h"
#include "plugins/grafana/rotation/rotation.h"

namespace coffer::cli {

// On a terminal: how many rows were read, or a bar for each step that has an end. Gone when it is destroyed.
class StepProgress {
 public:
  explicit StepProgress(bool enabled) : enabled_(enabled) {}
  ~StepProgress() { Clear(); }
  StepProgress(const StepProgress&) = delete;
  StepProgress& operator=(const StepProgress&) = delete;

  // A total of 0 is not known.
  void Show(grafana::RotationStep step, std::uint64_t done, std::uint64_t total);

 private:
  void Clear();

  bool enabled_;
  grafana::RotationStep step_ = grafana::RotationStep::kReading;
  bool shows_rows_ = false;
  std::optional<Progress> bar_;
};

// A title and at most so many lines below it; empty when there are none.
std::string LinesText(std::string_view title, const std::vector<std::string>& lines, std::size_t most);

// How many values of each of SensitiveColumns(), and what does not open; for --output json.
Json ValuesJson(const std::map<std::size_t, std::uint64_t>& values);
Json UnreadableJson(const std::vector<grafana::UnreadableCell>& cells);

}  // namespace coffer::cli
