// Stores that are lost, put back, damaged or rekeyed, and what brings them back.
#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/keysvc/service/recovery_fixture.h"

namespace coffer::keysvc {
namespace {

TEST_F(RecoveryTest, RestartFindsStoreAndJournalInStep) {
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok());
  ExpectEverythingThere(home_);
  const auto checked = home_.operators->Check(admin);
  ASSERT_TRUE(checked.ok()) << checked.error().ToString();
  EXPECT_TRUE(checked->journal_complete);
  EXPECT_GT(checked->rows, 10U);
}

TEST_F(RecoveryTest, TheStoreIsGoneAndTheJournalAndTheIdentityAloneBringItBack) {
  home_.store = std::make_unique<MemoryStore>();
  home_.Restart();
  EXPECT_EQ(home_.barrier->state(), BarrierState::kUninitialised);
  EXPECT_EQ(home_.operators->Init(admin, KeyFileSeal{folder / "b.key", true}, {}, true).error().code(),
            ErrorCode::kFailedPrecondition)
      << "a journal of a store that is gone is not written over";
  const auto plan = Recover(home_, Identity(), false);
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_FALSE(plan->repaired);
  EXPECT_EQ(home_.barrier->state(), BarrierState::kUninitialised) << "explaining changes nothing";
  const auto done = Recover(home_, Identity(), true);
  ASSERT_TRUE(done.ok()) << done.error().ToString();
  EXPECT_TRUE(done->repaired && done->from_journal);
  ExpectEverythingThere(home_);
  Work();
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok()) << "the old slots are there too";
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, YesterdaysStoreIsRefusedAndRecoverRepairsIt) {
  std::unique_ptr<MemoryStore> yesterday = CopyOfStore(*home_.store);
  Work();
  Work();
  home_.store = std::move(yesterday);
  home_.Restart();
  ExpectRolledBack(home_, "older than its key journal");
  const auto plan = Recover(home_, KeyFile(), false);
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_EQ(plan->fit, JournalFit::kStoreOlder);
  EXPECT_LT(plan->store_epoch.value, plan->source_epoch.value);
  EXPECT_GT(plan->difference.rows_added, 0U);
  EXPECT_EQ(Recover(home_, KeyFileSeal{folder / "none", true}, true).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(Recover(home_, KeyFile(), true).ok());
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, OneCommitThatOnlyTheJournalTookIsTakenAtTheNextStart) {
  std::unique_ptr<MemoryStore> before = CopyOfStore(*home_.store);
  ASSERT_TRUE(home_.keys->CreateTenant(admin, "late").ok());
  home_.store = std::move(before);
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok());
  EXPECT_EQ(home_.keys->CreateTenant(admin, "late").error().code(), ErrorCode::kAlreadyExists);
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, AJournalThatIsGoneCutDamagedOrForeignServesNothing) {
  const Bytes good = home_.journal.files()[kJournal];
  struct Case {
    const char* name;
    std::function<void()> spoil;
    const char* words;
  };
  const Case cases[] = {
      {"gone", [&] { home_.journal.files().erase(kJournal); }, "journal is gone"},
      {"cut", [&] { home_.journal.files()[kJournal].resize(good.size() - 700); }, "newer than its key journal"},
      {"empty", [&] { home_.journal.files()[kJournal].clear(); }, "damaged"},
      {"zeroed", [&] { home_.journal.files()[kJournal].assign(good.size(), std::byte{0}); }, "damaged"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    home_.journal.files()[kJournal] = good;
    one.spoil();
    home_.Restart();
    ExpectRolledBack(home_, one.words);
  }
  const auto refused = Recover(home_, KeyFile(), true);
  ASSERT_FALSE(refused.ok()) << "nothing says that the store is not older";
  const auto begun = Recover(home_, KeyFile(), true, true);
  ASSERT_TRUE(begun.ok()) << begun.error().ToString();
  ExpectEverythingThere(home_);
  Work();
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok());
}

