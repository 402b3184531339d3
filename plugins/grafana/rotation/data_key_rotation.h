// Data key rotation: values of a Grafana database from old data keys to the newest active one, in one transaction. No
// data key is made, changed or deleted.
#pragma once

#include "plugins/grafana/rotation/rotation.h"

namespace coffer::grafana {

struct DataKeyRotationOptions {
  bool all = false;                // every column; else those that Grafana's own re-encryption does not visit
  bool accept_unreadable = false;  // what does not open stays as it is
  std::string backup;              // a file for what undoes it (CellWriter::BackUp); empty: none
  unsigned threads = 0;            // 0: as many as there are cores
  OnRotationProgress on_progress;
};

enum class DataKeyRefusal : std::uint8_t {
  kNone,
  kNoActiveKey,   // no data key of secretKey.v1 and of scope root is active
  kOpensNothing,  // the secret_key does not open the newest active data key
  kUnproven,      // nothing speaks against it, and what is under that data key says too little for it
  kUnreadable,    // something does not open: see accept_unreadable
};
// "no-active-data-key"...; empty for kNone.
std::string_view DataKeyRefusalName(DataKeyRefusal refusal);

// A data key that has a row, or values.
struct DataKeyCount {
  std::string id;
  std::string label;
  std::string provider;  // empty: it has no row
  bool active = false;
  bool is_target = false;
  std::uint64_t moved = 0;   // values of the chosen columns that were under it
  std::uint64_t values = 0;  // of all columns, under it afterwards
  bool unneeded = false;     // it is an old one, and nothing that was read is under it afterwards
};

// What was done, or would be. Places and counts, never a value.
struct DataKeyReport {
  DataKeyRefusal refusal = DataKeyRefusal::kNone;  // anything else: nothing was changed
  std::map<std::size_t, std::uint64_t> values;     // moved, of each of SensitiveColumns()
  std::uint64_t rows = 0;                          // that change
  std::uint64_t already = 0;                       // values of the chosen columns that are under the data key
  std::uint64_t legacy = 0;                        // and under secret_key itself: they stay
  std::uint64_t of_others = 0;                     // and under data keys that another provider wraps: they stay
  std::uint64_t unread = 0;                        // cells and data keys of all columns that cannot be read
  std::vector<DataKeyCount> data_keys;             // by their ids
  std::vector<UnreadableCell> unreadable;          // of the chosen columns

  std::uint64_t ValueCount() const;
};

// What RotateDataKeys would do. Errors: the reader's; kInvalidArgument: no Grafana database; kResourceExhausted: too
// much for one transaction.
Result<DataKeyReport> PlanDataKeyRotation(RowReader& reader, const SecretBytes& secret_key,
                                          const DataKeyRotationOptions& options);

// Reads everything under locks; encrypts each value in the form that it has, and decrypts it again; backs up; writes;
// reads everything again and compares; commits. A failure before the commit leaves the database as it was, and no
// backup. Nothing is written under a data key that is not proven by the values under it: by a tag, or by a chance of at
// most 2^-20. Errors: as PlanDataKeyRotation; the writer's; kInternal: what was written does not come back.
Result<DataKeyReport> RotateDataKeys(CellWriter& writer, const SecretBytes& secret_key,
                                     const DataKeyRotationOptions& options);

}  // namespace coffer::grafana
