#include "audit/journal.h"

#include <algorithm>
#include <future>
#include <thread>

#include "audit/journal_queue.h"
#include "audit/journal_release.h"
#include "audit/journal_writer.h"
#include "io/mutex.h"

namespace coffer::audit {
namespace {

// So that a frame of all that waits fits into a new file.
std::size_t WaitingBytes(const JournalOptions& options) {
  const std::uint64_t room = options.file_bytes - kFileHeaderBytes - kFrameHeadBytes - kFrameAlignment;
  return static_cast<std::size_t>(std::min<std::uint64_t>(options.max_waiting_bytes, room));
}

Status CheckOptions(const JournalOptions& options) {
  const auto bad = [](Literal what) { return Error(ErrorCode::kInvalidArgument, what); };
  if (options.origin.empty()) return bad("an audit log needs a name");
  if (!IsFileSize(options.file_bytes)) return bad("a journal file cannot have that size");
  if (options.max_unanswered == 0 || options.max_unanswered > kMaxFrameRecords) {
    return bad("the journal's queue cannot hold that many records").WithLimit(kMaxFrameRecords);
  }
  if (options.max_waiting_bytes < kRecordSizeBytes + kMaxRecordBytes ||
      options.max_waiting_bytes > kMaxFrameRecordsBytes) {
    return bad("the journal's queue cannot have that size").WithLimit(kMaxFrameRecordsBytes);
  }
  return {};
}

Result<JournalEnd> BeginJournal(LogFolder& folder, const JournalOptions& options) {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, folder.Prepare("spare-0", options.file_bytes));
  FileHeader header;
  header.mark = NewMark();
  header.file_bytes = options.file_bytes;
  header.origin = OriginDigest(options.origin);
  return BeginFile(std::move(file), header);
}

Result<JournalEnd> OpenEnd(LogFolder& folder, const JournalOptions& options) {
  Result<JournalEnd> end = RecoverJournal(folder, options.origin, options.depth, options.known_size, options.base);
  const bool none = !end.ok() && end.error().code() == ErrorCode::kNotFound;
  if (!none || !options.create) return end;
  if (options.known_size > 0 || options.base.size > 0) {
    return Error(ErrorCode::kIntegrity, "the journal is gone, and a checkpoint knows of records in it");
  }
  return BeginJournal(folder, options);
}

}  // namespace

// The threads and what they share.
class Journal::Parts {
 public:
  Parts(LogFolder& folder, const JournalOptions& options, JournalEnd end)
      : file_bytes_(options.file_bytes),
        torn_bytes_(end.torn),
        durable_(end.tree.Head()),
        writer_(std::move(end)),
        spares_(folder, options.file_bytes, options.retry_after),
        queue_(options.max_unanswered, WaitingBytes(options)),
        releaser_(queue_),
        thread_([this] { Run(); }) {}

