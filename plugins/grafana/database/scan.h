// Scan: every secret of a Grafana database, and who can read it.
#pragma once

#include <functional>
#include <optional>

#include "crypto/secret_bytes.h"
#include "plugins/grafana/database/row_reader.h"
#include "plugins/grafana/database/scan_report.h"

namespace coffer::grafana {

enum class ScanStep : std::uint8_t {
  kReading,  // rows; how many there will be is not known
  kTrying,   // keys on values
};

struct ScanOptions {
  std::optional<SecretBytes> secret_key;   // Grafana's own: [security] secret_key
  std::optional<SecretBytes> manager_key;  // [secrets_manager.encryption.secret_key.v1] secret_key
  bool count_personal = false;
  // Values directly under secret_key that are tried, about 2 ms each for each key; the others are inferred from them.
  std::size_t max_legacy = 20'000;
  // Of memory for what is found, by a count that leaves out how lists grow: as much again, at most.
  std::size_t max_kept_bytes = std::size_t{1} << 30;
  unsigned threads = 0;  // 0: as many as there are cores
  // Called on the caller's thread, now and then. A total of 0 is not known.
  std::function<void(ScanStep, std::uint64_t done, std::uint64_t total)> on_progress;
};

// Reads the rows once, in any order of the tables, and keeps no value: places, and a few blobs to try keys on. The
// public default of Grafana is always tried. What is no table in the place of one of Grafana's is told of. Errors: the
// reader's; kInvalidArgument: none of Grafana's tables is there; kResourceExhausted: more is found than max_kept_bytes
// hold.
Result<ScanReport> Scan(RowReader& reader, const ScanOptions& options);

}  // namespace coffer::grafana
