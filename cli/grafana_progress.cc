#include "cli/grafana_progress.h"

#include <iostream>

#include "plugins/grafana/database/sensitive_columns.h"

namespace coffer::cli {

void StepProgress::Show(grafana::RotationStep step, std::uint64_t done, std::uint64_t total) {
  if (!enabled_) return;
  if (step != step_) Clear();
  step_ = step;
  if (total == 0) {
    std::cerr << "\r" << done << " rows" << std::flush;
    shows_rows_ = true;
    return;
  }
  if (!bar_) bar_.emplace(total, true);
  bar_->Show(done);
}

void StepProgress::Clear() {
  if (shows_rows_) std::cerr << "\r\x1b[K" << std::flush;
  shows_rows_ = false;
  bar_.reset();
}

std::string LinesText(std::string_view title, const std::vector<std::string>& lines, std::size_t most) {
  if (lines.empty()) return "";
  std::string text = "\n" + std::string(title) + "\n";
  for (std::size_t i = 0; i < lines.size() && i < most; ++i) text += "  " + lines[i] + "\n";
  if (lines.size() > most)
    text += "  and " + std::to_string(lines.size() - most) + " more, all of them in --output json\n";
  return text;
}

Json ValuesJson(const std::map<std::size_t, std::uint64_t>& values) {
  Json list = Json::array();
  for (const auto& [column, count] : values) {
    const grafana::SensitiveColumn& each = grafana::SensitiveColumns()[column];
    list.push_back({{"table", each.table}, {"column", each.column}, {"count", count}});
  }
  return list;
}

Json UnreadableJson(const std::vector<grafana::UnreadableCell>& cells) {
  Json list = Json::array();
  for (const grafana::UnreadableCell& cell : cells) {
    list.push_back({{"place", cell.place}, {"reason", grafana::UnreadableReasonName(cell.reason)}});
  }
  return list;
}

}  // namespace coffer::cli