  ~Parts() {
    queue_.Close(Error(ErrorCode::kUnavailable, "the audit journal is shutting down"));
    thread_.join();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  Status TryAppend(ByteView record, Completion& done, RecordClass who) {
    const Status taken = Take(record, done, who);
    if (!taken.ok()) refused_.fetch_add(1, std::memory_order_relaxed);
    return taken;
  }

  bool OnReleaseThread() const { return releaser_.IsThisThread(); }
  bool low() const { return spares_.low(); }
  std::uint64_t torn_bytes() const { return torn_bytes_; }

  TreeHead durable() const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return durable_;
  }
  Status state() const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return state_;
  }
  JournalFigures figures() const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    JournalFigures figures = figures_;
    figures.refused = refused_.load(std::memory_order_relaxed);
    figures.unanswered = queue_.unanswered();
    figures.spare_files = spares_.count();
    return figures;
  }

 private:
  Status Take(ByteView record, Completion& done, RecordClass who) {
    if (record.empty() || record.size() > kMaxRecordBytes) {
      return Error(ErrorCode::kInvalidArgument, "an audit record must have at least one byte and at most so many")
          .WithLimit(kMaxRecordBytes);
    }
    if (who == RecordClass::kOrdinary && spares_.refuses_ordinary()) {
      return Error(ErrorCode::kUnavailable, "the audit log's disk is full");
    }
    // Hashed on the caller's thread: the writer is alone, and callers are many.
    return queue_.Push(record, LeafHash(record), who, done);
  }

  // ---- The writer thread.

  void Run() {
    Batch batch;
    while (queue_.Pop(batch)) {
      if (state().ok()) WriteBatch(batch);
      Refuse(batch.TakeCompletions());
      batch.Clear();
    }
  }

  void WriteBatch(Batch& batch) {
    Status written = MakeRoom(batch);
    if (written.ok() && batch.empty()) return;
    const std::uint64_t first = writer_.next_index();
    if (written.ok()) written = writer_.Write(batch.frame(), batch.leaves());
    if (!written.ok()) return Fail(written.error());
    Publish();
    releaser_.Release(batch.TakeCompletions(), first);
  }

  // Room for the batch, or for what is left of it when the disk is full. An error is final.
  Status MakeRoom(Batch& batch) {
    if (writer_.HasRoomFor(batch.frame().records_bytes())) return {};
    Result<std::unique_ptr<LogFile>> spare =
        spares_.Take(batch.has_ordinary() ? RecordClass::kOrdinary : RecordClass::kReserve);
    if (!spare.ok() && batch.has_ordinary()) {
      Release(batch.DropOrdinary(), spare.error());
      if (batch.empty() || writer_.HasRoomFor(batch.frame().records_bytes())) return {};
      spare = spares_.Take(RecordClass::kReserve);
    }
    if (!spare.ok()) {
      Release(batch.TakeCompletions(), spare.error());
      batch.Clear();
      return {};
    }
    Status begun = writer_.BeginNextFile(std::move(spare).value(), file_bytes_);
    spares_.Renamed();
    return begun;
  }

  void Publish() COFFER_EXCLUDES(mutex_) {
    const TreeHead head = writer_.Head();
    const Lock lock(mutex_);
    durable_ = head;
    ++figures_.syncs;
  }

  // Whatever the disk said, a caller hears of an outage.
  void Fail(const Error& error) COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    state_ = error;
    queue_.Close(Error(ErrorCode::kUnavailable, "the audit journal's disk failed"));
  }

  // Those that a failure left without an answer.
  void Refuse(std::vector<Completion> completions) {
    Release(std::move(completions), Error(ErrorCode::kUnavailable, "the audit journal's disk failed"));
  }

  void Release(std::vector<Completion> refused, Error error) {
    refused_.fetch_add(refused.size(), std::memory_order_relaxed);
    releaser_.Release(std::move(refused), std::move(error));
  }

  const std::uint64_t file_bytes_;
  const std::uint64_t torn_bytes_;
  std::atomic<std::uint64_t> refused_ = 0;

  mutable Mutex mutex_;
  TreeHead durable_ COFFER_GUARDED_BY(mutex_);
  Status state_ COFFER_GUARDED_BY(mutex_);
  JournalFigures figures_ COFFER_GUARDED_BY(mutex_);

  JournalWriter writer_;  // the writer thread's own
  SpareFiles spares_;
  AppendQueue queue_;
  Releaser releaser_;
  std::thread thread_;  // last: it uses the others
};

Journal::Journal(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::Open(LogFolder& folder, const JournalOptions& options) {
  COFFER_TRY(CheckOptions(options));
  COFFER_ASSIGN_OR_RETURN(JournalEnd end, OpenEnd(folder, options));
  return std::make_unique<Journal>(std::make_unique<Parts>(folder, options, std::move(end)));
}

void Journal::Append(ByteView record, Completion done, RecordClass who) {
  Status taken = TryAppend(record, done, who);
  if (!taken.ok()) std::move(done)(std::move(taken).error());
}
Status Journal::TryAppend(ByteView record, Completion& done, RecordClass who) {
  return parts_->TryAppend(record, done, who);
}

Result<std::uint64_t> Journal::AppendAndWait(ByteView record, RecordClass who) {
  COFFER_CHECK(!parts_->OnReleaseThread());
  std::promise<Result<std::uint64_t>> promise;
  std::future<Result<std::uint64_t>> answer = promise.get_future();
  // Held by the completion: set_value may still look at it when the waiting thread has its answer.
  Append(
      record,
      [promise = std::move(promise)](Result<std::uint64_t> index) mutable { promise.set_value(std::move(index)); },
      who);
  return answer.get();
}

TreeHead Journal::durable() const { return parts_->durable(); }
Status Journal::state() const { return parts_->state(); }
bool Journal::low() const { return parts_->low(); }
JournalFigures Journal::figures() const { return parts_->figures(); }
std::uint64_t Journal::torn_bytes() const { return parts_->torn_bytes(); }

}  // namespace coffer::audit
