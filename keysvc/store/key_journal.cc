#include "keysvc/store/key_journal.h"

#include <ctime>

#include "keysvc/store/journal_proof.h"

namespace coffer::keysvc {
namespace {

const std::string kName = "key-journal";
const std::string kNextName = "key-journal.next";
constexpr int kNamesASecond = 100;

bool SameHead(const StoredHead& a, const StoredHead& b) {
  return a.epoch == b.epoch && a.sum == b.sum && a.mac == b.mac;
}

bool IsTransient(const Error& error) { return error.code() == ErrorCode::kUnavailable; }

Error CutOff() { return {ErrorCode::kIntegrity, "the key journal is cut off before its first state is whole"}; }

Error Altered() { return {ErrorCode::kIntegrity, "the key journal was altered while it was in use"}; }

Error TooLong(std::uint64_t limit) {
  return Error(ErrorCode::kResourceExhausted,
               "the key journal is as long as it may be, in bytes: nothing more is stored until it was made anew")
      .WithLimit(limit);
}

// "20261121T102030Z"
std::string UtcTime(std::int64_t unix_us) {
  const std::time_t seconds = static_cast<std::time_t>(unix_us / 1'000'000);
  std::tm parts = {};
  std::array<char, 32> text = {};
  if (gmtime_r(&seconds, &parts) == nullptr) return std::to_string(seconds);
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return {text.data(), size};
}

Result<JournalReader> OpenReader(ByteView content) {
  Result<JournalReader> reader = JournalReader::Open(content);
  if (!reader.ok()) return Error(ErrorCode::kIntegrity, "is not a key journal").At(kName);
  return reader;
}

// Whatever the file is; nothing: there is none.
Result<std::optional<std::string>> MoveAside(AppendFolder& folder, const std::string& name, std::int64_t unix_us) {
  const auto free = [&](const std::string& wanted) -> Result<bool> {
    const Result<std::unique_ptr<AppendFile>> file = folder.Open(wanted);
    if (!file.ok() && IsTransient(file.error())) return file.error();
    return !file.ok() && file.error().code() == ErrorCode::kNotFound;
  };
  COFFER_ASSIGN_OR_RETURN(const bool none, free(name));
  if (none) return std::optional<std::string>();
  const std::string wanted = name + ".replaced-" + UtcTime(unix_us);
  for (int i = 1; i <= kNamesASecond; ++i) {
    const std::string aside = i == 1 ? wanted : wanted + "-" + std::to_string(i);
    COFFER_ASSIGN_OR_RETURN(const bool usable, free(aside));
    if (!usable) continue;
    COFFER_TRY(folder.Rename(name, aside));
    return std::optional(aside);
  }
  return Error(ErrorCode::kAlreadyExists, "there are too many key journals that were set aside").At(wanted);
}

}  // namespace

Result<std::unique_ptr<KeyJournal>> KeyJournal::Create(AppendFolder& folder, StoreUuid store,
                                                       const CommitGroup& snapshot) {
  auto journal = std::make_unique<KeyJournal>(Key(), folder, store);
  COFFER_TRY(journal->Prepare(snapshot));
  COFFER_TRY(journal->Adopt());
  return journal;
}

Result<std::unique_ptr<KeyJournal>> KeyJournal::Load(AppendFolder& folder, const std::string& name) {
  Result<std::unique_ptr<AppendFile>> file = folder.Open(name);
  if (!file.ok()) {
    if (file.error().code() == ErrorCode::kNotFound) return std::unique_ptr<KeyJournal>();
    return file.error();
  }
  COFFER_ASSIGN_OR_RETURN(const Bytes content, (*file)->ReadAll());
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, OpenReader(content));
  auto journal = std::make_unique<KeyJournal>(Key(), folder, reader.header().store);
  std::optional<GroupView> last;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(std::optional<GroupView> group, reader.NextView());
    if (!group) break;
    if (last && group->head.epoch != last->head.epoch) {
      journal->before_ = Tip{journal->size_, last->head, journal->last_is_snapshot_};
    }
    journal->last_is_snapshot_ = !last;
    journal->size_ = reader.whole_size();
    last = std::move(group);
  }
  if (!last) return CutOff();
  if (journal->last_is_snapshot_) last->rows.clear();
  COFFER_ASSIGN_OR_RETURN(journal->last_, GroupOf(*last));
  journal->unsure_end_ = journal->size_ < content.size();
  journal->file_ = std::move(file).value();
  return journal;
}

