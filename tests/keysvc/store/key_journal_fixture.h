// A store over a key journal, both from nothing, and ways to work on it.
#pragma once

#include "keysvc/store/authenticated_store.h"
#include "keysvc/store/key_journal.h"
#include "tests/keysvc/store/store_fixtures.h"
#include "tests/support/fault_folder.h"

namespace coffer::keysvc::testing {

inline constexpr char kJournalName[] = "key-journal";
inline constexpr char kNextName[] = "key-journal.next";

// `folder` must outlive it.
class JournalledStore {
 public:
  explicit JournalledStore(AppendFolder& folder) : folder_(folder) {
    AuthenticatedStore plain(store_, SampleStoreUuid(), SampleKeys());
    EXPECT_TRUE(plain.Format().ok());
    journal_ = KeyJournal::Create(folder_, SampleStoreUuid(), plain.Snapshot()->AsGroup()).value();
    Restart(journal_);
  }

  // As another process over the same disks.
  void Restart() { Restart(Opened().value()); }
  void Restart(std::shared_ptr<KeyJournal> journal) {
    journal_ = std::move(journal);
    ASSERT_NE(journal_, nullptr);
    authenticated_ = std::make_unique<AuthenticatedStore>(store_, SampleStoreUuid(), SampleKeys(),
                                                          std::make_shared<EpochFloor>(), journal_);
    ASSERT_TRUE(authenticated_->VerifyAll().ok());
  }

  AuthenticatedStore& store() { return *authenticated_; }
  MemoryStore& raw() { return store_; }
  KeyJournal& journal() { return *journal_; }
  StoredHead Head() { return **(*store_.Begin())->GetHead(); }
  Result<std::unique_ptr<KeyJournal>> Opened() { return KeyJournal::Open(folder_, Head()); }

  template <typename Act>
  Status Mutate(Act act) {
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, authenticated_->Begin());
    COFFER_TRY(act(mutation));
    return mutation.Commit();
  }
  Status Insert(Table table, std::uint8_t number) {
    return Mutate([&](StoreMutation& m) { return m.Insert(table, SampleRow(table, number)); });
  }
  Status Erase(Table table, std::uint8_t number) {
    return Mutate([&](StoreMutation& m) { return m.Erase(table, SampleKey(table, number)); });
  }
  // Fills every table, then changes and erases some rows.
  void Work() {
    for (const TableSpec& spec : Schema()) {
      ASSERT_TRUE(Insert(spec.table, 1).ok());
      ASSERT_TRUE(Insert(spec.table, 2).ok());
    }
    ASSERT_TRUE(Mutate([](StoreMutation& m) -> Status {
                  Row row = SampleRow(Table::kTenant, 1);
                  row[1] = std::string("renamed");
                  COFFER_TRY(m.Update(Table::kTenant, row));
                  COFFER_TRY(m.Erase(Table::kSecret, SampleKey(Table::kSecret, 1)));
                  return m.Erase(Table::kDataKey, SampleKey(Table::kDataKey, 2));
                }).ok());
  }
  // Whether the journal that is on the disk alone makes the same store.
  void ExpectSameStore() {
    Result<std::unique_ptr<KeyJournal>> journal = Opened();
    ASSERT_TRUE(journal.ok()) << journal.error().ToString();
    ASSERT_NE(*journal, nullptr);
    const Status verified = (*journal)->Verify(SampleKeys());
    EXPECT_TRUE(verified.ok()) << verified.error().ToString();
    const Result<StoreImage> image = (*journal)->Image();
    ASSERT_TRUE(image.ok()) << image.error().ToString();
    EXPECT_TRUE(image->Verify(SampleStoreUuid(), SampleKeys()).ok());
    MemoryStore copy;
    ASSERT_TRUE(image->WriteTo(copy).ok());
    AuthenticatedStore checked(copy, SampleStoreUuid(), SampleKeys());
    EXPECT_TRUE(checked.VerifyAll().ok());
    for (const TableSpec& spec : Schema()) {
      EXPECT_EQ(*checked.Scan({.table = spec.table}), *authenticated_->Scan({.table = spec.table})) << spec.name;
    }
    EXPECT_EQ(checked.Epoch()->value, Head().epoch.value);
  }
  // The store as it is now, as a file that somebody copied.
  void CopyTo(MemoryStore& copy) { ASSERT_TRUE(authenticated_->Snapshot()->WriteTo(copy).ok()); }

 private:
  AppendFolder& folder_;
  MemoryStore store_;
  std::shared_ptr<KeyJournal> journal_;
  std::unique_ptr<AuthenticatedStore> authenticated_;
};

// All groups of a journal's bytes.
inline std::vector<CommitGroup> GroupsOf(ByteView content) {
  JournalReader reader = *JournalReader::Open(content);
  std::vector<CommitGroup> groups;
  while (std::optional<CommitGroup> group = *reader.Next()) groups.push_back(*std::move(group));
  return groups;
}
// A journal of these, under checksums that are right.
inline Bytes JournalOf(const std::vector<CommitGroup>& groups, StoreUuid store = SampleStoreUuid()) {
  Bytes content = EncodeJournalHeader({.store = store, .base = groups.front().head.epoch});
  for (const CommitGroup& group : groups) {
    const Bytes bytes = *EncodeGroup(group);
    content.insert(content.end(), bytes.begin(), bytes.end());
  }
  return content;
}

}  // namespace coffer::keysvc::testing
