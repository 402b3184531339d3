#include "audit/log.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "audit/pruned_note.h"
#include "audit/pruner.h"
#include "audit/signing_key.h"
#include "crypto/cursor.h"
#include "crypto/ids.h"
#include "io/dir_lock.h"
#include "io/directory.h"
#include "io/ticker.h"

namespace coffer::audit {
namespace {

// Records: ten times as many as can wait at once, for mutations that take their time.
constexpr std::uint64_t kLookBackAfterCrash = 200'000;
constexpr std::int64_t kMicrosPerMilli = 1'000;
constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
constexpr std::int64_t kKeyAheadMicros = 5 * kMicrosPerDay;

Publisher::Places PlacesOf(const LogOptions& options) {
  return {.folder = options.folder, .last_signed = options.key_file + ".signed"};
}

// What the end of a journal says.
struct Tail {
  std::optional<Log::Seen> seen;
  std::int64_t time_us = 0;
  bool stopped = true;                  // in good order; true of an empty one
  std::set<std::uint64_t> open_begins;  // mutations that have no result
};

// Another store begins anew; the same one never falls.
void NoteStore(const Record& record, std::optional<Log::Seen>& seen) {
  if (record.store.IsZero()) return;
  if (!seen || seen->store != record.store) seen = Log::Seen{.store = record.store};
  seen->epoch = std::max(seen->epoch, record.store_epoch);
}

Result<Tail> ReadTail(const LogFolder& folder, std::string_view origin, RecordRange range) {
  Tail tail;
  if (range.from == range.to) return tail;
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(folder, origin, range));
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<JournalReader::Record> next, reader.Next());
    if (!next) return tail;
    const Result<EncodedRecord> decoded = DecodeRecord(next->bytes);
    if (!decoded.ok()) return Error(ErrorCode::kIntegrity, "the audit journal holds a record that is none of ours");
    const Record& record = decoded->record;
    NoteStore(record, tail.seen);
    tail.time_us = std::max(tail.time_us, record.time_us);
    tail.stopped = record.type == RecordType::kStop;
    if (record.type == RecordType::kBegin) tail.open_begins.insert(next->index);
    if (record.type == RecordType::kResult && record.begin) tail.open_begins.erase(*record.begin);
  }
}

std::uint64_t Back(std::uint64_t size, std::uint64_t count) { return size > count ? size - count : 0; }

}  // namespace

struct Log::State {
  State(LogOptions options_in, const Clock& clock_in, NoteSigner signer_in)
      : options(std::move(options_in)), clock(clock_in), signer(std::move(signer_in)) {}

  Status Start();
  Result<TreeHead> LastSigned(const Publisher::Places& places) const;
  Status ReadEnd();
  Record Own(RecordType type) const;
  // True when the record's epoch is older than the newest one of its store, which it gets.
  bool RaiseEpoch(Record& record) COFFER_EXCLUDES(seen_mutex);
  // An error: `done` is still the caller's.
  Status Stamp(Record& record, const std::shared_ptr<const AuditKey>& key, Bytes& bytes, Completion& done,
               RecordClass who) COFFER_EXCLUDES(stamp_mutex);
  Status Publish() COFFER_EXCLUDES(publish_mutex);
  TreeHead SignedHead() const COFFER_EXCLUDES(publish_mutex);
  Frontier Oldest() const COFFER_EXCLUDES(oldest_mutex);
  void SetOldest(const Frontier& tree) COFFER_EXCLUDES(oldest_mutex, publish_mutex);
  // Records are dropped, and the note says so.
  Status Remove(const TreeHead& base, bool sweep) COFFER_EXCLUDES(records_mutex);
  void PublishAgain() COFFER_EXCLUDES(publish_mutex);
  std::int64_t Now() const { return std::max(clock.UnixMicros(), last_time_us.load(std::memory_order_relaxed)); }
  std::string JournalFolder() const { return options.folder + "/journal"; }

  const LogOptions options;
  const Clock& clock;
  const NoteSigner signer;
  std::optional<DirLock> lock;
  std::unique_ptr<LogFolder> folder;
  std::unique_ptr<MonthKeys> months;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Pruner> pruner;
  Tail tail;
  std::int64_t newest_us = 0;   // of the records before this start
  std::int64_t started_us = 0;  // monotonic

