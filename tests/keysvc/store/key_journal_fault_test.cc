// Disks that fail beneath a key journal, and what people do to its file while it is in use.
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "tests/keysvc/store/key_journal_fixture.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc {
namespace {

using testing::JournalledStore;
using testing::kJournalName;
using testing::kNextName;
using testing::SampleKeys;
using testing::SampleRow;
using testing::SampleStoreUuid;

constexpr std::uint64_t kSeeds = kSanitized ? 50 : 300;
constexpr std::uint64_t kStepsOfARenewal = 3;

// Each seed is another way to fail.
class JournalFaultTest : public ::testing::Test {
 protected:
  template <typename Act>
  void ForEachSeed(Act act) {
    for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
      SCOPED_TRACE(seed);
      FaultFolder folder(seed);
      JournalledStore store(folder);
      act(folder, store);
    }
  }
};

TEST_F(JournalFaultTest, ACommitWhoseJournalFailsDoesNotHappenAndTheNextOneWorks) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    folder.CrashAtStep(1);
    EXPECT_EQ(s.Insert(Table::kTenant, 2).error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(s.Head().epoch.value, 1U);
    EXPECT_FALSE(s.Insert(Table::kTenant, 2).ok()) << "the disk is still away";
    folder.Reboot();
    ASSERT_TRUE(s.Insert(Table::kTenant, 2).ok());
    s.ExpectSameStore();
  });
}

TEST_F(JournalFaultTest, APowerCutInACommitLeavesTheJournalWithItOrWithoutIt) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    folder.CrashAtStep(1);
    ASSERT_FALSE(s.Mutate([](StoreMutation& m) -> Status {
                    for (std::uint8_t i = 2; i < 12; ++i)
                      COFFER_TRY(m.Insert(Table::kTenant, SampleRow(Table::kTenant, i)));
                    return {};
                  }).ok());
    folder.Reboot();
    const auto journal = s.Opened();
    ASSERT_TRUE(journal.ok()) << journal.error().ToString();
    EXPECT_GE((*journal)->last().head.epoch.value, 1U);
    EXPECT_TRUE((*journal)->Verify(SampleKeys()).ok());
  });
}

TEST_F(JournalFaultTest, WhatIsAcknowledgedAfterAFailedCommitDoesNotRestOnItsBytes) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    folder.FailAtStep(1);
    EXPECT_EQ(s.Insert(Table::kKek, 2).error().code(), ErrorCode::kUnavailable);
    ASSERT_TRUE(s.Insert(Table::kTenant, 2).ok());
    ASSERT_TRUE(s.Insert(Table::kTenant, 3).ok());
    folder.Reboot();
    s.ExpectSameStore();
  });
}

TEST_F(JournalFaultTest, OfAFailedCommitNothingIsLeftThatALaterStartCouldTake) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    const Bytes before = folder.files()[kJournalName];
    folder.FailAtStep(1);
    ASSERT_FALSE(s.Insert(Table::kKek, 2).ok());
    EXPECT_EQ(folder.files()[kJournalName], before);
  });
}

TEST_F(JournalFaultTest, ACutThatFailsIsMadeBeforeTheNextCommit) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    folder.FailAtStep(1, 2);
    ASSERT_FALSE(s.Insert(Table::kKek, 2).ok());
    folder.FailAtStep(1);
    EXPECT_FALSE(s.Insert(Table::kKek, 2).ok()) << "what the first left cannot be cut off";
    ASSERT_TRUE(s.Insert(Table::kTenant, 2).ok());
    folder.Reboot();
    s.ExpectSameStore();
  });
}

TEST_F(JournalFaultTest, WhatAFailedCommitLeftIsNoPartOfTheJournal) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    folder.FailAtStep(1, 2);
    ASSERT_FALSE(s.Insert(Table::kKek, 2).ok());
    const auto checked = s.store().CheckJournal();
    EXPECT_TRUE(checked.ok()) << checked.error().ToString();
    EXPECT_TRUE(s.journal().Verify(SampleKeys()).ok());
  });
}

