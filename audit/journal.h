// Journal: where an audit record is durable before anybody is answered. Records that come while the disk syncs share
// the next write and the next sync; nothing waits for a timer.
//
// Life of a record: Append hashes it and lays it into the next frame; the writer thread adds the leaves to the tree,
// writes the frame, syncs, publishes the tree's head; the release thread runs the completions. Format: docs/FORMAT.md
// section 9.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "audit/completion.h"
#include "audit/journal_recovery.h"
#include "audit/journal_spares.h"

namespace coffer::audit {

struct JournalOptions {
  std::string origin;   // the log's name; never another one for the same files
  bool create = false;  // begin a new journal when the folder has no journal file
  Depth depth = Depth::kLastFile;
  std::uint64_t known_size = 0;                           // so many records a checkpoint speaks of
  TreeHead base = {};                                     // of records that were dropped
  std::uint64_t file_bytes = std::uint64_t{64} << 20;     // of new files: see IsFileSize
  std::size_t max_unanswered = kMaxFrameRecords;          // records; at most that
  std::size_t max_waiting_bytes = kMaxFrameRecordsBytes;  // of records with their sizes; at most that
  std::chrono::milliseconds retry_after{1000};            // a full disk is asked again
};

// Since this start.
struct JournalFigures {
  std::uint64_t syncs = 0;     // one a frame
  std::uint64_t refused = 0;   // records
  std::size_t unanswered = 0;  // records, now
  int spare_files = 0;         // now
};

// Thread-safe.
class Journal {
 public:
  // Recovers what is there and starts the threads. `folder` must outlive it, and no other process may use it: hold the
  // data folder's lock. kInvalidArgument: an option out of its bounds. Else as RecoverJournal, or the disk's failure.
  static Result<std::unique_ptr<Journal>> Open(LogFolder& folder, const JournalOptions& options);
  // Takes nothing more, writes and answers what it took, stops.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Takes a record of 1 to kMaxRecordBytes and never waits for the disk. `done` is called exactly once:
  // - with the record's index once it is durable, on the release thread, in the order of indexes; it should be short,
  //   since all others wait, and it may append;
  // - kUnavailable on the release thread: the disk failed, or it is full and a reserve is not for this class. After a
  //   failure of the disk the record may still turn out to be in the log;
  // - kUnavailable within this call: too many records wait, the disk is full, or state() is an error; kInvalidArgument:
  //   no record. Nothing was taken.
  void Append(ByteView record, Completion done, RecordClass who = RecordClass::kOrdinary);
  // The same for callers that hold a lock: when nothing was taken `done` is still the caller's, and not called.
  Status TryAppend(ByteView record, Completion& done, RecordClass who = RecordClass::kOrdinary);
  // Waits for the answer. Not on the release thread.
  Result<std::uint64_t> AppendAndWait(ByteView record, RecordClass who = RecordClass::kOrdinary);

  // What is on the disk. An index is answered after it is in here.
  TreeHead durable() const;
  // Ok, or why the journal takes nothing any more: the disk failed. Final: only another start, which recovers, helps.
  Status state() const;
  // The disk gives no more space; what is prepared is all that is left. Passes when it gives some again.
  bool low() const;
  JournalFigures figures() const;
  // Bytes of a write that was not finished before this start, and that were overwritten.
  std::uint64_t torn_bytes() const;

  class Parts;
  explicit Journal(std::unique_ptr<Parts> parts);  // Open's

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace coffer::audit