  Mutex prune_mutex;  // one at a time; before all others
  bool swept COFFER_GUARDED_BY(prune_mutex) = false;
  // Who reads records, and who removes them.
  mutable SharedMutex records_mutex;
  mutable Mutex oldest_mutex;
  Frontier oldest COFFER_GUARDED_BY(oldest_mutex);

  Mutex stamp_mutex;
  std::atomic<std::int64_t> last_time_us = 0;  // changed under stamp_mutex

  mutable Mutex seen_mutex;
  std::optional<Seen> seen COFFER_GUARDED_BY(seen_mutex);

  mutable Mutex publish_mutex;
  std::unique_ptr<Publisher> publisher COFFER_GUARDED_BY(publish_mutex);
  Status published COFFER_GUARDED_BY(publish_mutex);

  std::unique_ptr<Ticker> ticker;  // last: it uses the others
};

// The end of what is there: the epoch, and whether it ended well.
Status Log::State::ReadEnd() {
  const std::uint64_t size = journal->durable().size;
  const std::string& origin = signer.verifier().name();
  const auto range = [size, first = Oldest().size()](std::uint64_t count) {
    return RecordRange{.from = std::max(Back(size, count), first), .to = size};
  };
  // A log that was closed in good order has its newest time and store in the record that says so, and no open begins.
  COFFER_ASSIGN_OR_RETURN(tail, ReadTail(*folder, origin, range(1)));
  if (!tail.stopped) {
    COFFER_ASSIGN_OR_RETURN(tail, ReadTail(*folder, origin, range(kLookBackAfterCrash)));
  }
  newest_us = tail.time_us == 0 ? clock.UnixMicros() : tail.time_us;
  started_us = clock.MonotonicMicros();
  {
    const Lock held(seen_mutex);
    seen = tail.seen;
  }
  const Lock held(stamp_mutex);
  last_time_us = tail.time_us;
  return {};
}

Result<TreeHead> Log::State::LastSigned(const Publisher::Places& places) const {
  Result<TreeHead> last = Publisher::LastSigned(places, signer);
  if (last.ok() || last.error().code() != ErrorCode::kNotFound) return last;
  return Error(ErrorCode::kIntegrity, "is gone, although there is the key: the last signed checkpoint was taken away")
      .At(places.last_signed);
}

Status Log::State::Start() {
  // Two processes would write over each other's records.
  COFFER_ASSIGN_OR_RETURN(lock, DirLock::Acquire(options.folder));
  COFFER_TRY(MakeDirectory(JournalFolder(), 0700));
  folder = DiskLogFolder(JournalFolder());
  COFFER_ASSIGN_OR_RETURN(months, MonthKeys::Open(options.folder + "/keys"));
  const Publisher::Places places = PlacesOf(options);
  COFFER_ASSIGN_OR_RETURN(const TreeHead last_signed, LastSigned(places));
  JournalOptions journal_options;
  journal_options.origin = signer.verifier().name();
  journal_options.create = last_signed.size == 0;
  journal_options.known_size = last_signed.size;
  COFFER_ASSIGN_OR_RETURN(journal_options.base, ReadPruned(options.folder, signer.verifier()));
  journal_options.file_bytes = options.file_bytes;
  Result<std::unique_ptr<Journal>> opened = Journal::Open(*folder, journal_options);
  if (!opened.ok() && opened.error().code() == ErrorCode::kNotFound) {
    return Error(ErrorCode::kIntegrity, "the audit journal is gone, although checkpoints of it were signed")
        .At(JournalFolder());
  }
  if (!opened.ok()) return std::move(opened).error();
  journal = std::move(opened).value();
  {
    const Lock held(publish_mutex);
    publisher = std::make_unique<Publisher>(*folder, signer, places, journal_options.base);
    COFFER_TRY(publisher->Start(last_signed, journal->durable()));
  }
  pruner = std::make_unique<Pruner>(*folder, signer, options.folder);
  COFFER_ASSIGN_OR_RETURN(const Frontier kept, pruner->TreeOf(journal_options.base));
  SetOldest(kept);
  // What a crash interrupted. A disk that refuses now is asked again by the next Prune.
  static_cast<void>(Remove(journal_options.base, false));
  return ReadEnd();
}