Result<std::unique_ptr<KeyJournal>> KeyJournal::Open(AppendFolder& folder,
                                                     const std::optional<StoredHead>& store_head) {
  Result<std::unique_ptr<KeyJournal>> journal = Load(folder, kName);
  if (!store_head || (!journal.ok() && IsTransient(journal.error()))) return journal;
  Result<std::unique_ptr<KeyJournal>> next = Load(folder, kNextName);
  if (!next.ok()) return IsTransient(next.error()) ? std::move(next) : std::move(journal);
  const bool fits = *next != nullptr && (*next)->holds_snapshot_only() && SameHead((*next)->last_.head, *store_head);
  if (!fits) return journal;
  // A store that was put back fits a replacement that was left behind, too.
  const bool journal_is_it =
      journal.ok() && *journal != nullptr &&
      (SameHead((*journal)->last_.head, *store_head) || (*journal)->last_.head.epoch.value > store_head->epoch.value);
  if (journal_is_it) return journal;
  (*next)->replacement_ = true;
  return next;
}

Result<std::optional<SalvagedJournal>> KeyJournal::Salvage(AppendFolder& folder, const IntegrityKeys* keys,
                                                           Which which) {
  const Result<std::unique_ptr<AppendFile>> file = folder.Open(which == Which::kJournal ? kName : kNextName);
  if (!file.ok()) {
    if (file.error().code() == ErrorCode::kNotFound) return std::optional<SalvagedJournal>();
    return file.error();
  }
  COFFER_ASSIGN_OR_RETURN(const Bytes content, (*file)->ReadAll());
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, OpenReader(content));
  std::optional<JournalProof> proof;
  if (keys != nullptr) proof.emplace(reader.header().store, *keys);
  std::size_t whole = 0;
  while (true) {
    const Result<std::optional<GroupView>> group = reader.NextView();
    if (!group.ok() || !*group || (proof && !proof->Take(**group).ok())) break;
    whole = reader.whole_size();
  }
  if (whole == 0) return CutOff();
  COFFER_ASSIGN_OR_RETURN(JournalReader again, OpenReader(ByteView(content).first(whole)));
  SalvagedJournal salvaged{.store = again.header().store, .image = {}, .passed_over = content.size() - whole};
  COFFER_ASSIGN_OR_RETURN(salvaged.image, StoreImage::Read(again));
  return std::optional(std::move(salvaged));
}

Result<std::optional<std::string>> KeyJournal::SetAside(AppendFolder& folder, std::int64_t unix_us) {
  return MoveAside(folder, kName, unix_us);
}

Result<KeyJournal::Replaced> KeyJournal::Replace(AppendFolder& folder, StoreUuid store, const CommitGroup& snapshot,
                                                 std::int64_t unix_us) {
  Replaced replaced{.journal = std::make_unique<KeyJournal>(Key(), folder, store), .kept_as = {}};
  COFFER_TRY(MoveAside(folder, kNextName, unix_us));
  COFFER_TRY(replaced.journal->Prepare(snapshot));
  COFFER_ASSIGN_OR_RETURN(replaced.kept_as, SetAside(folder, unix_us));
  COFFER_TRY(replaced.journal->Adopt());
  return replaced;
}

std::optional<StoredHead> KeyJournal::before_last() const {
  if (!before_) return std::nullopt;
  return before_->head;
}

// Without what may follow the last group that counts.
Result<Bytes> KeyJournal::Content() const {
  COFFER_ASSIGN_OR_RETURN(Bytes content, file_->ReadAll());
  if (content.size() < size_) return Altered();
  content.resize(static_cast<std::size_t>(size_));
  return content;
}

Result<StoreImage> KeyJournal::Image() const {
  COFFER_ASSIGN_OR_RETURN(const Bytes content, Content());
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, OpenReader(content));
  return StoreImage::Read(reader);
}

Result<std::vector<StoredHead>> KeyJournal::Heads() const {
  COFFER_ASSIGN_OR_RETURN(const Bytes content, Content());
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, OpenReader(content));
  std::vector<StoredHead> heads;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<GroupView> group, reader.NextView());
    if (!group) return heads;
    if (!heads.empty() && heads.back().epoch == group->head.epoch) heads.pop_back();
    heads.push_back(group->head);
  }
}

Status KeyJournal::Verify(const IntegrityKeys& keys) const {
  COFFER_ASSIGN_OR_RETURN(const Bytes content, Content());
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, OpenReader(content));
  JournalProof proof(store_, keys);
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<GroupView> group, reader.NextView());
    if (!group) break;
    COFFER_TRY(proof.Take(*group));
  }
  return reader.whole_size() == size_ ? Status() : Status(Altered());
}

Status KeyJournal::Settle() {
  if (replacement_) {
    COFFER_TRY(folder_.Rename(kNextName, kName));
    replacement_ = false;
    return {};
  }
  // One that cannot be removed stays in nobody's way but the next renewal's, which says so.
  static_cast<void>(folder_.Remove(kNextName));
  // Of a renewal whose rename is seen, but was never confirmed.
  return folder_.Sync();
}

Result<bool> KeyJournal::Gone() {
  if (adopting_) COFFER_TRY(FinishAdoption());
  COFFER_ASSIGN_OR_RETURN(const AppendFile::Place place, file_->PlaceOf(kName));
  if (place != AppendFile::Place::kReplaced) return place == AppendFile::Place::kGone;
  return Error(
      ErrorCode::kUnavailable,
      "the key journal was replaced, or its disk was unmounted, while the service ran: put it back, or restart "
      "the service to see what is there");
}

