// Rotation: a Grafana database's data keys and legacy values from one secret_key to another, in one transaction.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "crypto/secret_bytes.h"
#include "plugins/grafana/cells/cell_writer.h"
#include "plugins/grafana/database/row_reader.h"
#include "plugins/grafana/secret_key.h"

namespace coffer::grafana {

struct RotationKeys {
  SecretBytes target;
  bool target_may_be_in_use = false;  // some of it may be under it already: then it is tried first
  std::vector<SecretBytes> old;
  bool needs_old = false;  // refused when the target is the database's, and none of `old` opens anything
};

enum class RotationStep : std::uint8_t {
  kReading,     // rows; how many there will be is not known
  kTrying,      // keys on values
  kEncrypting,  // values
  kWriting,     // rows
  kVerifying,   // rows; how many there will be is not known
};

// Called on the caller's thread, now and then. A total of 0 is not known.
using OnRotationProgress = std::function<void(RotationStep, std::uint64_t done, std::uint64_t total)>;

struct RotationOptions {
  GrafanaKey which = GrafanaKey::kSecurity;
  bool accept_unreadable = false;  // what no key opens stays as it is
  // Keys that nothing speaks against, where too little is there to prove one, and values that say too little by
  // themselves where not everything is under one key. Each is then taken to be under the first key that fits.
  bool accept_unproven = false;
  std::string backup;    // a file for what undoes it (CellWriter::BackUp); empty: none
  unsigned threads = 0;  // 0: as many as there are cores
  OnRotationProgress on_progress;
};

enum class RotationRefusal : std::uint8_t {
  kNone,
  kOpensNothing,    // none of the keys is the database's
  kUnproven,        // nothing speaks against a key, and too little for it: see accept_unproven
  kUnreadable,      // something does not open, and would not afterwards: see accept_unreadable
  kOldKeyUnneeded,  // see needs_old
};

enum class UnreadableReason : std::uint8_t {
  kDamaged,        // not what Grafana writes there, whatever the key
  kNotUnderKey,    // under another key, or damaged
  kDuplicateKeys,  // its JSON has an object with a key twice
  kNoDataKey,      // its data key has no row, or two
  kUnsure,         // too little is there to tell its key, and not everything is under one
};
std::string_view UnreadableReasonName(UnreadableReason reason);
struct UnreadableCell {
  std::string place;  // "data_source.secure_json_data: password of id=1 org_id=1", printable
  UnreadableReason reason = UnreadableReason::kDamaged;
};

// What a rotation did, or would do. Places and counts, never a value.
struct RotationReport {
  RotationRefusal refusal = RotationRefusal::kNone;  // anything else: nothing was changed
  std::uint64_t data_keys = 0;                       // wrapped anew
  std::uint64_t untested_data_keys = 0;              // of these: no value tells whether they are under the key
  std::uint64_t data_keys_of_others = 0;             // a key management service's, or another key's; they stay
  std::uint64_t already_under_target = 0;            // data keys and values
  std::map<std::size_t, std::uint64_t> values;       // under secret_key itself, of each of SensitiveColumns()
  std::uint64_t envelopes = 0;                       // values under data keys: they stay as they are
  std::uint64_t rows = 0;                            // that change
  std::uint64_t sessions = 0;                        // that end, since their hashes are made with secret_key
  std::vector<UnreadableCell> unreadable;

  std::uint64_t ValueCount() const;
};

// What Rotate would do. Errors: the reader's; kInvalidArgument: no Grafana database; kResourceExhausted: too much for
// one transaction.
Result<RotationReport> PlanRotation(RowReader& reader, const RotationKeys& keys, const RotationOptions& options);

// Reads everything under locks, makes every new blob and decrypts it again, backs up, writes, reads everything again
// and compares, calls `before_commit`, commits. A failure before the commit leaves the database as it was, and no
// backup. Errors: as PlanRotation; the writer's; those of `before_commit`; kInternal: what was written does not come
// back.
Result<RotationReport> Rotate(CellWriter& writer, const RotationKeys& keys, const RotationOptions& options,
                              const std::function<Status()>& before_commit);

}  // namespace coffer::grafana