TEST_F(JournalFaultTest, OfAReplacementThatMayNotBeOnTheDiskNothingIsLeft) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    folder.FailAtStep(2);
    ASSERT_FALSE(s.store().RenewJournal().ok());
    EXPECT_FALSE(folder.files().contains(kNextName));
  });
}

TEST_F(JournalFaultTest, PowerMayFailAtEveryStepOfRenewing) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    s.Work();
    for (std::uint64_t step = 1; step <= kStepsOfARenewal; ++step) {
      ASSERT_TRUE(s.Insert(Table::kSecretMetadata, static_cast<std::uint8_t>(10 + step)).ok());
      folder.CrashAtStep(step);
      EXPECT_FALSE(s.store().RenewJournal().ok());
      folder.Reboot();
      const auto journal = s.Opened().value();
      ASSERT_NE(journal, nullptr);
      ASSERT_TRUE(journal->Settle().ok());
      s.Restart();
      EXPECT_EQ(s.journal().last().head.mac, s.Head().mac);
      s.ExpectSameStore();
      EXPECT_FALSE(folder.files().contains(kNextName));
    }
    ASSERT_TRUE(s.store().RenewJournal().ok());
  });
}

TEST_F(JournalFaultTest, AStepOfRenewingMayFailAndCommitsGoOn) {
  ForEachSeed([](FaultFolder& folder, JournalledStore& s) {
    s.Work();
    for (std::uint64_t step = 1; step <= kStepsOfARenewal; ++step) {
      SCOPED_TRACE(step);
      ASSERT_TRUE(s.Insert(Table::kSecretMetadata, static_cast<std::uint8_t>(10 + step)).ok());
      folder.FailAtStep(step);
      EXPECT_EQ(s.store().RenewJournal().error().code(), ErrorCode::kUnavailable);
      ASSERT_TRUE(s.Insert(Table::kKek, static_cast<std::uint8_t>(10 + step)).ok());
      folder.Reboot();
      s.ExpectSameStore();
      ASSERT_TRUE(s.Opened().value()->Settle().ok());
      s.Restart();
    }
  });
}

// A store whose commits may fail, and which may not be read after that.
class UnwillingStore final : public KeyStore {
 public:
  Result<std::unique_ptr<StoreTransaction>> Begin() override {
    if (gone) return Error(ErrorCode::kUnavailable, "the store does not answer");
    COFFER_ASSIGN_OR_RETURN(std::unique_ptr<StoreTransaction> transaction, memory.Begin());
    return std::unique_ptr<StoreTransaction>(std::make_unique<Transaction>(std::move(transaction), *this));
  }
  Status PurgeErased() override { return {}; }

  MemoryStore memory;
  bool refuse = false;      // the next commit
  bool refuse_all = false;  // and whatever comes after it
  bool gone = false;

 private:
  class Transaction final : public StoreTransaction {
   public:
    Transaction(std::unique_ptr<StoreTransaction> inner, UnwillingStore& store)
        : inner_(std::move(inner)), store_(store) {}
    Result<std::optional<StoredRow>> Get(Table table, const Row& key) override { return inner_->Get(table, key); }
    Result<std::vector<StoredRow>> Scan(const ScanRequest& request) override { return inner_->Scan(request); }
    Status Insert(Table table, const StoredRow& row) override { return inner_->Insert(table, row); }
    Status Update(Table table, const StoredRow& row) override { return inner_->Update(table, row); }
    Status Erase(Table table, const Row& key) override { return inner_->Erase(table, key); }
    Status ForEachMac(const std::function<void(Table, const Row&, const Digest&)>& visit) override {
      return inner_->ForEachMac(visit);
    }
    Result<std::optional<StoredHead>> GetHead() override { return inner_->GetHead(); }
    Status PutHead(const StoredHead& head) override { return inner_->PutHead(head); }
    Status Commit() override {
      if (!store_.refuse) return inner_->Commit();
      inner_.reset();
      store_.gone = store_.refuse_all;
      return Error(ErrorCode::kUnavailable, "the store did not take it");
    }

   private:
    std::unique_ptr<StoreTransaction> inner_;
    UnwillingStore& store_;
  };
};

