#include "plugins/grafana/rotation/report_lines.h"

#include "plugins/grafana/database/sensitive_columns.h"

namespace coffer::grafana {

std::string CountText(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::vector<std::string> ValueLines(const std::map<std::size_t, std::uint64_t>& values) {
  std::vector<std::string> lines;
  for (const auto& [column, count] : values) {
    const SensitiveColumn& each = SensitiveColumns()[column];
    lines.push_back(std::string(each.table) + "." + std::string(each.column) + ": " +
                    CountText(count, "value", "values"));
  }
  return lines;
}

std::vector<std::string> UnreadableLines(std::span<const UnreadableCell> cells) {
  std::vector<std::string> lines;
  lines.reserve(cells.size());
  for (const UnreadableCell& cell : cells) {
    lines.push_back(cell.place + ": " + std::string(UnreadableReasonName(cell.reason)));
  }
  return lines;
}

}  // namespace coffer::grafana
