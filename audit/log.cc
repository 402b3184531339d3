#include "audit/log.h"

#include <algorithm>
#include <set>
#include <thread>

#include "audit/signing_key.h"
#include "crypto/cursor.h"
#include "crypto/ids.h"
#include "io/dir_lock.h"
#include "io/directory.h"

namespace coffer::audit {
namespace {

constexpr std::uint64_t kLookBack = 20'000;  // more records than can wait at once
constexpr std::uint64_t kLookBackAfterCrash = 200'000;
constexpr std::int64_t kMicrosPerMilli = 1'000;
constexpr std::int64_t kKeyAheadMicros = std::int64_t{5} * 24 * 3600 * 1'000'000;

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
  void KeepPublishing() COFFER_EXCLUDES(wake_mutex);
  std::string JournalFolder() const { return options.folder + "/journal"; }

  const LogOptions options;
  const Clock& clock;
  const NoteSigner signer;
  std::optional<DirLock> lock;
  std::unique_ptr<LogFolder> folder;
  std::unique_ptr<MonthKeys> months;
  std::unique_ptr<Journal> journal;
  Tail tail;

  Mutex stamp_mutex;
  std::int64_t last_time_us COFFER_GUARDED_BY(stamp_mutex) = 0;

  mutable Mutex seen_mutex;
  std::optional<Seen> seen COFFER_GUARDED_BY(seen_mutex);

  mutable Mutex publish_mutex;
  std::unique_ptr<Publisher> publisher COFFER_GUARDED_BY(publish_mutex);
  Status published COFFER_GUARDED_BY(publish_mutex);

  Mutex wake_mutex;
  Condition wake;
  bool stopping COFFER_GUARDED_BY(wake_mutex) = false;
  std::thread thread;
};

// The end of what is there: the epoch, and whether it ended well.
Status Log::State::ReadEnd() {
  const std::uint64_t size = journal->durable().size;
  const std::string& origin = signer.verifier().name();
  COFFER_ASSIGN_OR_RETURN(tail, ReadTail(*folder, origin, {.from = Back(size, kLookBack), .to = size}));
  if (!tail.stopped && size > kLookBack) {
    COFFER_ASSIGN_OR_RETURN(tail, ReadTail(*folder, origin, {.from = Back(size, kLookBackAfterCrash), .to = size}));
  }
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
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> files, JournalFileNames(*folder));
  if (!files.empty()) {
    return Error(ErrorCode::kIntegrity, "is gone, although there is a log: its last signed checkpoint was taken away")
        .At(places.last_signed);
  }
  // The first start ended between the key and this file, or this is it.
  COFFER_TRY(Publisher::SignNothing(places, signer));
  return TreeHead();
}

Status Log::State::Start() {
  // Two processes would write over each other's records.
  COFFER_ASSIGN_OR_RETURN(lock, DirLock::Acquire(options.folder));
  COFFER_TRY(MakeDirectory(JournalFolder(), 0700));
  folder = DiskLogFolder(JournalFolder());
  COFFER_ASSIGN_OR_RETURN(months, MonthKeys::Open(options.folder + "/keys"));
  const Publisher::Places places{.folder = options.folder, .last_signed = options.key_file + ".signed"};
  COFFER_ASSIGN_OR_RETURN(const TreeHead last_signed, LastSigned(places));
  JournalOptions journal_options;
  journal_options.origin = signer.verifier().name();
  journal_options.create = last_signed.size == 0;
  journal_options.known_size = last_signed.size;
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
    publisher = std::make_unique<Publisher>(*folder, signer, places);
    COFFER_TRY(publisher->Start(last_signed, journal->durable()));
  }
  return ReadEnd();
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
  last_time_us = std::max({last_time_us, record.time_us, kLeastRecordTime});
  StoreU64(MutableBytes(bytes).subspan(kTimeOffset, sizeof(std::uint64_t)), static_cast<std::uint64_t>(last_time_us));
  return journal->TryAppend(bytes, done, who);
}

Status Log::State::Publish() {
  const Lock held(publish_mutex);
  published = publisher->Publish(journal->durable());
  return published;
}

void Log::State::KeepPublishing() {
  while (true) {
    {
      const Lock held(wake_mutex);
      if (!stopping) wake.wait_for(wake_mutex, options.publish_every);
      if (stopping) return;
    }
    const Status done = Publish();  // Kept in `published`, and tried again.
    static_cast<void>(done);
    // While there is space: without the month's key nothing can be recorded.
    static_cast<void>(months->For(MonthOf(clock.UnixMicros() + kKeyAheadMicros)));
  }
}

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}

Log::~Log() {
  {
    const Lock held(state_->wake_mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
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
    signer = MakeSigningKey(options.key_file, "coffer/" + UuidToText(GenerateUuidBytes(now_ms)));
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
  ours.thread = std::thread([&ours] { ours.KeepPublishing(); });
  return log;
}

void Log::Append(Record record, Completion done, RecordClass who) {
  std::int64_t now_us = state_->clock.UnixMicros();
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
JournalFigures Log::figures() const { return state_->journal->figures(); }
const std::string& Log::origin() const { return state_->signer.verifier().name(); }
std::string Log::vkey() const { return state_->signer.verifier().ToText(); }
std::optional<Log::Seen> Log::seen_store() const {
  const Lock held(state_->seen_mutex);
  return state_->seen;
}
bool Log::recovered() const { return !state_->tail.stopped; }
MonthKeys& Log::month_keys() const { return *state_->months; }

TreeHead Log::signed_head() const {
  const Lock held(state_->publish_mutex);
  return state_->publisher->signed_head();
}

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
  const Tile tile = TileAt(TileKind::kRecords, 0, {.index = index, .size = size});
  COFFER_ASSIGN_OR_RETURN(const Bytes bundle, ReadBundle(ReadTilesIn(state_->options.folder), tile));
  COFFER_ASSIGN_OR_RETURN(const std::vector<ByteView> records, ParseBundle(bundle, tile.width));
  return CopyOf(records[index % kTileWidth]);
}

Status Log::ReadRecords(RecordRange range, const std::function<Result<bool>(std::uint64_t, ByteView)>& take) const {
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
  COFFER_TRY(state_->months->Erase(month));
  Record record = state_->Own(RecordType::kErased);
  record.object = std::to_string(month);
  const Result<std::uint64_t> index = AppendAndWait(std::move(record), RecordClass::kReserve);
  return index.ok() ? Status() : Status(index.error());
}

}  // namespace coffer::audit