class UnwillingStoreTest : public ::testing::Test {
 protected:
  UnwillingStoreTest() {
    AuthenticatedStore plain(store_, SampleStoreUuid(), SampleKeys());
    EXPECT_TRUE(plain.Format().ok());
    journal_ = KeyJournal::Create(folder_, SampleStoreUuid(), plain.Snapshot()->AsGroup()).value();
    authenticated_ = std::make_unique<AuthenticatedStore>(store_, SampleStoreUuid(), SampleKeys(),
                                                          std::make_shared<EpochFloor>(), journal_);
    EXPECT_TRUE(authenticated_->VerifyAll().ok());
    EXPECT_TRUE(Insert(1).ok());
  }
  Status Insert(std::uint8_t number) {
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, authenticated_->Begin());
    COFFER_TRY(mutation.Insert(Table::kTenant, SampleRow(Table::kTenant, number)));
    return mutation.Commit();
  }
  void ExpectInStep() {
    const StoredHead head = **(*store_.Begin())->GetHead();
    const auto journal = KeyJournal::Open(folder_, head).value();
    EXPECT_EQ(journal->last().head.mac, head.mac);
    EXPECT_TRUE(journal->Verify(SampleKeys()).ok());
    EXPECT_TRUE(authenticated_->CheckJournal().ok());
  }

  UnwillingStore store_;
  FaultFolder folder_;
  std::shared_ptr<KeyJournal> journal_;
  std::unique_ptr<AuthenticatedStore> authenticated_;
};

TEST_F(UnwillingStoreTest, ACommitThatTheStoreDidNotTakeIsTakenOffTheJournal) {
  const Bytes before = folder_.files()[kJournalName];
  store_.refuse = true;
  ASSERT_FALSE(Insert(2).ok());
  store_.refuse = false;
  EXPECT_EQ(folder_.files()[kJournalName], before);
  ASSERT_TRUE(Insert(3).ok());
  ExpectInStep();
}

TEST_F(UnwillingStoreTest, OneThatCannotBeTakenOffIsFollowedByAnotherForItsEpoch) {
  store_.refuse = store_.refuse_all = true;
  ASSERT_FALSE(Insert(2).ok());
  store_.refuse = store_.gone = false;
  EXPECT_EQ(journal_->last().head.epoch.value, 2U);
  ASSERT_TRUE(Insert(3).ok());
  EXPECT_EQ(journal_->before_last()->epoch.value, 1U);
  ExpectInStep();
  ASSERT_TRUE(Insert(4).ok());
  ExpectInStep();
}

TEST_F(UnwillingStoreTest, TakingOffMayFailAndIsDoneByTheNextCommit) {
  store_.refuse = true;
  folder_.FailAtStep(2);
  ASSERT_FALSE(Insert(2).ok());
  store_.refuse = false;
  ASSERT_TRUE(Insert(3).ok());
  folder_.Reboot();
  ExpectInStep();
}

// On a disk, while the service runs.
class RemovedJournalTest : public ::testing::Test {
 protected:
  std::string Path(std::string_view name = kJournalName) const { return folder_path_ + "/" + std::string(name); }
  ErrorCode CodeOfInsert(std::uint8_t number) {
    const Status inserted = s_.Insert(Table::kTenant, number);
    return inserted.ok() ? ErrorCode{} : inserted.error().code();
  }
  Bytes Content(const std::string& path) { return ReadFile(path, 1 << 24).value(); }

  TempDir directory_;
  const std::string folder_path_ = MadeFolder();
  std::unique_ptr<AppendFolder> folder_ = DiskFolder(folder_path_, kMaxJournalBytes);
  JournalledStore s_{*folder_};

 private:
  std::string MadeFolder() {
    const std::string path = directory_ / "journal";
    EXPECT_EQ(mkdir(path.c_str(), 0700), 0);
    return path;
  }
};

TEST_F(RemovedJournalTest, OneThatWasRemovedIsMadeAnewAndNoCommitIsAcknowledgedWithoutIt) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  ASSERT_EQ(unlink(Path().c_str()), 0);
  EXPECT_EQ(CodeOfInsert(2), ErrorCode::kUnavailable);
  EXPECT_EQ(s_.Head().epoch.value, 1U);
  s_.ExpectSameStore();
  EXPECT_EQ(CodeOfInsert(2), ErrorCode{});
  s_.ExpectSameStore();
}

