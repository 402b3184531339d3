// Log: the audit log of one instance, put together: journal, months' keys, tiles, signed checkpoints. One origin, one
// signing key, one folder (docs/FORMAT.md sections 9 to 11).
//
// The signing key is a file outside the root key's hierarchy, so that starts, refused unseals and seals are recorded
// and signed as well. Its name is the origin.
#pragma once

#include <functional>

#include "audit/journal.h"
#include "audit/month_keys.h"
#include "audit/publisher.h"
#include "crypto/note_key.h"
#include "io/clock.h"

namespace coffer::audit {

struct LogOptions {
  std::string folder;    // of the log; made when absent
  std::string key_file;  // of the signing key; the last signed checkpoint is kept beside it as "<key_file>.signed"
  std::uint64_t file_bytes = std::uint64_t{16} << 20;  // of a journal file
  std::chrono::milliseconds publish_every{1000};
};

// What Prune may drop.
struct PruneLimits {
  std::int64_t before_us = 0;                    // only records that are older, since 1970
  std::uint64_t below = RecordRange::kToTheEnd;  // only records below this index
};

struct Pruned {
  std::uint64_t records = 0;  // that went
  bool more = false;          // there may be more to drop now: not everything goes at once
};

// Thread-safe.
class Log {
 public:
  // Makes key and log on the first start. Recovers, checks that the journal continues what was signed last, and records
  // the recovery when the last stop was in no good order. `clock` must outlive it.
  //
  // kIntegrity: journal, key and last signed checkpoint do not belong together, or the journal is damaged or too short.
  // kPermissionDenied: others may read the key. kUnavailable: the disk, or
  // another process has the folder.
  static Result<std::unique_ptr<Log>> Open(const LogOptions& options, const Clock& clock);
  // Answers what was taken, publishes, records a stop.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Stamps the record (time, id, and the store with its epoch, which never falls) and takes it: `done` as
  // Journal::Append. One with `rows` has its time already, if it is not 0: they are under its month's key. A record
  // that cannot be encoded is answered at once.
  void Append(Record record, Completion done, RecordClass who = RecordClass::kOrdinary);
  Result<std::uint64_t> AppendAndWait(Record record, RecordClass who = RecordClass::kOrdinary);

  // As Journal's.
  TreeHead durable() const;
  Status state() const;
  bool low() const;
  const std::string& origin() const;
  std::string vkey() const;
  // The store that the last records name, and its newest epoch: it is never older again. Nothing: none was named.
  struct Seen {
    StoreUuid store;
    std::uint64_t epoch = 0;
  };
  std::optional<Seen> seen_store() const;
  // The last stop was in no good order.
  bool recovered() const;

  // The last signed head, and its note. kNotFound: nothing was signed yet.
  TreeHead signed_head() const;
  Result<SignedNote> checkpoint() const;
  // The last one that a witness cosigned, with the cosignatures. kNotFound: none did.
  Result<SignedNote> cosigned_checkpoint() const;
  // Publisher::AddCosignatures.
  Status AddCosignatures(const SignedNote& note, std::vector<NoteSignature> cosignatures);
  // Why nothing is published, since the last success.
  Status publishing() const;
  // Signs now what is durable, at the latest when this was called.
  Status PublishNow();
  // In the tree of the last checkpoint or an earlier one. kInvalidArgument: not in it.
  Result<Proof> ProveInclusion(LeafPlace leaf) const;
  Result<Proof> ProveConsistency(Growth growth) const;
  // One record's bytes, of those that are signed. kNotFound: dropped by retention.
  Result<Bytes> RecordAt(std::uint64_t index) const;
  // Calls `take` with each of the records from `from` on that are durable and were not dropped, until it returns false
  // or an error. `take` must not call Prune.
  Status ReadRecords(RecordRange range, const std::function<Result<bool>(std::uint64_t, ByteView)>& take) const;

  // People's names and rows in this log: MACs and keys of a month.
  MonthKeys& month_keys() const;
  // Records that a month's key is destroyed, and destroys it. After an error or a crash it may be only recorded: again.
  Status EraseMonth(Month month);
  // The time that the next record has at least: the clock's, but never before the newest record.
  std::int64_t Now() const;

  // The index of the first record that retention has kept, and the tree of those before it.
  std::uint64_t oldest() const;
  Frontier oldest_tree() const;
  // By how much the newest record is younger than the clock says, in microseconds; else negative.
  std::int64_t Ahead() const;
  // The time that retention goes by: the clock's, but no later than a day behind the newest record before this start
  // (in the first run: than this start) and the time since. A clock that jumps ahead makes nothing older than that.
  std::int64_t RetentionNow() const;
  // Drops the oldest records, as whole journal files, as far as the last checkpoint and `limits` allow; the newest file
  // always stays. The record of it is signed before anything goes; hashes stay, so proofs do. After an error or a crash
  // the log is whole, and a later call, or the next start, goes on. Takes its time: calls are not held up.
  // kIntegrity: the journal or a tile is damaged; kUnavailable: the disk.
  Result<Pruned> Prune(const PruneLimits& limits);

  struct State;
  explicit Log(std::unique_ptr<State> state);  // Open's

 private:
  std::unique_ptr<State> state_;
};

}  // namespace coffer::audit
