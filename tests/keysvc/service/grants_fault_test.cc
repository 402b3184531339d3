// Power, disks and single syncs fail while grants are issued and emergencies begin and end: what was acknowledged is in
// force after any of it, and what is in force is what the store holds.
#include "tests/keysvc/service/lost_answer_store.h"
#include "tests/keysvc/service/people.h"
#include "tests/keysvc/store/store_fixtures.h"

namespace coffer::keysvc {
namespace {

constexpr char kUser[] = "unix:app:20";

class GrantsFaultTest : public ::testing::Test {
 protected:
  // One process's view of the store.
  struct Process {
    Process(std::unique_ptr<KeyStore> opened, StoreUuid uuid, const Clock& clock)
        : files(std::move(opened)), store(*files, uuid, testing::SampleKeys(uuid)) {
      EXPECT_TRUE(store.Format().ok() || store.VerifyAll().ok());
      policies = Policies::Load(store, uuid, clock).value();
      grants = std::make_unique<Grants>(store, uuid, *policies, clock);
      const Status loaded = grants->Load();
      EXPECT_TRUE(loaded.ok()) << loaded.error().ToString();
    }
    std::unique_ptr<KeyStore> files;
    AuthenticatedStore store;
    std::unique_ptr<Policies> policies;
    std::unique_ptr<Grants> grants;
  };

  void SetUp() override { Start("store.db"); }
  void TearDown() override { process.reset(); }
  // A new store with the policy.
  void Start(const std::string& file) {
    process.reset();
    file_ = file;
    Open();
    ApplyPolicy();
  }
  // The same, in memory.
  LostAnswerStore& StartWithLostAnswers() {
    auto files = std::make_unique<LostAnswerStore>();
    LostAnswerStore& beneath = *files;
    process = std::make_unique<Process>(std::move(files), uuid, clock);
    ApplyPolicy();
    return beneath;
  }
  void ApplyPolicy() {
    const std::string text = people.PolicyText(
        1, People::PersonText(people.carol) +
               people.BreakGlassText("minutes = 30\nroles = [\"app\"]\nprincipals = [\"" + std::string(kUser) +
                                     "\"]\noperations = [\"GetSecret\"]\ntenants = \"all\"\n"));
    const auto applied = process->policies->Apply(text, people.Signatures(uuid, text, 1), false, "unix:admin:7");
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
  }
  void Open() { process = std::make_unique<Process>(SqliteStore::Open({file_, vfs.name(), 0}).value(), uuid, clock); }
  // The process ends, the machine comes back.
  void Reboot() {
    process.reset();
    vfs.Reboot();
    Open();
  }

  Status Issue() {
    const std::string text =
        "[grant.issued-debug]\nroles = [\"app\"]\nprincipals = [\"unix:app:7\"]\n"
        "operations = [\"GetSecret\"]\ntenants = \"all\"\nnot_after = 2023-11-15T00:00:00Z\n";
    COFFER_TRY(process->grants->Issue(*process->policies->view(), text, "unix:admin:7", "a test"));
    return {};
  }
  Status Revoke() { return process->grants->Revoke("issued-debug"); }
  Status Activate() {
    const policy::BreakGlassStatement statement{.store = uuid,
                                                .id = policy::ApprovalUuid::Generate(1),
                                                .policy_serial = 1,
                                                .principal = kUser,
                                                .not_after_unix_s = clock.UnixMicros() / 1'000'000 + 1'800,
                                                .reason = "ticket 4711"};
    const std::string text = statement.ToText();
    COFFER_TRY(process->grants->Activate(*process->policies->view(), text, people.offline.Line(text), kUser));
    return {};
  }
  Status End() { return process->grants->EndEmergency(); }

  // What decides now, which has to be what the store says.
  bool InView(std::string_view rule) {
    const PolicyPointer view = process->policies->view();
    return std::any_of(view->rules().begin(), view->rules().end(),
                       [rule](const policy::AccessRule& one) { return one.id == rule; });
  }
  bool HasGrant() {
    EXPECT_EQ(InView("issued-debug"), !process->grants->List()->empty());
    return InView("issued-debug");
  }
  bool HasEmergency() {
    const auto all = process->grants->Emergencies().value();
    EXPECT_EQ(InView("break-glass"), !all.empty() && all.back().active);
    return InView("break-glass");
  }

