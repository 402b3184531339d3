// A rotation's report in sentences. Names of rows and keys, never a value.
#pragma once

#include <string>
#include <vector>

#include "plugins/grafana/rotation/vault_rotation.h"

namespace coffer::grafana {

// What was done, beside the report.
struct RotationOccasion {
  GrafanaKey which = GrafanaKey::kSecurity;
  RotationKind kind = RotationKind::kFresh;
  bool is_plan = false;
  std::string backup;              // its file; empty: none was made
  std::string tenant;              // whose vault it is; empty: the default one
  std::uint64_t key_version = 0;   // of the vault's key, afterwards
  std::uint64_t next_version = 0;  // of NextKeyPath, afterwards
  bool from_default = false;       // the key before is Grafana's public default, which no vault holds
  bool lacks_manager_key = false;  // the vault has no key for the secrets manager, without which Grafana is not run
};

// Whole sentences; every text is printable UTF-8, on one line.
struct RotationText {
  std::string headline;
  std::vector<std::string> changed;     // "data_source.secure_json_data: 12 values"; nothing when it is refused
  std::vector<std::string> unchanged;   // likewise
  std::vector<std::string> unreadable;  // "data_source.secure_json_data: password of id=7: not under the key"
  std::vector<std::string> steps;       // what to do next
};
RotationText TextOf(const RotationReport& report, const RotationOccasion& occasion);

// "opens-nothing", "unproven", "unreadable", "old-key-unneeded"; empty for kNone.
std::string_view RotationRefusalName(RotationRefusal refusal);

}  // namespace coffer::grafana