Frontier Log::State::Oldest() const {
  const Lock held(oldest_mutex);
  return oldest;
}

void Log::State::SetOldest(const Frontier& tree) {
  {
    const Lock held(oldest_mutex);
    oldest = tree;
  }
  const Lock held(publish_mutex);
  publisher->Dropped(tree.Head());
}

Status Log::State::Remove(const TreeHead& base, bool sweep) {
  COFFER_ASSIGN_OR_RETURN(const bool some, pruner->HasFilesBelow(base));
  if (!some && !sweep) return {};
  const Lock held(records_mutex);
  return pruner->Remove(base, sweep);
}

Record Log::State::Own(RecordType type) const {
  Record record;
  record.type = type;
  record.authentication = Authentication::kService;
  record.allowed = true;
  record.rule = "service";
  record.outcome = "ok";
  return record;
}

bool Log::State::RaiseEpoch(Record& record) {
  const Lock held(seen_mutex);
  if (!seen || seen->store != record.store || seen->epoch == record.store_epoch) return false;
  record.store_epoch = seen->epoch;
  return true;
}

// The last of a record: its time, in the order of the log.
Status Log::State::Stamp(Record& record, const std::shared_ptr<const AuditKey>& key, Bytes& bytes, Completion& done,
                         RecordClass who) {
  const Lock held(stamp_mutex);
  // In that order a store never becomes older: another record may have named a newer epoch since.
  if (RaiseEpoch(record)) {
    COFFER_ASSIGN_OR_RETURN(bytes, EncodeRecord(record, key.get()));
  }
  const std::int64_t time_us = std::max({last_time_us.load(), record.time_us, kLeastRecordTime});
  last_time_us = time_us;
  StoreU64(MutableBytes(bytes).subspan(kTimeOffset, sizeof(std::uint64_t)), static_cast<std::uint64_t>(time_us));
  return journal->TryAppend(bytes, done, who);
}

Status Log::State::Publish() {
  const Lock held(publish_mutex);
  published = publisher->Publish(journal->durable());
  return published;
}

void Log::State::PublishAgain() {
  const Status done = Publish();  // Kept in `published`, and tried again.
  static_cast<void>(done);
  // While there is space: without the month's key nothing can be recorded.
  static_cast<void>(months->For(MonthOf(Now() + kKeyAheadMicros)));
}

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}

Log::~Log() {
  state_->ticker.reset();
  if (state_->journal == nullptr) return;
  const Result<std::uint64_t> stopped = AppendAndWait(state_->Own(RecordType::kStop), RecordClass::kReserve);
  if (stopped.ok()) static_cast<void>(state_->Publish());
}

Result<std::unique_ptr<Log>> Log::Open(const LogOptions& options, const Clock& clock) {
  COFFER_TRY(MakeDirectory(options.folder, 0700));
  Result<NoteSigner> signer = ReadSigningKey(options.key_file);
  if (!signer.ok() && signer.error().code() == ErrorCode::kNotFound) {
    COFFER_ASSIGN_OR_RETURN(const bool used, Exists(options.folder + "/journal"));
    if (used) {
      return Error(ErrorCode::kIntegrity, "the audit log's signing key is gone, although there is a log")
          .At(options.key_file);
    }
    const auto now_ms = static_cast<std::uint64_t>(clock.UnixMicros() / kMicrosPerMilli);
    // In that order a key whose last signed checkpoint is missing is always one from which it was taken away.
    signer =
        MakeSigningKey(options.key_file, "coffer/" + UuidToText(GenerateUuidBytes(now_ms)),
                       [&options](const NoteSigner& made) { return Publisher::SignNothing(PlacesOf(options), made); });
  }
  if (!signer.ok()) return std::move(signer).error();
  auto state = std::make_unique<State>(options, clock, std::move(signer).value());
  const Status started = state->Start();
  if (!started.ok()) return started.error();
  auto log = std::make_unique<Log>(std::move(state));
  Log::State& ours = *log->state_;
  if (!ours.tail.stopped) {
    Record recovery = ours.Own(RecordType::kRecovery);
    recovery.items = ours.tail.open_begins.size();
    if (!ours.tail.open_begins.empty()) recovery.begin = *ours.tail.open_begins.begin();
    COFFER_TRY(log->AppendAndWait(std::move(recovery), RecordClass::kReserve));
  }
  COFFER_TRY(log->AppendAndWait(ours.Own(RecordType::kBoot), RecordClass::kReserve));
  // Before anybody asks: a power cut may have left an older checkpoint than the last one that was shown.
  static_cast<void>(ours.Publish());
  COFFER_ASSIGN_OR_RETURN(ours.ticker, Ticker::Start({.interval = options.publish_every, .wait_first = true}, [&ours] {
                            ours.PublishAgain();
                            return false;
                          }));
  return log;
}

