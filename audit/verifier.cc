#include "audit/verifier.h"

#include <algorithm>

#include "audit/pruned_note.h"
#include "audit/publisher.h"
#include "audit/verifier_journal.h"
#include "audit/verifier_records.h"
#include "audit/verifier_tiles.h"
#include "io/clock.h"
#include "io/directory.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

constexpr std::size_t kMaxNames = 10'000;
constexpr int kTries = 3;
constexpr std::uint64_t kProgressEvery = 4'096;  // records
constexpr std::array<std::string_view, 10> kOurs = {"journal",
                                                    "tile",
                                                    "checkpoint",
                                                    std::string_view(kCosignedCheckpoint),
                                                    std::string_view(kPrunedNote),
                                                    "keys",
                                                    "lock",
                                                    "index.sqlite",
                                                    "index.sqlite-wal",
                                                    "index.sqlite-shm"};

// A head that the records must lead to.
struct Claim {
  TreeHead head;
  Check root_check;
  Check size_check;
  std::string place;
  std::string_view shorter;  // what is said when the journal has fewer records
  std::string_view other;    // and when it has others
};

std::int64_t MicrosOf(const Cosigned& cosigned) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 42U;  // seconds; what is later is as far ahead
  return static_cast<std::int64_t>(std::min(cosigned.time_unix_s, kMost)) * kMicrosPerSecond;
}

class Verification {
 public:
  // `started_us`: of the monotonic clock, when it was `options.now_us`.
  Verification(const VerifyOptions& options, std::int64_t started_us)
      : options_(options),
        rules_(report_, {.least_dropped_age_us = options.least_dropped_age_us,
                         .now_us = options.now_us,
                         .started_us = started_us}) {}

  VerifyReport Run();

 private:
  // In this order, so that beside a running service each is at least as new as the one before.
  void ReadLastSigned();
  void ReadKept();
  void ReadPublished();
  void ReadCosigned();
  void ListFolder();
  void ReadRetention();
  void ReadJournal();
  void Begin(const Frontier& before);
  void ProveDropped(const Claim& claim);
  void CompareClaims();
  bool KeepCosigned(OpenedCheckpoint opened);
  void CompareCosigned();
  void ComparePublished();

  std::optional<OpenedCheckpoint> Open(const std::string& file, const std::string& place, Check check);
  void TakeRecord(std::uint64_t index, ByteView record);
  // So many records have a checkpoint.
  std::uint64_t covered() const { return report_.checkpoint ? report_.checkpoint->size : 0; }

  const VerifyOptions& options_;
  VerifyReport report_;
  RecordRules rules_;
  std::optional<TileCheck> tiles_;
  TreeHead base_;  // of what retention dropped
  std::unique_ptr<JournalWalk> walk_;
  std::vector<Claim> claims_;  // by size, once the journal is read
  std::vector<std::pair<const Claim*, Digest>> roots_;
  std::size_t next_claim_ = 0;
};

// A checkpoint of this log, by its key.
std::optional<OpenedCheckpoint> Verification::Open(const std::string& file, const std::string& place, Check check) {
  const Result<Bytes> text = ReadFile(file, kMaxNoteSize);
  if (!text.ok()) {
    const bool denied = text.error().code() == ErrorCode::kPermissionDenied;
    report_.Find(denied ? Check::kReading : check, place, text.error().message());
    return std::nullopt;
  }
  Result<OpenedCheckpoint> opened = OpenCheckpoint(AsText(*text), LogTrust::Of(options_.log_key));
  if (opened.ok()) return std::move(opened).value();
  report_.Find(check, place, opened.error().message());
  return std::nullopt;
}

void Verification::ReadLastSigned() {
  if (options_.last_signed.empty()) {
    return report_.Skip(Check::kLastSigned, "the file beside the signing key was not named");
  }
  const Result<bool> there = Exists(options_.last_signed);
  if (there.ok() && !*there) return report_.Skip(Check::kLastSigned, "there is no file of the last signed checkpoint");
  const std::optional<OpenedCheckpoint> opened = Open(options_.last_signed, options_.last_signed, Check::kLastSigned);
  if (!opened) return;
  report_.last_signed = opened->checkpoint.head;
  claims_.push_back({*report_.last_signed, Check::kLastSigned, Check::kLastSigned, options_.last_signed,
                     "the journal holds fewer records than its key has signed: it was cut or rolled back",
                     "the journal holds other records than its key has signed: it was replaced"});
}

void Verification::ReadKept() {
  if (options_.kept.empty()) return report_.Skip(Check::kKeptCheckpoint, "no checkpoint that was kept was given");
  const std::optional<OpenedCheckpoint> opened = Open(options_.kept, options_.kept, Check::kKeptCheckpoint);
  if (!opened) return;
  report_.kept = opened->checkpoint.head;
  claims_.push_back({*report_.kept, Check::kKeptCheckpoint, Check::kKeptCheckpoint, options_.kept,
                     "the journal holds fewer records than the checkpoint that was kept: it was cut or rolled back",
                     "the journal does not continue the checkpoint that was kept: there are two histories"});
}