Status KeyJournal::Append(const CommitGroup& group) {
  COFFER_ASSIGN_OR_RETURN(const Bytes content, EncodeGroup(group));
  COFFER_ASSIGN_OR_RETURN(const bool gone, Gone());
  if (gone) {
    return Error(ErrorCode::kUnavailable,
                 "the key journal was removed while the service ran: it is made anew now, try again");
  }
  COFFER_TRY(Mend());
  const StoreEpoch last = last_.head.epoch;
  const bool again = last_is_ours_ && group.head.epoch == last;
  if (!again && group.head.epoch.value != last.value + 1) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the store and its key journal do not follow each other: somebody else writes one of them");
  }
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t present, file_->Size());
  if (present != size_) {
    return Error(ErrorCode::kFailedPrecondition, "somebody else writes the key journal: restart the service");
  }
  if (content.size() > max_bytes() || size_ > max_bytes() - content.size()) return TooLong(max_bytes());
  if (!file_->Append(content).ok()) {
    unusable_ = unsure_end_ = true;
    return Error(ErrorCode::kUnavailable, "the key journal could not be written: its disk is full, or fails");
  }
  if (!again) before_ = TipNow();
  size_ += content.size();
  last_ = group;
  last_is_snapshot_ = false;
  last_is_ours_ = true;
  return {};
}

void KeyJournal::GoTo(const Tip& tip) {
  size_ = tip.size;
  last_ = CommitGroup{.changes = {}, .head = tip.head};
  last_is_snapshot_ = tip.is_snapshot;
  last_is_ours_ = false;
  before_.reset();
}

Status KeyJournal::Drop(StoreEpoch epoch) {
  if (before_ && last_.head.epoch == epoch) {
    const Tip before = *before_;
    GoTo(before);
    unsure_end_ = true;
  }
  COFFER_ASSIGN_OR_RETURN(const bool gone, Gone());
  return gone ? Status() : Mend();
}

// Opens anew what failed, and cuts off what failures, or a power cut, left behind the last group that counts.
Status KeyJournal::Mend() {
  if (!unsure_end_) return {};
  const Error failed(ErrorCode::kUnavailable, "the key journal cannot be mended: its disk fails");
  if (unusable_) {
    Result<std::unique_ptr<AppendFile>> fresh = folder_.Open(kName);
    if (!fresh.ok()) return failed;
    file_ = std::move(fresh).value();
    unusable_ = false;
  }
  const Status cut = file_->TruncateTo(size_);
  unusable_ = !cut.ok();
  if (!cut.ok()) return cut.error().code() == ErrorCode::kIntegrity ? Altered() : failed;
  unsure_end_ = false;
  return {};
}

Status KeyJournal::Prepare(const CommitGroup& snapshot) {
  if (file_ != nullptr) COFFER_TRY(Gone());
  Bytes content = EncodeJournalHeader({.store = store_, .base = snapshot.head.epoch});
  COFFER_ASSIGN_OR_RETURN(const Bytes group, EncodeGroup(snapshot));
  content.insert(content.end(), group.begin(), group.end());
  if (content.size() > max_bytes()) return TooLong(max_bytes());
  next_.reset();
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file, folder_.Create(kNextName));
  const Status written = file->Append(content);
  // It may look whole, and not be on the disk.
  if (!written.ok()) static_cast<void>(folder_.Remove(kNextName));
  COFFER_TRY(written);
  next_ = std::make_unique<Prepared>(
      Prepared{.file = std::move(file), .tip = {.size = content.size(), .head = snapshot.head, .is_snapshot = true}});
  return {};
}

Status KeyJournal::Adopt() {
  COFFER_CHECK(next_ != nullptr);
  const Status renamed = folder_.Rename(kNextName, kName);
  adopting_ = !renamed.ok();
  if (renamed.ok()) TakePrepared();
  return renamed;
}

void KeyJournal::TakePrepared() {
  file_ = std::move(next_->file);
  GoTo(next_->tip);
  next_.reset();
  adopting_ = unsure_end_ = unusable_ = false;
}

// Goes on where Adopt failed.
Status KeyJournal::FinishAdoption() {
  using Place = AppendFile::Place;
  COFFER_ASSIGN_OR_RETURN(const Place named, next_->file->PlaceOf(kName));
  if (named == Place::kThere) {
    COFFER_TRY(folder_.Sync());
    TakePrepared();
    return {};
  }
  COFFER_ASSIGN_OR_RETURN(const Place waiting, next_->file->PlaceOf(kNextName));
  if (waiting == Place::kThere) return Adopt();
  next_.reset();  // somebody took it away
  adopting_ = false;
  return {};
}

}  // namespace coffer::keysvc
