// A data key rotation's report in sentences. Names of rows and keys, never a value.
#pragma once

#include <string>
#include <vector>

#include "plugins/grafana/rotation/data_key_rotation.h"

namespace coffer::grafana {

// What was done, beside the report.
struct DataKeyOccasion {
  bool is_plan = false;
  bool all = false;
  std::string backup;  // its file; empty: none was made
};

// Whole sentences; every text is printable UTF-8, on one line.
struct DataKeyText {
  std::string headline;
  std::vector<std::string> changed;     // "resource_history.value: 12 values"; nothing when it is refused
  std::vector<std::string> unchanged;   // likewise
  std::vector<std::string> data_keys;   // the old ones: what is under each afterwards; likewise
  std::vector<std::string> unreadable;  // "setting.encrypted_value: section=auth.saml: not under the key"
  std::vector<std::string> steps;       // what to do next
};
DataKeyText TextOf(const DataKeyReport& report, const DataKeyOccasion& occasion);

}  // namespace coffer::grafana
