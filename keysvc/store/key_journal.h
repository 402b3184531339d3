// KeyJournal: a second copy of the store in another place, complete and up to date: a snapshot, then every commit
// since, each durable before the store takes it. So a lost or rolled-back store is made again from it, and a key that
// was used is never only in the store. Its rows are as public as the store's: wrapped keys, ciphertexts, names.
#pragma once

#include "io/append_file.h"
#include "keysvc/store/store_image.h"

namespace coffer::keysvc {

inline constexpr std::uint64_t kMaxJournalBytes = std::uint64_t{8} << 30;

// What of a journal can be read, however damaged the rest is.
struct SalvagedJournal {
  StoreUuid store;
  StoreImage image;
  std::uint64_t passed_over = 0;  // bytes behind what the image is of; 0: nothing was lost
};

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
  // The one that is there; null when there is none. Only looks: a torn end is passed over, and cut off by the first
  // Append. `store_head`: the store's, which tells whether a replacement that was prepared when the process ended is
  // the journal now. Whatever else is wrong with a replacement, the journal is given. kIntegrity: it is damaged, or
  // none. kUnavailable: a disk does not answer. Others as of AppendFolder::Open.
  static Result<std::unique_ptr<KeyJournal>> Open(AppendFolder& folder, const std::optional<StoredHead>& store_head);
  // The longest part from its beginning that holds together: all groups before the first damage, and with `keys` before
  // the first group that is not authentic. Only looks. Nothing: there is no such file. kIntegrity: not even its first
  // state is there. A replacement that was prepared may be what the store took last, under a new root key.
  enum class Which : std::uint8_t { kJournal, kReplacement };
  static Result<std::optional<SalvagedJournal>> Salvage(AppendFolder& folder, const IntegrityKeys* keys = nullptr,
                                                        Which which = Which::kJournal);
  // Gives the file in the journal's place, whatever it is, the name "key-journal.replaced-<UTC time>", and returns
  // that. Nothing: there is none. Not while the journal is in use.
  static Result<std::optional<std::string>> SetAside(AppendFolder& folder, std::int64_t unix_us);
  // A new one, and what was in its place set aside, a replacement too; at each moment one of them is whole in the
  // folder.
  struct Replaced {
    std::unique_ptr<KeyJournal> journal;
    std::optional<std::string> kept_as;  // the old one's name
  };
  static Result<Replaced> Replace(AppendFolder& folder, StoreUuid store, const CommitGroup& snapshot,
                                  std::int64_t unix_us);

  StoreUuid store() const { return store_; }
  // The last commit, or the snapshot when none followed it; a snapshot's rows are not kept.
  const CommitGroup& last() const { return last_; }
  // Of the state that the last commit changed; nothing for a snapshot.
  std::optional<StoredHead> before_last() const;
  bool holds_snapshot_only() const { return last_is_snapshot_; }
  // It is a replacement that has no name yet: Settle gives it the journal's.
  bool is_replacement() const { return replacement_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t max_bytes() const { return folder_.max_bytes(); }
  Result<StoreImage> Image() const;
  // The head of every state that it has gone through, in order, authentic or not.
  Result<std::vector<StoredHead>> Heads() const;
  // Whether every group of it is authentic, and each makes the state that its head vouches for. kIntegrity when not.
  Status Verify(const IntegrityKeys& keys) const;
  // Once it is believed, before anything is appended: a replacement gets the journal's name, and one that is not needed
  // is removed.
  Status Settle();

  // Whether the file was removed while it was in use: then a renewal makes a whole new one. kUnavailable: another file
  // has its name, or another disk its folder; what is there now is left alone.
  Result<bool> Gone();
  // Durable when ok. kUnavailable: it failed, or the journal is Gone. After a failure the next one first cuts off what
  // it left. kFailedPrecondition: the commit is not the one after the last, or again the last one, which the store did
  // not take. kResourceExhausted: the journal is as long as it may be.
  Status Append(const CommitGroup& group);
  // Takes the commits for this epoch off again, also what a failed Append left of one: the store did not take them, and
  // no later start may. After a failure the next Append does.
  Status Drop(StoreEpoch epoch);

  // A whole new journal in two steps, between which the store may be made to fit it: written beside the old one, then
  // put in its place. After a failed Adopt either is the journal; the next Append or Prepare ends it.
  Status Prepare(const CommitGroup& snapshot);
  Status Adopt();

 private:
  // The end of a state.
  struct Tip {
    std::uint64_t size = 0;
    StoredHead head;
    bool is_snapshot = false;
  };
  struct Prepared {
    std::unique_ptr<AppendFile> file;
    Tip tip;
  };

  static Result<std::unique_ptr<KeyJournal>> Load(AppendFolder& folder, const std::string& name);
  Result<Bytes> Content() const;
  Tip TipNow() const { return {size_, last_.head, last_is_snapshot_}; }
  void GoTo(const Tip& tip);
  void TakePrepared();
  Status Mend();
  Status FinishAdoption();

  AppendFolder& folder_;
  StoreUuid store_;
  std::unique_ptr<AppendFile> file_;
  bool replacement_ = false;
  std::uint64_t size_ = 0;  // of all groups that count
  CommitGroup last_;
  bool last_is_snapshot_ = true;
  bool last_is_ours_ = false;  // appended by this object
  std::optional<Tip> before_;  // what the last epoch's commits changed
  bool unsure_end_ = false;    // bytes of nothing that counts may follow
  bool unusable_ = false;      // the file has to be opened anew
  std::unique_ptr<Prepared> next_;
  bool adopting_ = false;  // a failed Adopt: which of the two has the name is not known
};

}  // namespace coffer::keysvc