TEST_F(RecoveryTest, AJournalOfAnotherStoreIsRefused) {
  Home other(*this);
  other.Open();
  ASSERT_TRUE(other.operators->Init(admin, KeyFileSeal{folder / "other.key", true}, {}, true).ok());
  home_.journal.files()[kJournal] = other.journal.files()[kJournal];
  home_.Restart();
  ExpectRolledBack(home_, "of another store");
  EXPECT_EQ(Recover(home_, KeyFile(), true).error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(RecoveryTest, ABackupBringsBackWhatItHoldsToWhomHasTheIdentity) {
  const std::string path = folder / "coffer.backup";
  const auto backup = home_.operators->Backup(admin, path);
  ASSERT_TRUE(backup.ok()) << backup.error().ToString();
  EXPECT_EQ(backup->recipients, std::vector<AgeRecipient>{identity_.Recipient()});
  EXPECT_EQ(home_.operators->Backup(admin, path).error().code(), ErrorCode::kAlreadyExists);
  Home elsewhere(*this);
  elsewhere.Open();
  EXPECT_FALSE(Recover(elsewhere, KeyFile(), true).ok()) << "nothing is there";
  OperatorService::RecoverRequest stranger;
  stranger.source = KeyFile();
  stranger.backup_path = path;
  stranger.identities.push_back(AgeIdentity::Generate());
  EXPECT_EQ(elsewhere.operators->Recover(admin, stranger).error().code(), ErrorCode::kDecryptFailed);
  const auto done = Recover(elsewhere, Identity(), true, false, path);
  ASSERT_TRUE(done.ok()) << done.error().ToString();
  EXPECT_FALSE(done->from_journal);
  ExpectEverythingThere(elsewhere);
}

TEST_F(RecoveryTest, TheNewerOfJournalAndBackupIsTaken) {
  const std::string path = folder / "coffer.backup";
  ASSERT_TRUE(home_.operators->Backup(admin, path).ok());
  Work();
  home_.store = std::make_unique<MemoryStore>();
  home_.Restart();
  const auto done = Recover(home_, Identity(), true, false, path);
  ASSERT_TRUE(done.ok()) << done.error().ToString();
  EXPECT_TRUE(done->from_journal);
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, ADamagedBackupIsRefusedAndNothingIsWritten) {
  const std::string path = folder / "coffer.backup";
  ASSERT_TRUE(home_.operators->Backup(admin, path).ok());
  Bytes file = ReadFile(path, 1 << 24).value();
  file[file.size() / 2] ^= std::byte{1};
  ASSERT_TRUE(WriteFileDurably(path, file, 0600).ok());
  Home elsewhere(*this);
  elsewhere.Open();
  EXPECT_EQ(Recover(elsewhere, Identity(), true, false, path).error().code(), ErrorCode::kDecryptFailed);
  EXPECT_EQ(elsewhere.barrier->state(), BarrierState::kUninitialised);
}

TEST_F(RecoveryTest, RekeyShutsTheOldSlotsOutAndKeepsEverything) {
  const KeyFileSeal fresh{.path = folder / "new.key", .allow_same_device = true};
  std::vector<NewSeal> seals;
  seals.emplace_back(fresh);
  seals.emplace_back(NewShares{.plan = {.threshold = 2, .count = 3}});
  EXPECT_EQ(home_.plain_operators->Rekey(admin, seals).error().code(), ErrorCode::kFailedPrecondition);
  const auto shares = home_.operators->Rekey(admin, seals);
  ASSERT_TRUE(shares.ok()) << shares.error().ToString();
  EXPECT_EQ(shares->size(), 3U);
  ExpectEverythingThere(home_);
  Work();
  home_.Restart();
  EXPECT_EQ(home_.admin->Unseal(admin, KeyFile()).error().code(), ErrorCode::kPermissionDenied);
  ASSERT_TRUE(home_.admin->UnsealByShare(admin, (*shares)[2].ToText()).ok());
  EXPECT_EQ(home_.barrier->state(), BarrierState::kSealed);
  ASSERT_TRUE(home_.admin->UnsealByShare(admin, (*shares)[0].ToText()).ok());
  ExpectEverythingThere(home_);
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, Identity()).ok()) << "the recovery slot came along";
  ASSERT_TRUE(home_.admin->Seal(admin).ok());
  ASSERT_TRUE(home_.admin->Unseal(admin, fresh).ok());
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, PowerMayFailAtEveryStepOfTheJournalsPartOfARekey) {
  for (std::uint64_t step = 1; step <= 4; ++step) {
    SCOPED_TRACE(step);
    std::vector<NewSeal> seals;
    const KeyFileSeal fresh{.path = folder / ("k" + std::to_string(step)), .allow_same_device = true};
    seals.emplace_back(fresh);
    home_.journal.CrashAtStep(step);
    const bool rekeyed = home_.operators->Rekey(admin, seals).ok();
    home_.journal.Reboot();
    home_.Restart();
    const auto by_old = home_.admin->Unseal(admin, current_);
    if (!by_old.ok()) {
      ASSERT_TRUE(home_.admin->Unseal(admin, fresh).ok()) << "one of the two opens";
      current_ = fresh;
    }
    EXPECT_TRUE(!rekeyed || !by_old.ok());
    ExpectEverythingThere(home_);
    Work();
  }
}

