#include "keysvc/store/key_journal.h"

namespace coffer::keysvc {
namespace {

const std::string kName = "key-journal";
const std::string kNextName = "key-journal.next";

bool SameHead(const StoredHead& a, const StoredHead& b) { return a.epoch == b.epoch && a.mac == b.mac; }

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
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(content));
  auto journal = std::make_unique<KeyJournal>(Key(), folder, reader.header().store);
  std::optional<GroupView> last;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(std::optional<GroupView> group, reader.NextView());
    if (!group) break;
    journal->last_is_snapshot_ = !last;
    journal->size_before_last_ = std::exchange(journal->size_, reader.whole_size());
    last = std::move(group);
  }
  if (!last) return Error(ErrorCode::kIntegrity, "the key journal is cut off before its first state is whole");
  COFFER_ASSIGN_OR_RETURN(journal->last_, GroupOf(*last));
  journal->torn_ = journal->size_ < content.size();
  journal->file_ = std::move(file).value();
  return journal;
}

Result<std::unique_ptr<KeyJournal>> KeyJournal::Open(AppendFolder& folder,
                                                     const std::optional<StoredHead>& store_head) {
  Result<std::unique_ptr<KeyJournal>> next = Load(folder, kNextName);
  if (next.ok() && *next != nullptr && store_head && SameHead((*next)->last_.head, *store_head)) {
    COFFER_TRY(folder.Rename(kNextName, kName));
  } else if (store_head) {
    // Not finished, or for a change that the store did not take.
    COFFER_TRY(folder.Remove(kNextName));
  }
  return Load(folder, kName);
}

Result<StoreImage> KeyJournal::Image() const {
  COFFER_ASSIGN_OR_RETURN(const Bytes content, file_->ReadAll());
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(content));
  return StoreImage::Read(reader);
}

Status KeyJournal::Append(const CommitGroup& group) {
  COFFER_ASSIGN_OR_RETURN(const Bytes content, EncodeGroup(group));
  if (torn_) COFFER_TRY(file_->TruncateTo(size_));
  torn_ = false;
  COFFER_TRY(file_->Append(content));
  size_before_last_ = std::exchange(size_, size_ + content.size());
  last_ = group;
  last_is_snapshot_ = false;
  return {};
}

Status KeyJournal::Reopen() {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<KeyJournal> fresh, Load(folder_, kName));
  if (fresh == nullptr) return Error(ErrorCode::kUnavailable, "the key journal is gone");
  file_ = std::move(fresh->file_);
  size_ = fresh->size_;
  size_before_last_ = fresh->size_before_last_;
  torn_ = fresh->torn_;
  last_ = std::move(fresh->last_);
  last_is_snapshot_ = fresh->last_is_snapshot_;
  return {};
}

Status KeyJournal::DropLast() {
  COFFER_CHECK(!last_is_snapshot_ && size_before_last_ > 0);
  COFFER_TRY(file_->TruncateTo(size_before_last_));
  return Reopen();
}

Status KeyJournal::Prepare(const CommitGroup& snapshot) {
  Bytes content = EncodeJournalHeader({.store = store_, .base = snapshot.head.epoch});
  COFFER_ASSIGN_OR_RETURN(const Bytes group, EncodeGroup(snapshot));
  content.insert(content.end(), group.begin(), group.end());
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> next, folder_.Create(kNextName));
  return next->Append(content);
}

Status KeyJournal::Adopt() {
  COFFER_TRY(folder_.Rename(kNextName, kName));
  return Reopen();
}

}  // namespace coffer::keysvc
