// The verifier: what an auditor runs over a log's folder, or over a copy of it, without trusting the service: every
// frame, record, root, tile and signature is computed anew (docs/FORMAT.md sections 9 to 11).
//
// What it shows and what it cannot is in docs/THREAT_MODEL.md: whoever has the log's key can write a whole log that
// verifies, and only what somebody else kept (a checkpoint, a witness's cosignature) tells that from the true one.
#pragma once

#include <functional>

#include "audit/verifier_report.h"

namespace coffer::audit {

// Compares something derived from the records with them: an index, a table.
class RecordFollower {
 public:
  virtual ~RecordFollower() = default;
  // Each record of the journal, in order.
  virtual void Take(std::uint64_t index, ByteView record) = 0;
  // Afterwards: findings of Check::kIndex, or that it was skipped.
  virtual void Finish(VerifyReport& report) = 0;
};

struct VerifyOptions {
  std::string folder;                   // of the log: "journal/", "checkpoint", "tile/"
  NoteVerifier log_key;                 // whose name is the log's origin
  std::string last_signed;              // file of the checkpoint that is kept beside the key; empty: not looked at
  std::string kept;                     // file of a checkpoint that an auditor kept; empty: none
  std::vector<NoteVerifier> witnesses;  // of type kCosignature
  std::size_t quorum = 0;               // how many of them must have cosigned
  RecordFollower* follower = nullptr;
  // Told now and then: records read, and how many the last checkpoint counts.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

// Never changes anything; may run beside the service. A copy that was made beside it must have been made in the order
// checkpoint, tiles, journal. Everything that is wrong is in the report; a folder that is not there is as well.
VerifyReport VerifyLog(const VerifyOptions& options);

}  // namespace coffer::audit
