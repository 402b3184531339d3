// VerifyReport: what was found out about a log's folder, check by check. Every check has a name that stays.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.h"

namespace coffer::audit {

enum class Check : std::uint8_t {
  kReading,              // what is needed can be read
  kJournalFiles,         // the journal's files are all there, under their names and of their sizes
  kJournalHeaders,       // each begins with a header of this log
  kJournalChain,         // each continues the one before
  kJournalFrames,        // frames are whole and continue each other
  kJournalTail,          // nothing but zeros follows the last one
  kJournalRoots,         // each frame's root is that of the records
  kRecords,              // records are audit records
  kRecordTimes,          // time never goes back, nor ahead of now
  kRecordPairs,          // results belong to begins
  kStoreEpochs,          // no store became older
  kCheckpointSignature,  // the log's key signed the checkpoint
  kCheckpointRoot,       // and the records give its root
  kCheckpointSize,       // and the journal is not shorter
  kCosignatures,         // as many witnesses as asked for cosigned
  kLastSigned,           // the log continues what its key signed last
  kKeptCheckpoint,       // and what an auditor kept
  kTiles,                // tiles of hashes are those of the records
  kEntryBundles,         // tiles of records too
  kTilesMissing,         // none is missing
  kForeignFiles,         // nothing else is in the folder
  kRetention,            // what is missing at the beginning was dropped by the log itself
  kIndex,                // the index says what the journal says
};
inline constexpr std::size_t kChecks = static_cast<std::size_t>(Check::kIndex) + 1;

// "journal-roots". Stable: scripts and tests look for it.
std::string_view CheckName(Check check);
// What is true when nothing is found: "every frame's root is that of the records up to it".
std::string_view CheckSentence(Check check);

struct Finding {
  Check check = Check::kReading;
  std::string place;                    // a file, relative to the folder where it is in it; may be empty
  std::optional<std::uint64_t> record;  // index of the first one concerned
  std::string sentence;                 // holds no value of a record
};

// Of one verification. Not thread-safe.
class VerifyReport {
 public:
  static constexpr std::size_t kListed = 16;  // findings of one check; the others are only counted

  void Find(Check check, std::string place, std::string_view sentence,
            std::optional<std::uint64_t> record = std::nullopt);
  // The check was not made, and why.
  void Skip(Check check, std::string_view why);
  // A part of it was not made, and why.
  void Remark(Check check, std::string_view why);

  // Nothing was found.
  bool untouched() const { return findings_.empty(); }
  const std::vector<Finding>& findings() const { return findings_; }  // in the order of their discovery
  std::uint64_t count(Check check) const { return states_[static_cast<std::size_t>(check)].count; }
  // Empty: the check was made.
  std::string_view skipped(Check check) const { return states_[static_cast<std::size_t>(check)].skipped; }
  // Empty: all of it was.
  std::string_view remark(Check check) const { return states_[static_cast<std::size_t>(check)].remark; }

  // Records that no witness has seen; nothing without a cosigned checkpoint.
  std::optional<std::uint64_t> unwitnessed() const {
    if (!cosigned_head || cosigned_head->size > head.size) return std::nullopt;
    return head.size - cosigned_head->size;
  }

  // What was read.
  TreeHead head;              // of all records, dropped ones too, recomputed
  std::uint64_t dropped = 0;  // records before this index were dropped by retention
  // So old was the youngest of them at least when it went, by the times of records.
  std::optional<std::int64_t> dropped_age_us;
  std::uint64_t journal_files = 0;
  std::uint64_t frames = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t tile_files = 0;   // compared, of hashes and of records
  std::uint64_t open_begins = 0;  // mutations and tails without a result: a crash, or still running
  std::int64_t first_time_us = 0;
  std::int64_t last_time_us = 0;
  std::optional<TreeHead> checkpoint;   // believed: signed by the log's key
  std::optional<TreeHead> last_signed;  // likewise
  std::optional<TreeHead> kept;         // likewise
  std::optional<TreeHead> cosigned_head;
  std::vector<Cosigned> cosigned;  // of cosigned_head, by the witnesses that were named
  std::int64_t cosigned_us = 0;    // since when as many of them as asked for have cosigned it, by their clocks

 private:
  struct State {
    std::uint64_t count = 0;
    std::string_view skipped;
    std::string_view remark;
  };
  std::array<State, kChecks> states_;
  std::vector<Finding> findings_;
};

}  // namespace coffer::audit
