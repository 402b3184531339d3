// AcceptedFindings: findings of a scan that somebody looked at and takes for harmless. They are shown as before, and
// count no more.
//
// A text of one finding a line, as the report has it (LineOf), in any order. Empty lines and those that begin with '#'
// are for people. A line stands for one place as it is protected today: when the row's name, the JSON path, the reader
// or the kind of secret is another one, it stands for nothing. It does not know the value: another secret of the same
// kind, written to the same place, is accepted with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugins/grafana/database/scan_report.h"

namespace coffer::grafana {

class AcceptedFindings {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxEntries = 10'000;

  struct Entry {
    std::string text;
    std::uint64_t line = 0;
  };

  // kInvalidArgument, with the line: one that no finding which counts could have; more than kMaxBytes or kMaxEntries.
  static Result<AcceptedFindings> Parse(std::string_view text);

  // Each entry accepts one finding. The entries that found none, in their order.
  std::vector<Entry> Mark(ScanReport& report) const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace coffer::grafana