void Verification::ReadPublished() {
  const std::string place = "checkpoint";
  const Result<bool> there = Exists(options_.folder + "/" + place);
  if (there.ok() && !*there) {
    report_.Find(Check::kCheckpointSignature, place, "is not there: nothing shows who wrote these records");
    return;
  }
  const std::optional<OpenedCheckpoint> opened =
      Open(options_.folder + "/" + place, place, Check::kCheckpointSignature);
  if (!opened) return;
  report_.checkpoint = opened->checkpoint.head;
  claims_.push_back({*report_.checkpoint, Check::kCheckpointRoot, Check::kCheckpointSize, place,
                     "the journal holds fewer records than the checkpoint counts: it was cut, or copied before it",
                     "the records do not give the root that the checkpoint signs"});
}

// At the end: a service that runs has published meanwhile what it had just signed.
void Verification::ComparePublished() {
  if (!report_.last_signed || !report_.checkpoint || report_.checkpoint->size >= report_.last_signed->size) return;
  const Result<SignedNote> note = ReadCheckpoint(options_.folder);
  const Result<Checkpoint> now = note.ok() ? Checkpoint::Parse(note->text) : note.error();
  if (now.ok() && now->head.size >= report_.last_signed->size) return;
  report_.Find(Check::kLastSigned, "checkpoint",
               "is older than the last one that was signed; a crash leaves that until the next start",
               report_.checkpoint->size);
}

// False: without what is of the future there are not enough cosignatures.
bool Verification::KeepCosigned(OpenedCheckpoint opened) {
  const auto ahead = [this](const Cosigned& one) {
    return options_.now_us != 0 && MicrosOf(one) > options_.now_us + kMaxAheadUs;
  };
  std::erase_if(opened.cosigned, ahead);
  if (opened.cosigned.size() < options_.quorum || opened.cosigned.empty()) return false;
  std::vector<std::int64_t> times;
  for (const Cosigned& one : opened.cosigned) times.push_back(MicrosOf(one));
  std::sort(times.begin(), times.end(), std::greater<>());
  report_.cosigned_us = times[std::max<std::size_t>(options_.quorum, 1) - 1];
  report_.cosigned_head = opened.checkpoint.head;
  report_.cosigned = std::move(opened.cosigned);
  return true;
}

// A witness that was switched off, or kept from seeing the log, has cosigned something all the same: long ago.
void Verification::CompareCosigned() {
  if (report_.unwitnessed().value_or(0) == 0) return;
  if (report_.last_time_us - report_.cosigned_us <= options_.max_cosignature_age_us) return;
  report_.Find(Check::kCosignatures, "",
               "no witness has seen the records from here on, and the last of them is much younger than what was "
               "cosigned",
               report_.cosigned_head->size);
}

// The newest one that witnesses have cosigned; the published one may have been made since.
void Verification::ReadCosigned() {
  if (options_.witnesses.empty()) return report_.Skip(Check::kCosignatures, "no witness was named");
  LogTrust trust = LogTrust::Of(options_.log_key);
  trust.witnesses = options_.witnesses;
  trust.quorum = options_.quorum;
  std::string_view refused = "is not there: no witness has cosigned";
  for (const std::string& name : {std::string("checkpoint"), std::string(kCosignedCheckpoint)}) {
    const Result<Bytes> text = ReadFile(options_.folder + "/" + name, kMaxNoteSize);
    if (!text.ok()) continue;
    Result<OpenedCheckpoint> opened = OpenCheckpoint(AsText(*text), trust);
    if (!opened.ok()) {
      refused = opened.error().message();
      continue;
    }
    if (!KeepCosigned(std::move(opened).value())) {
      refused = "is cosigned at a time that is not yet: a clock is wrong, or the witness does not tell the truth";
      continue;
    }
    claims_.push_back({*report_.cosigned_head, Check::kCosignatures, Check::kCosignatures, name,
                       "the journal holds fewer records than witnesses have seen: it was cut or rolled back",
                       "the journal holds other records than witnesses have seen: there are two histories"});
    return;
  }
  report_.Find(Check::kCosignatures, std::string(kCosignedCheckpoint), refused);
}

void Verification::ListFolder() {
  const Result<std::vector<std::string>> names = ListDirectory(options_.folder, kMaxNames);
  if (!names.ok()) return report_.Find(Check::kReading, options_.folder, names.error().message());
  for (const std::string& name : *names) {
    const bool ours = std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end();
    // A write that is running, or that a crash ended, leaves a file of this ending.
    if (!ours && !name.ends_with(".tmp")) report_.Find(Check::kForeignFiles, name, "is no file of the log");
  }
  tiles_.emplace(options_.folder, report_);
}

