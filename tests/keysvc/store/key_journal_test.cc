#include "keysvc/store/key_journal.h"

#include "keysvc/store/authenticated_store.h"
#include "tests/keysvc/store/store_fixtures.h"
#include "tests/support/fault_folder.h"

namespace coffer::keysvc {
namespace {

using testing::SampleKey;
using testing::SampleKeys;
using testing::SampleRow;
using testing::SampleStoreUuid;

constexpr char kName[] = "key-journal";
constexpr char kNext[] = "key-journal.next";

// A store over a journal, both from nothing.
class KeyJournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AuthenticatedStore plain(store_, SampleStoreUuid(), SampleKeys());
    ASSERT_TRUE(plain.Format().ok());
    journal_ = *KeyJournal::Create(folder_, SampleStoreUuid(), plain.Snapshot()->AsGroup());
    OpenStore();
  }
  void OpenStore() {
    authenticated_ = std::make_unique<AuthenticatedStore>(store_, SampleStoreUuid(), SampleKeys(),
                                                          std::make_shared<EpochFloor>(), journal_);
    ASSERT_TRUE(authenticated_->VerifyAll().ok());
  }
  template <typename Act>
  Status Mutate(Act act) {
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, authenticated_->Begin());
    COFFER_TRY(act(mutation));
    return mutation.Commit();
  }
  Status Insert(Table table, std::uint8_t number) {
    return Mutate([&](StoreMutation& m) { return m.Insert(table, SampleRow(table, number)); });
  }
  StoredHead Head() { return **(*store_.Begin())->GetHead(); }
  Result<std::unique_ptr<KeyJournal>> Reopened() { return KeyJournal::Open(folder_, Head()); }
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
  // Whether the journal alone makes the same store.
  void ExpectSameStore() {
    Result<std::unique_ptr<KeyJournal>> journal = Reopened();
    ASSERT_TRUE(journal.ok()) << journal.error().ToString();
    const Result<StoreImage> image = (*journal)->Image();
    ASSERT_TRUE(image.ok()) << image.error().ToString();
    ASSERT_TRUE(image->Verify(SampleStoreUuid(), SampleKeys()).ok());
    MemoryStore copy;
    ASSERT_TRUE(image->WriteTo(copy).ok());
    AuthenticatedStore checked(copy, SampleStoreUuid(), SampleKeys());
    EXPECT_TRUE(checked.VerifyAll().ok());
    for (const TableSpec& spec : Schema()) {
      EXPECT_EQ(*checked.Scan({.table = spec.table}), *authenticated_->Scan({.table = spec.table})) << spec.name;
    }
    EXPECT_EQ(checked.Epoch()->value, Head().epoch.value);
  }

  MemoryStore store_;
  FaultFolder folder_;
  std::shared_ptr<KeyJournal> journal_;
  std::unique_ptr<AuthenticatedStore> authenticated_;
};

TEST_F(KeyJournalTest, TheJournalAloneMakesTheStoreAgain) {
  Work();
  ExpectSameStore();
}

TEST_F(KeyJournalTest, RenewingKeepsTheStoreAndForgetsWhatWasErased) {
  Work();
  Bytes erased;
  ASSERT_TRUE(EncodeStoredRow(ViewsOf(SampleRow(Table::kDataKey, 2)), erased).ok());
  const auto holds_it = [&] {
    const Bytes& content = folder_.files()[kName];
    return std::search(content.begin(), content.end(), erased.begin(), erased.end()) != content.end();
  };
  EXPECT_TRUE(holds_it());
  const std::uint64_t before = journal_->size();
  ASSERT_TRUE(authenticated_->RenewJournal().ok());
  EXPECT_LT(journal_->size(), before);
  EXPECT_FALSE(holds_it());
  ExpectSameStore();
  ASSERT_TRUE(Insert(Table::kTenant, 3).ok());
  ExpectSameStore();
}

TEST_F(KeyJournalTest, ATornEndAtEveryByteIsCutOffAndNothingBeforeItIsLost) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  const std::size_t whole = folder_.files()[kName].size();
  ASSERT_TRUE(Insert(Table::kTenant, 2).ok());
  const Bytes content = folder_.files()[kName];
  for (std::size_t size = whole; size < content.size(); ++size) {
    folder_.files()[kName].assign(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(size));
    const auto journal = Reopened();
    ASSERT_TRUE(journal.ok()) << size;
    EXPECT_EQ((*journal)->last().head.epoch.value, 1U);
    EXPECT_EQ(folder_.files()[kName].size(), size) << "looking changes nothing";
    EXPECT_EQ((*journal)->size(), whole);
  }
}

TEST_F(KeyJournalTest, ATornEndIsCutOffByTheNextCommit) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  folder_.files()[kName].resize(folder_.files()[kName].size() + 5, std::byte{7});
  journal_ = *Reopened();
  OpenStore();
  ASSERT_TRUE(Insert(Table::kTenant, 2).ok());
  ExpectSameStore();
}

TEST_F(KeyJournalTest, DamageWithCommitsBehindItIsNoTornEnd) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  const std::size_t middle = folder_.files()[kName].size() - 40;
  ASSERT_TRUE(Insert(Table::kTenant, 2).ok());
  folder_.files()[kName][middle] ^= std::byte{1};
  const Bytes damaged = folder_.files()[kName];
  const auto journal = Reopened();
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(journal.error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(folder_.files()[kName], damaged);
}

