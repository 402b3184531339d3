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
  // Before the first record: the tree of those that retention dropped.
  virtual void Begin(const Frontier& /*before*/) {}
  // Each record of the journal, in order.
  virtual void Take(std::uint64_t index, ByteView record) = 0;
  // Afterwards: findings of Check::kIndex, or that it was skipped.
  virtual void Finish(VerifyReport& report) = 0;
};

// How far a witness's clock may be ahead of ours.
inline constexpr std::int64_t kMaxAheadUs = 300'000'000;
// And a record: a service whose clock was corrected by minutes has some of times that are not yet.
inline constexpr std::int64_t kMaxRecordAheadUs = 3'600'000'000;
// Nothing younger than 30 days is dropped (keysvc/config.h); an hour less, for a clock that was corrected meanwhile.
inline constexpr std::int64_t kLeastDroppedAgeUs = 30 * 86'400'000'000 - 3'600'000'000;

struct VerifyOptions {
  std::string folder;                   // of the log: "journal/", "checkpoint", "tile/"
  NoteVerifier log_key;                 // whose name is the log's origin
  std::string last_signed;              // file of the checkpoint that is kept beside the key; empty: not looked at
  std::string kept;                     // file of a checkpoint that an auditor kept; empty: none
  std::vector<NoteVerifier> witnesses;  // of type kCosignature
  std::size_t quorum = 0;               // how many of them must have cosigned
  // Records behind the cosigned checkpoint: the last one may be so much younger than the cosignature. A witness that
  // was switched off has seen nothing of what came since.
  std::int64_t max_cosignature_age_us = 600'000'000;
  // Since 1970. Cosignatures more than kMaxAheadUs later are not believed, records more than kMaxRecordAheadUs later
  // are found; 0: all times are believed.
  std::int64_t now_us = 0;
  // The first record that is kept must be so much older than the record of what was dropped, by their own times.
  std::int64_t least_dropped_age_us = kLeastDroppedAgeUs;
  RecordFollower* follower = nullptr;
  // Told now and then: records read, and how many the last checkpoint counts.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

// Never changes anything; may run beside the service. A copy that was made beside it must have been made in the order
// checkpoint, tiles, journal. Everything that is wrong is in the report; a folder that is not there is as well.
VerifyReport VerifyLog(const VerifyOptions& options);

}  // namespace coffer::audit