TEST_F(RecoveryTest, SharesAreJudgedOneByOne) {
  ASSERT_TRUE(home_.operators->AddSlot(admin, NewSeal(NewShares{.plan = {.threshold = 3, .count = 5}}), "board").ok());
  Home other(*this);
  other.Open();
  const auto foreign = other.operators->Init(admin, NewShares{.plan = {.threshold = 2, .count = 2}}, {}, true);
  ASSERT_TRUE(foreign.ok());
  const auto made = home_.operators->AddSlot(admin, NewSeal(NewShares{.plan = {.threshold = 2, .count = 3}}), "");
  ASSERT_TRUE(made.ok());
  const std::vector<Share>& shares = made->shares;
  ASSERT_TRUE(home_.admin->Seal(admin).ok());
  EXPECT_EQ(home_.admin->UnsealByShare(admin, foreign->shares[0].ToText()).error().code(), ErrorCode::kInvalidArgument);
  const auto first = home_.admin->UnsealByShare(admin, shares[0].ToText());
  ASSERT_TRUE(first.ok()) << first.error().ToString();
  EXPECT_EQ(first->missing, 1U);
  EXPECT_EQ(home_.admin->UnsealByShare(admin, shares[0].ToText()).error().code(), ErrorCode::kAlreadyExists);
  SecretBytes flipped = shares[1].ToText();
  std::byte& letter = flipped.ExposeMutable(SecretAccess::kTest)[20];
  letter = letter == std::byte{'a'} ? std::byte{'b'} : std::byte{'a'};
  EXPECT_EQ(home_.admin->UnsealByShare(admin, flipped).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(home_.barrier->state(), BarrierState::kSealed);
  clock.Advance(Barrier::kShareMemoryUs + 1);
  const auto later = home_.admin->UnsealByShare(admin, shares[1].ToText());
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(later->missing, 1U) << "the first was forgotten";
  ASSERT_TRUE(home_.admin->UnsealByShare(admin, shares[2].ToText()).ok());
  EXPECT_EQ(home_.barrier->state(), BarrierState::kUnsealed);
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, SlotsAreAddedAndRemovedButNotTheLastOnes) {
  const auto slots = [&] { return *home_.operators->ListSlots(admin); };
  ASSERT_EQ(slots().size(), 2U);
  EXPECT_EQ(home_.operators->AddSlot(admin, NewSeal(CommandSeal{}), "").error().code(), ErrorCode::kFailedPrecondition)
      << "no command is configured";
  RecoveryProof wrong = Proof(home_);
  wrong.answer = SecretBytes(32);
  EXPECT_EQ(home_.operators->AddSlot(admin, std::move(wrong), "").error().code(), ErrorCode::kPermissionDenied);
  KeyId recovery;
  KeyId key_file;
  for (const SealSlotRecord& slot : slots()) {
    (std::holds_alternative<RecoverySlot>(slot.params) ? recovery : key_file) = slot.slot;
  }
  EXPECT_EQ(home_.operators->RemoveSlot(admin, recovery, false).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(home_.operators->RemoveSlot(admin, KeyId{5}, false).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(home_.operators->RemoveSlot(admin, key_file, false).ok());
  EXPECT_EQ(home_.operators->RemoveSlot(admin, recovery, true).error().code(), ErrorCode::kFailedPrecondition)
      << "the last way in";
  ASSERT_TRUE(home_.admin->Seal(admin).ok());
  EXPECT_EQ(home_.admin->Unseal(admin, KeyFile()).error().code(), ErrorCode::kPermissionDenied);
  ASSERT_TRUE(home_.admin->Unseal(admin, Identity()).ok());
}

TEST_F(RecoveryTest, RecoveryThatWasNotProvenIsNoRecovery) {
  Home other(*this);
  other.Open();
  RecoveryProof proof = Proof(other);
  RecoveryProof replayed{.recipients = proof.recipients, .answer = proof.answer.Clone()};
  RecoveryProof for_others{.recipients = {AgeIdentity::Generate().Recipient()}, .answer = proof.answer.Clone()};
  EXPECT_EQ(other.operators->Init(admin, KeyFileSeal{folder / "x", true}, std::move(for_others), false).error().code(),
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(other.operators->Init(admin, KeyFileSeal{folder / "x", true}, std::move(replayed), false).error().code(),
            ErrorCode::kPermissionDenied)
      << "a challenge is used up by a wrong answer, too";
  RecoveryProof late = Proof(other);
  clock.Advance(OperatorService::kChallengeUs + 1);
  EXPECT_EQ(other.operators->Init(admin, KeyFileSeal{folder / "x", true}, std::move(late), false).error().code(),
            ErrorCode::kPermissionDenied);
  EXPECT_TRUE(other.operators->Init(admin, KeyFileSeal{folder / "x", true}, Proof(other), false).ok());
}

TEST_F(RecoveryTest, OnlyTheLocalAdministratorDoesAnyOfIt) {
  Caller remote = admin;
  remote.local = false;
  EXPECT_EQ(home_.operators->Backup(remote, "/x").error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(home_.operators->Check(remote).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(home_.operators->RemoveSlot(remote, KeyId{1}, true).error().code(), ErrorCode::kPermissionDenied);
  for (const Caller& caller : {app, dba, auditor}) {
    EXPECT_EQ(home_.operators->Backup(caller, "/x").error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(home_.operators->ListSlots(caller).error().code(), ErrorCode::kPermissionDenied);
    OperatorService::RecoverRequest request;
    request.source = KeyFile();
    EXPECT_EQ(home_.operators->Recover(caller, request).error().code(), ErrorCode::kPermissionDenied);
  }
}

}  // namespace
}  // namespace coffer::keysvc
