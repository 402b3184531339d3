// KeyJournal: a second copy of the store in another place, complete and up to date: a snapshot, then every commit
// since, each durable before the store takes it. So a lost or rolled-back store is made again from it, and a key that
// was used is never only in the store. Its rows are as public as the store's: wrapped keys, ciphertexts, names.
#pragma once

#include "io/append_file.h"
#include "keysvc/store/store_image.h"

namespace coffer::keysvc {

inline constexpr std::uint64_t kMaxJournalBytes = std::uint64_t{8} << 30;

// Not thread-safe: its store's transaction guards it.
class KeyJournal {
 public:
  // For the functions below, which have the key.
  class Key {
    friend class KeyJournal;
    Key() = default;
  };
  KeyJournal(Key, AppendFolder& folder, StoreUuid store) : folder_(folder), store_(store) {}

  // A new one, in place of what has its name. `folder` must outlive it.
  static Result<std::unique_ptr<KeyJournal>> Create(AppendFolder& folder, StoreUuid store, const CommitGroup& snapshot);
  // The one that is there; null when there is none. `store_head`: the store's, which tells whether a replacement that
  // was prepared when the process ended is the journal now. kIntegrity: it is damaged. A torn end is passed over, and
  // cut off by the first Append: looking at a journal leaves it as it is.
  static Result<std::unique_ptr<KeyJournal>> Open(AppendFolder& folder, const std::optional<StoredHead>& store_head);

  StoreUuid store() const { return store_; }
  // The last commit, or the snapshot when none followed it.
  const CommitGroup& last() const { return last_; }
  bool holds_snapshot_only() const { return last_is_snapshot_; }
  std::uint64_t size() const { return size_; }
  Result<StoreImage> Image() const;

  // Durable when ok. After a failure the journal takes nothing more until Reopen.
  Status Append(const CommitGroup& group);
  Status Reopen();
  // Takes the last group off again: of a commit that the store did not take.
  Status DropLast();

  // A whole new journal in two steps, between which the store may be made to fit it: written beside the old one, then
  // put in its place.
  Status Prepare(const CommitGroup& snapshot);
  Status Adopt();

 private:
  static Result<std::unique_ptr<KeyJournal>> Load(AppendFolder& folder, const std::string& name);

  AppendFolder& folder_;
  StoreUuid store_;
  std::unique_ptr<AppendFile> file_;
  std::uint64_t size_ = 0;
  std::uint64_t size_before_last_ = 0;
  bool torn_ = false;  // bytes of no whole group follow
  CommitGroup last_;
  bool last_is_snapshot_ = true;
};

}  // namespace coffer::keysvc