void Verification::ReadRetention() {
  const Result<bool> there = Exists(options_.folder + "/" + kPrunedNote);
  if (there.ok() && !*there) return report_.Skip(Check::kRetention, "no record was dropped");
  const Result<TreeHead> base = ReadPruned(options_.folder, options_.log_key);
  if (base.ok()) {
    base_ = *base;
    return;
  }
  const bool denied = base.error().code() == ErrorCode::kPermissionDenied;
  report_.Find(denied ? Check::kReading : Check::kRetention, kPrunedNote, base.error().message());
}

void Verification::Begin(const Frontier& before) {
  report_.dropped = before.size();
  rules_.Begin(before.size());
  if (tiles_) tiles_->Begin(before.Head(), covered());
  if (options_.follower != nullptr) options_.follower->Begin(before);
  while (next_claim_ < claims_.size() && claims_[next_claim_].head.size <= before.size()) {
    const Claim& claim = claims_[next_claim_++];
    if (claim.head.size == before.size()) {
      roots_.emplace_back(&claim, before.Root());
    } else {
      ProveDropped(claim);
    }
  }
}

// Of records that are not there any more: out of the tiles of hashes, which need not be believed for it.
void Verification::ProveDropped(const Claim& claim) {
  TileHashes hashes(ReadTilesIn(options_.folder), std::max(base_.size, covered()));
  const Result<Proof> proof = MakeConsistencyProof({.from = claim.head.size, .to = base_.size}, hashes.Source());
  if (proof.ok() && VerifyConsistency(claim.head, base_, *proof).ok()) return;
  const bool tiles_whole = proof.ok() && report_.count(Check::kTiles) == 0 && report_.count(Check::kTilesMissing) == 0;
  report_.Find(claim.root_check, claim.place,
               tiles_whole ? claim.other
                           : "cannot be compared with the records that were dropped: tiles of hashes are missing or "
                             "damaged",
               claim.head.size);
}

void Verification::TakeRecord(std::uint64_t index, ByteView record) {
  rules_.Take(index, record);
  if (tiles_) tiles_->Take(record, covered());
  if (options_.follower != nullptr) options_.follower->Take(index, record);
  while (next_claim_ < claims_.size() && claims_[next_claim_].head.size == index + 1) {
    roots_.emplace_back(&claims_[next_claim_++], walk_->tree().Root());
  }
  if (options_.progress && index % kProgressEvery == 0) options_.progress(index, covered());
}

void Verification::ReadJournal() {
  std::stable_sort(claims_.begin(), claims_.end(),
                   [](const Claim& a, const Claim& b) { return a.head.size < b.head.size; });
  while (next_claim_ < claims_.size() && claims_[next_claim_].head.size == 0) {
    roots_.emplace_back(&claims_[next_claim_++], EmptyRoot());
  }
  const auto folder = DiskLogFolder(options_.folder + "/journal");
  walk_ = std::make_unique<JournalWalk>(
      *folder, options_.log_key.name(), base_, report_,
      JournalWalk::Calls{.begin = [this](const Frontier& before) { Begin(before); },
                         .take = [this](std::uint64_t index, ByteView record) { TakeRecord(index, record); }});
  walk_->Run();
  if (base_.size > 0 && !rules_.SaysDropped(base_.size)) {
    report_.Find(Check::kRetention, kPrunedNote,
                 "no record of the log says that the records before this one were dropped", base_.size);
  }
  rules_.Finish();
  if (tiles_) tiles_->Finish(covered());
  walk_.reset();
}

void Verification::CompareClaims() {
  for (const auto& [claim, root] : roots_) {
    if (root != claim->head.root) report_.Find(claim->root_check, claim->place, claim->other, claim->head.size);
  }
  for (; next_claim_ < claims_.size(); ++next_claim_) {
    const Claim& claim = claims_[next_claim_];
    report_.Find(claim.size_check, claim.place, claim.shorter, report_.head.size);
  }
}

VerifyReport Verification::Run() {
  ReadLastSigned();
  ReadKept();
  ReadPublished();
  ReadCosigned();
  ListFolder();
  ReadRetention();
  ReadJournal();
  CompareClaims();
  CompareCosigned();
  ComparePublished();
  if (options_.follower != nullptr) {
    options_.follower->Finish(report_);
  } else {
    report_.Skip(Check::kIndex, "the index was not asked for");
  }
  return std::move(report_);
}

}  // namespace

// A service that drops records meanwhile takes files away that were just listed: what is found then counts only when
// its note stayed the same.
VerifyReport VerifyLog(const VerifyOptions& options) {
  const std::int64_t started_us = SystemClock().MonotonicMicros();
  const auto base = [&options] { return ReadPruned(options.folder, options.log_key); };
  for (int left = kTries;; --left) {
    const Result<TreeHead> before = base();
    VerifyReport report = Verification(options, started_us).Run();
    const Result<TreeHead> after = base();
    const bool dropped = before.ok() && after.ok() && *before != *after;
    if (report.untouched() || !dropped || options.follower != nullptr || left == 0) return report;
  }
}

}  // namespace coffer::audit