void Log::Append(Record record, Completion done, RecordClass who) {
  // Tags of rows are under the key of the month that they were made in.
  const bool dated = record.rows && record.time_us != 0;
  const std::int64_t now_us = dated ? record.time_us : Now();
  record.id = GenerateUuidBytes(static_cast<std::uint64_t>(now_us / kMicrosPerMilli));
  record.time_us = now_us;
  {
    const Lock held(state_->seen_mutex);
    NoteStore(record, state_->seen);
    if (state_->seen) {
      record.store = state_->seen->store;
      record.store_epoch = state_->seen->epoch;
    }
  }
  const Result<std::shared_ptr<const AuditKey>> key = state_->months->For(MonthOf(now_us));
  if (!key.ok()) return std::move(done)(key.error());
  Result<Bytes> bytes = EncodeRecord(record, key->get());
  if (!bytes.ok()) return std::move(done)(bytes.error());
  const Status taken = state_->Stamp(record, *key, *bytes, done, who);
  if (!taken.ok()) std::move(done)(taken.error());
}

Result<std::uint64_t> Log::AppendAndWait(Record record, RecordClass who) {
  struct Answer {
    Mutex mutex;
    Condition changed;
    std::optional<Result<std::uint64_t>> index COFFER_GUARDED_BY(mutex);
  };
  const auto answer = std::make_shared<Answer>();
  Append(
      std::move(record),
      [answer](Result<std::uint64_t> index) {
        {
          const Lock held(answer->mutex);
          answer->index = std::move(index);
        }
        answer->changed.notify_one();
      },
      who);
  const Lock held(answer->mutex);
  while (!answer->index) answer->changed.wait(answer->mutex);
  return *answer->index;
}

TreeHead Log::durable() const { return state_->journal->durable(); }
Status Log::state() const { return state_->journal->state(); }
bool Log::low() const { return state_->journal->low(); }
const std::string& Log::origin() const { return state_->signer.verifier().name(); }
std::string Log::vkey() const { return state_->signer.verifier().ToText(); }
std::optional<Log::Seen> Log::seen_store() const {
  const Lock held(state_->seen_mutex);
  return state_->seen;
}
bool Log::recovered() const { return !state_->tail.stopped; }
MonthKeys& Log::month_keys() const { return *state_->months; }

TreeHead Log::State::SignedHead() const {
  const Lock held(publish_mutex);
  return publisher->signed_head();
}

TreeHead Log::signed_head() const { return state_->SignedHead(); }

Status Log::publishing() const {
  const Lock held(state_->publish_mutex);
  return state_->published;
}

Result<SignedNote> Log::checkpoint() const { return ReadCheckpoint(state_->options.folder); }

Result<SignedNote> Log::cosigned_checkpoint() const { return ReadCosignedCheckpoint(state_->options.folder); }

Status Log::AddCosignatures(const SignedNote& note, std::vector<NoteSignature> cosignatures) {
  const Lock held(state_->publish_mutex);
  return state_->publisher->AddCosignatures(note, std::move(cosignatures));
}

Status Log::PublishNow() { return state_->Publish(); }

Result<Proof> Log::ProveInclusion(LeafPlace leaf) const {
  const std::uint64_t size = signed_head().size;
  if (leaf.size > size || leaf.index >= leaf.size) {
    return Error(ErrorCode::kInvalidArgument, "is not in the signed part of the log").At("index");
  }
  TileHashes hashes(ReadTilesIn(state_->options.folder), size);
  return MakeInclusionProof(leaf, hashes.Source());
}