TEST_F(KeyJournalTest, EveryFlippedBitIsNoticedOrCutOff) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  ASSERT_TRUE(Insert(Table::kTenant, 2).ok());
  const Bytes content = folder_.files()[kName];
  for (std::size_t i = 0; i < content.size(); ++i) {
    folder_.files()[kName] = content;
    folder_.files()[kName][i] ^= std::byte{1};
    const auto journal = Reopened();
    EXPECT_TRUE(!journal.ok() || (*journal)->last().head.epoch.value < 2) << i;
  }
}

TEST_F(KeyJournalTest, AnAlteredRowWithARightChecksumFailsTheImage) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  Bytes content = folder_.files()[kName];
  JournalReader reader = *JournalReader::Open(content);
  Bytes forged = EncodeJournalHeader(reader.header());
  while (std::optional<CommitGroup> group = *reader.Next()) {
    for (RowChange& change : group->changes) (*change.columns)[1] = std::string("forged");
    const Bytes bytes = *EncodeGroup(*group);
    forged.insert(forged.end(), bytes.begin(), bytes.end());
  }
  folder_.files()[kName] = forged;
  const auto journal = Reopened();
  ASSERT_TRUE(journal.ok());
  const Status verified = (*journal)->Image()->Verify(SampleStoreUuid(), SampleKeys());
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().code(), ErrorCode::kIntegrity);
}

TEST_F(KeyJournalTest, WhatIsNoJournalIsRefused) {
  for (const Bytes& content : {Bytes{}, Bytes(100), CopyOf(AsBytes("SQLite format 3"))}) {
    folder_.files()[kName] = content;
    EXPECT_FALSE(Reopened().ok());
  }
  folder_.files().erase(kName);
  EXPECT_EQ(*Reopened(), nullptr);
}

TEST_F(KeyJournalTest, ACommitWhoseJournalFailsDoesNotHappenAndTheNextOneWorks) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  folder_.CrashAtStep(1);
  EXPECT_EQ(Insert(Table::kTenant, 2).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Head().epoch.value, 1U);
  EXPECT_FALSE(Insert(Table::kTenant, 2).ok()) << "the disk is still away";
  folder_.Reboot();
  ASSERT_TRUE(Insert(Table::kTenant, 2).ok());
  ExpectSameStore();
}

TEST_F(KeyJournalTest, OfTwoGroupsForOneEpochTheLaterCounts) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  // A commit that the journal has and the store did not take.
  const Bytes before = folder_.files()[kName];
  ASSERT_TRUE(Insert(Table::kTenant, 2).ok());
  const Bytes with_failed = folder_.files()[kName];
  // The store as it was, and another commit instead.
  MemoryStore other;
  folder_.files()[kName] = before;
  ASSERT_TRUE((*Reopened())->Image()->WriteTo(other).ok());
  folder_.files()[kName] = with_failed;
  journal_ = *Reopened();
  AuthenticatedStore again(other, SampleStoreUuid(), SampleKeys(), std::make_shared<EpochFloor>(), journal_);
  ASSERT_TRUE(again.VerifyAll().ok());
  StoreMutation mutation = *again.Begin();
  ASSERT_TRUE(mutation.Insert(Table::kTenant, SampleRow(Table::kTenant, 3)).ok());
  ASSERT_TRUE(mutation.Commit().ok());
  const StoreImage image = *journal_->Image();
  EXPECT_TRUE(image.Verify(SampleStoreUuid(), SampleKeys()).ok());
  EXPECT_EQ(image.RowsOf(Table::kTenant).size(), 2U);
}

TEST_F(KeyJournalTest, RedoBringsTheStoreToTheNextEpochAndNowhereElse) {
  ASSERT_TRUE(Insert(Table::kTenant, 1).ok());
  MemoryStore behind;
  ASSERT_TRUE(journal_->Image()->WriteTo(behind).ok());
  ASSERT_TRUE(Insert(Table::kKek, 7).ok());
  const CommitGroup last = journal_->last();
  ASSERT_TRUE(RedoGroup(last, behind).ok());
  AuthenticatedStore checked(behind, SampleStoreUuid(), SampleKeys());
  EXPECT_TRUE(checked.VerifyAll().ok());
  EXPECT_EQ(RedoGroup(last, behind).error().code(), ErrorCode::kIntegrity) << "it is there already";
}

TEST_F(KeyJournalTest, PowerMayFailAtEveryStepOfRenewing) {
  Work();
  const std::uint64_t first = folder_.steps();
  ASSERT_TRUE(authenticated_->RenewJournal().ok());
  const std::uint64_t steps = folder_.steps() - first;
  ASSERT_GE(steps, 3U);
  for (std::uint64_t step = 1; step <= steps; ++step) {
    ASSERT_TRUE(Insert(Table::kSecretMetadata, static_cast<std::uint8_t>(10 + step)).ok());
    folder_.CrashAtStep(step);
    EXPECT_FALSE(authenticated_->RenewJournal().ok());
    folder_.Reboot();
    journal_ = *Reopened();
    ASSERT_NE(journal_, nullptr);
    EXPECT_EQ(journal_->last().head.mac, Head().mac);
    OpenStore();
    ExpectSameStore();
    EXPECT_FALSE(folder_.files().contains(kNext));
  }
}

}  // namespace
}  // namespace coffer::keysvc
