// What a scan says of rows that a test planted.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/grafana/database/scan.h"
#include "tests/plugins/grafana/database/grafana_rows.h"

namespace coffer::grafana {

inline const std::string kOwnKey = "a-secret-key-of-our-own";
inline const std::string kPassword = "a-password-of-some-length";

inline ScanReport Scanned(RowReader& rows, ScanOptions options = {}) {
  auto report = Scan(rows, options);
  EXPECT_TRUE(report.ok()) << report.error().ToString();
  return std::move(report).value();
}

inline ScanOptions WithKey(const std::string& key) {
  ScanOptions options;
  options.secret_key = known_answers::Secret(key);
  return options;
}

// "table.column path id: protection readable-by", one a finding.
inline std::vector<std::string> Lines(const ScanReport& report) {
  std::vector<std::string> lines;
  for (const Finding& finding : report.findings) {
    const SensitiveColumn& column = SensitiveColumns()[finding.column];
    std::string line =
        std::string(column.table) + "." + std::string(column.column) + " " + std::string(report.Path(finding));
    const auto name = report.RowName(finding);
    line += " " + (name.empty() ? "" : std::string(name.front().second)) + ": " +
            std::string(ProtectionName(finding.protection)) + " " + std::string(ReadableByName(finding.readable_by));
    lines.push_back(line);
  }
  return lines;
}
using Expected = std::vector<std::string>;

}  // namespace coffer::grafana
