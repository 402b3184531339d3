// A scan's report, for people and for machines. Names of rows and keys, never a value.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/grafana/database/scan_report.h"

namespace coffer::grafana {

struct ReportGroup {
  std::string column;       // "data_source.secure_json_data"
  std::string protection;   // "data key, aes-cfb, under the default key"
  std::string readable_by;  // "who has its key"
  std::uint64_t count = 0;
  std::string example;  // "password of id=1 org_id=1 name=Orders", long ones cut
  bool is_exposed = false;
  bool is_unjudged = false;
  bool is_accepted = false;  // then neither
};

// Whole sentences; every text is printable UTF-8, on one line.
struct ReportText {
  std::string headline;
  bool is_exposed = false;   // IsExposed: somebody who has only the database can read a secret
  bool is_unjudged = false;  // IsUnjudged: maybe somebody can
  std::vector<ReportGroup> groups;
  std::vector<std::string> facts;
  std::vector<std::string> steps;  // what to do next
};
ReportText TextOf(const ScanReport& report);

// "data_source.secure_json_data: password of id=1 org_id=1 name=Orders", printable.
std::string PlaceOf(const ScanReport& report, const Finding& finding);

// "anyone  misplaced:url-password  data_source.url: id=1 org_id=1", printable: the finding's place, and how it is
// protected today. No spaces around it. Two findings have the same where their rows have no names, or hidden ones.
std::string LineOf(const ScanReport& report, const Finding& finding);

// The whole report as one JSON object, in pieces, each finding on a line of its own; docs/OPERATIONS.md has its form.
// An error of `write` ends it and is given back.
Status WriteReportJson(const ScanReport& report, const std::function<Status(std::string_view)>& write);

}  // namespace coffer::grafana