TEST_F(RemovedJournalTest, OneThatWasRenamedIsMadeAnewByMaintain) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const Bytes before = Content(Path());
  ASSERT_EQ(rename(Path().c_str(), Path("rotated").c_str()), 0);
  ASSERT_TRUE(s_.store().Maintain().ok());
  EXPECT_EQ(Content(Path("rotated")), before);
  s_.ExpectSameStore();
  EXPECT_EQ(CodeOfInsert(2), ErrorCode{});
  s_.ExpectSameStore();
}

TEST_F(RemovedJournalTest, OneThatWasReplacedIsRefusedAndLeftAloneUntilItIsBack) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const Bytes old = Content(Path());
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  ASSERT_EQ(rename(Path().c_str(), Path("kept").c_str()), 0);
  ASSERT_TRUE(WriteFileDurably(Path(), old, 0600).ok());
  EXPECT_EQ(CodeOfInsert(3), ErrorCode::kUnavailable);
  EXPECT_EQ(CodeOfInsert(3), ErrorCode::kUnavailable);
  EXPECT_EQ(s_.store().Maintain().error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(s_.store().RenewJournal().error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Content(Path()), old);
  EXPECT_EQ(s_.Head().epoch.value, 2U);
  ASSERT_EQ(rename(Path("kept").c_str(), Path().c_str()), 0);
  EXPECT_EQ(CodeOfInsert(3), ErrorCode{});
  s_.ExpectSameStore();
}

TEST_F(RemovedJournalTest, OneWhoseDiskWasUnmountedIsRefused) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const std::string away = directory_ / "away";
  ASSERT_EQ(rename(folder_path_.c_str(), away.c_str()), 0);
  EXPECT_EQ(CodeOfInsert(2), ErrorCode::kUnavailable);
  ASSERT_EQ(mkdir(folder_path_.c_str(), 0700), 0);
  EXPECT_EQ(CodeOfInsert(2), ErrorCode::kUnavailable);
  EXPECT_EQ(s_.store().Maintain().error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(access(Path().c_str(), F_OK), 0) << "no journal beneath the mount point";
  ASSERT_EQ(rmdir(folder_path_.c_str()), 0);
  ASSERT_EQ(rename(away.c_str(), folder_path_.c_str()), 0);
  EXPECT_EQ(CodeOfInsert(2), ErrorCode{});
  s_.ExpectSameStore();
}

TEST_F(RemovedJournalTest, WhatIsNoFileIsRefusedAndNeverWaitedFor) {
  ASSERT_EQ(unlink(Path().c_str()), 0);
  ASSERT_EQ(mkfifo(Path().c_str(), 0600), 0);
  EXPECT_EQ(s_.Opened().error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(KeyJournal::Salvage(*folder_).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfInsert(1), ErrorCode::kUnavailable) << "it was replaced";
  EXPECT_TRUE(KeyJournal::SetAside(*folder_, 0).value().has_value());
  EXPECT_EQ(*s_.Opened(), nullptr);
  ASSERT_EQ(mkdir(Path().c_str(), 0700), 0);
  EXPECT_EQ(s_.Opened().error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(RemovedJournalTest, AFolderOrAPipeInTheReplacementsPlaceHidesNothing) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  ASSERT_EQ(mkfifo(Path(kNextName).c_str(), 0600), 0);
  s_.ExpectSameStore();
  EXPECT_TRUE(s_.Opened().value()->Settle().ok());
  EXPECT_NE(access(Path(kNextName).c_str(), F_OK), 0);
  ASSERT_EQ(mkdir(Path(kNextName).c_str(), 0700), 0);
  s_.ExpectSameStore();
  EXPECT_TRUE(s_.Opened().value()->Settle().ok());
  EXPECT_FALSE(s_.store().RenewJournal().ok());
  s_.ExpectSameStore();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  s_.ExpectSameStore();
}

}  // namespace
}  // namespace coffer::keysvc