Result<Proof> Log::ProveConsistency(Growth growth) const {
  const std::uint64_t size = signed_head().size;
  if (growth.to > size || growth.from > growth.to) {
    return Error(ErrorCode::kInvalidArgument, "is not in the signed part of the log").At("size");
  }
  TileHashes hashes(ReadTilesIn(state_->options.folder), size);
  return MakeConsistencyProof(growth, hashes.Source());
}

Result<Bytes> Log::RecordAt(std::uint64_t index) const {
  const std::uint64_t size = signed_head().size;
  if (index >= size) return Error(ErrorCode::kInvalidArgument, "is not in the signed part of the log").At("index");
  const ReadLock held(state_->records_mutex);
  if (index < oldest()) return Error(ErrorCode::kNotFound, "was dropped by the log's retention").At("index");
  const Tile tile = TileAt(TileKind::kRecords, 0, {.index = index, .size = size});
  COFFER_ASSIGN_OR_RETURN(const Bytes bundle, ReadBundle(ReadTilesIn(state_->options.folder), tile));
  COFFER_ASSIGN_OR_RETURN(const std::vector<ByteView> records, ParseBundle(bundle, tile.width));
  return CopyOf(records[index % kTileWidth]);
}

Status Log::ReadRecords(RecordRange range, const std::function<Result<bool>(std::uint64_t, ByteView)>& take) const {
  const ReadLock held(state_->records_mutex);
  range.from = std::max(range.from, oldest());
  range.to = std::min(range.to, durable().size);
  if (range.from >= range.to) return {};
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(*state_->folder, origin(), range));
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<JournalReader::Record> record, reader.Next());
    if (!record) return {};
    COFFER_ASSIGN_OR_RETURN(const bool go_on, take(record->index, record->bytes));
    if (!go_on) return {};
  }
}

Status Log::EraseMonth(Month month) {
  Record record = state_->Own(RecordType::kErased);
  record.object = std::to_string(month);
  COFFER_TRY(AppendAndWait(std::move(record), RecordClass::kReserve));
  return state_->months->Erase(month);
}

std::int64_t Log::Now() const { return state_->Now(); }

std::uint64_t Log::oldest() const { return state_->Oldest().size(); }
Frontier Log::oldest_tree() const { return state_->Oldest(); }

std::int64_t Log::Ahead() const { return state_->last_time_us - state_->clock.UnixMicros(); }

std::int64_t Log::RetentionNow() const {
  const std::int64_t since_start = state_->clock.MonotonicMicros() - state_->started_us;
  return std::min(state_->clock.UnixMicros(), state_->newest_us + since_start + kMicrosPerDay);
}

Result<Pruned> Log::Prune(const PruneLimits& limits) {
  const Lock one(state_->prune_mutex);
  Pruner& pruner = *state_->pruner;
  const Frontier before = oldest_tree();
  COFFER_TRY(state_->Remove(before.Head(), !state_->swept));
  state_->swept = true;
  const TreeHead signed_before = signed_head();
  COFFER_ASSIGN_OR_RETURN(const Pruner::Boundary boundary,
                          pruner.Find(before, {.before_us = limits.before_us,
                                               .below = std::min(limits.below, signed_before.size),
                                               .signed_head = signed_before}));
  const TreeHead base = boundary.before.Head();
  if (base.size == before.size()) return Pruned();
  if (low()) {
    return Error(ErrorCode::kUnavailable, "the audit log's disk is full: dropping records needs some space too");
  }
  COFFER_TRY(pruner.CheckRecords(before.Head(), base, signed_before));
  COFFER_TRY(pruner.KeepTiles(before.Head(), base, signed_before));
  // The log says it, and has signed that it does, before anything is gone.
  Record record = state_->Own(RecordType::kPruned);
  record.begin = base.size;
  record.items = base.size - before.size();
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t index, AppendAndWait(std::move(record), RecordClass::kReserve));
  COFFER_TRY(state_->Publish());
  COFFER_CHECK(signed_head().size > index);
  COFFER_TRY(pruner.WriteNote(base));
  state_->SetOldest(boundary.before);
  COFFER_TRY(state_->Remove(base, false));
  return Pruned{.records = base.size - before.size(), .more = boundary.more};
}

}  // namespace coffer::audit