  // Runs `change` with power failing at each of its steps in turn, from a store that `before` has prepared; `after` is
  // whether the change is there.
  void PowerFails(const std::function<Status()>& before, const std::function<Status()>& change,
                  const std::function<bool()>& after) {
    bool crashed = true;
    for (std::uint64_t step = 1; crashed; ++step) {
      SCOPED_TRACE(step);
      ASSERT_LT(step, 200U);
      Start("store" + std::to_string(number_++) + ".db");
      ASSERT_TRUE(before().ok());
      vfs.CrashAtStep(step);
      const Status changed = change();
      crashed = vfs.crashed();
      vfs.CrashAtStep(0);
      Reboot();
      EXPECT_TRUE(after() || !changed.ok()) << "what was acknowledged is there";
      const bool there = after();
      const Status again = change();
      EXPECT_EQ(again.ok(), !there) << (again.ok() ? "" : again.error().ToString());
      EXPECT_TRUE(after());
    }
  }
  // The same with one sync that fails, while the process goes on.
  void SyncFails(const std::function<Status()>& before, const std::function<Status()>& change,
                 const std::function<bool()>& after) {
    bool failed = true;
    for (std::uint64_t step = 1; failed; ++step) {
      SCOPED_TRACE(step);
      ASSERT_LT(step, 50U);
      Start("store" + std::to_string(number_++) + ".db");
      ASSERT_TRUE(before().ok());
      vfs.FailSyncAtStep(step);
      failed = !change().ok();
      vfs.FailSyncAtStep(0);
      after();  // checks that view and store agree
      EXPECT_TRUE(change().ok() || after());
      EXPECT_TRUE(after());
    }
  }

  const People people;
  const StoreUuid uuid = testing::SampleStoreUuid();
  FakeClock clock;
  FaultVfs vfs{3};
  std::unique_ptr<Process> process;
  std::string file_;
  std::uint64_t number_ = 0;
  const std::function<Status()> nothing = [] { return Status(); };
};

TEST_F(GrantsFaultTest, PowerFailsAtEveryStep) {
  PowerFails(
      nothing, [this] { return Issue(); }, [this] { return HasGrant(); });
  PowerFails([this] { return Issue(); }, [this] { return Revoke(); }, [this] { return !HasGrant(); });
  PowerFails(
      nothing, [this] { return Activate(); }, [this] { return HasEmergency(); });
  PowerFails([this] { return Activate(); }, [this] { return End(); }, [this] { return !HasEmergency(); });
}

TEST_F(GrantsFaultTest, ASyncFailsAndTheProcessGoesOn) {
  SyncFails(
      nothing, [this] { return Issue(); }, [this] { return HasGrant(); });
  SyncFails([this] { return Issue(); }, [this] { return Revoke(); }, [this] { return !HasGrant(); });
  SyncFails(
      nothing, [this] { return Activate(); }, [this] { return HasEmergency(); });
  SyncFails([this] { return Activate(); }, [this] { return End(); }, [this] { return !HasEmergency(); });
}

TEST_F(GrantsFaultTest, AFullDiskLetsNothingIn) {
  vfs.LimitBytes(vfs.TotalBytes());
  EXPECT_EQ(Issue().error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Activate().error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(HasGrant());
  EXPECT_FALSE(HasEmergency());
  vfs.LimitBytes(0);
  EXPECT_TRUE(Issue().ok());
  EXPECT_TRUE(Activate().ok());
  EXPECT_TRUE(HasGrant());
  EXPECT_TRUE(HasEmergency());
}

TEST_F(GrantsFaultTest, ACommitThatFailedAndHappenedCounts) {
  LostAnswerStore& files = StartWithLostAnswers();
  files.fate = LostAnswerStore::Fate::kAnswerLost;
  EXPECT_EQ(Issue().error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(HasGrant());
  EXPECT_EQ(Issue().error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(Revoke().error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(HasGrant());
  EXPECT_EQ(Activate().error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(HasEmergency());
  EXPECT_EQ(End().error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(HasEmergency());
}

TEST_F(GrantsFaultTest, WhatTheStoreHoldsCountsFromTheNextChangeOn) {
  LostAnswerStore& files = StartWithLostAnswers();
  ASSERT_TRUE(Issue().ok());
  files.fate = LostAnswerStore::Fate::kGone;
  EXPECT_EQ(Revoke().error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(InView("issued-debug")) << "nobody knows";
  files.gone = false;
  EXPECT_EQ(Revoke().error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(InView("issued-debug")) << "nobody who revokes it again is left with it";
}

}  // namespace
}  // namespace coffer::keysvc
