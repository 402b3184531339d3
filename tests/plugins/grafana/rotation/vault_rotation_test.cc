#include "plugins/grafana/rotation/vault_rotation.h"

#include "plugins/grafana/default_secret_key.h"
#include "tests/plugins/grafana/rotation/sqlite_rotation.h"
#include "tests/plugins/grafana/transfer/origin_vault.h"

namespace coffer::grafana {
namespace {

using known_answers::Revealed;
using known_answers::Secret;

constexpr GrafanaKey kKey = GrafanaKey::kSecurity;
const std::string kPath = "grafana/secret_key";
const std::string kNext = "grafana/secret_key.next";
const std::string kPublicDefault(kDefaultSecretKey);

std::optional<SecretBytes> Given(std::string_view key) { return Secret(key); }

class VaultRotationTest : public testing::Test {
 protected:
  Result<VaultRotation> Begin(RotationGoal goal, std::optional<SecretBytes> old_key = std::nullopt) {
    return VaultRotation::Begin(vault_, kKey, goal, std::move(old_key));
  }
  VaultRotation Begun(RotationGoal goal, std::optional<SecretBytes> old_key = std::nullopt) {
    auto rotation = Begin(goal, std::move(old_key));
    EXPECT_TRUE(rotation.ok()) << rotation.error().ToString();
    return std::move(rotation).value();
  }
  ErrorCode BeginError(RotationGoal goal, std::optional<SecretBytes> old_key = std::nullopt) {
    const auto rotation = Begin(goal, std::move(old_key));
    EXPECT_FALSE(rotation.ok());
    return rotation.ok() ? ErrorCode::kInternal : rotation.error().code();
  }
  bool IsPending() { return !CheckNoRotationPending(vault_, kKey).ok(); }
  // As it stands when a rotation was killed before its last step.
  void SetPending() {
    values_.Set(kPath, "first");
    values_.Set(kNext, "second");
  }
  static void ExpectGoes(const VaultRotation& rotation, RotationKind kind, std::string_view from, std::string_view to) {
    EXPECT_EQ(rotation.kind(), kind);
    EXPECT_EQ(Revealed(rotation.keys().target), to);
    ASSERT_FALSE(rotation.keys().old.empty());
    EXPECT_EQ(Revealed(rotation.keys().old[0]), from);
  }
  static void Finish(VaultRotation& rotation) {
    ASSERT_TRUE(rotation.Stage().ok());
    ASSERT_TRUE(rotation.Promote().ok());
  }
  // The vault's key to a new one, which it gives.
  std::string RotateOnce() {
    VaultRotation rotation = Begun(RotationGoal::kNewKey);
    EXPECT_EQ(rotation.kind(), RotationKind::kFresh);
    Finish(rotation);
    return Revealed(rotation.keys().target);
  }

  OriginVault vault_;
  MemoryVault& values_ = vault_.values;
};

TEST_F(VaultRotationTest, ANewKeyIsStagedThenPromoted) {
  values_.Set(kPath, "first");
  VaultRotation rotation = Begun(RotationGoal::kNewKey);
  EXPECT_EQ(rotation.kind(), RotationKind::kFresh);
  EXPECT_EQ(Revealed(rotation.keys().old.at(0)), "first");
  EXPECT_FALSE(rotation.keys().target_may_be_in_use);
  EXPECT_EQ(values_.puts, 0);
  const std::string target = Revealed(rotation.keys().target);
  EXPECT_TRUE(CheckSecretKey(rotation.keys().target).ok());
  EXPECT_FALSE(IsPending());
  ASSERT_TRUE(rotation.Stage().ok());
  EXPECT_EQ(values_.At(kPath), "first") << "Grafana is not handed a key that its database does not have";
  EXPECT_EQ(values_.At(kNext), target);
  EXPECT_TRUE(IsPending());
  ASSERT_TRUE(rotation.Promote().ok());
  EXPECT_EQ(values_.At(kPath), target);
  EXPECT_EQ(rotation.version(), 2U);
  EXPECT_FALSE(IsPending());
}

TEST_F(VaultRotationTest, ASecondRotationReplacesWhatTheFirstStaged) {
  values_.Set(kPath, "first");
  for (int i = 0; i < 3; ++i) RotateOnce();
  EXPECT_EQ(values_.At(kPath), values_.At(kNext));
}

TEST_F(VaultRotationTest, WhatIsPendingGoesOnToTheSameKey) {
  SetPending();
  VaultRotation rotation = Begun(RotationGoal::kNewKey);
  ExpectGoes(rotation, RotationKind::kResume, "first", "second");
  EXPECT_TRUE(rotation.keys().target_may_be_in_use);
  ASSERT_TRUE(rotation.Stage().ok());
  EXPECT_EQ(values_.puts, 0);
  ASSERT_TRUE(rotation.Promote().ok());
  EXPECT_EQ(values_.At(kPath), "second");
  EXPECT_FALSE(IsPending());
}

TEST_F(VaultRotationTest, UndoOfWhatIsPendingGivesItUp) {
  SetPending();
  VaultRotation rotation = Begun(RotationGoal::kUndo);
  ExpectGoes(rotation, RotationKind::kGiveUp, "second", "first");
  ASSERT_TRUE(rotation.Stage().ok());
  EXPECT_TRUE(IsPending());
  ASSERT_TRUE(rotation.Promote().ok());
  EXPECT_EQ(values_.At(kPath), "first");
  EXPECT_FALSE(IsPending());
}

TEST_F(VaultRotationTest, UndoGoesBackToTheVersionBeforeAndAgainForth) {
  values_.Set(kPath, "first");
  values_.Set(kPath, "second");
  for (const std::string expected : {"first", "second"}) {
    VaultRotation rotation = Begun(RotationGoal::kUndo);
    EXPECT_EQ(rotation.kind(), RotationKind::kBack);
    EXPECT_EQ(Revealed(rotation.keys().target), expected);
    ASSERT_TRUE(rotation.Stage().ok());
    EXPECT_TRUE(IsPending());
    ASSERT_TRUE(rotation.Promote().ok());
    EXPECT_EQ(values_.At(kPath), expected);
    EXPECT_FALSE(IsPending());
  }
}

TEST_F(VaultRotationTest, AKeyPutByHandAfterARotationIsNoInterruptedRotation) {
  values_.Set(kPath, "first");
  const std::string second = RotateOnce();
  values_.Set(kPath, "by-hand");
  EXPECT_FALSE(IsPending());
  VaultRotation rotation = Begun(RotationGoal::kNewKey);
  EXPECT_EQ(rotation.kind(), RotationKind::kFresh);
  EXPECT_EQ(Revealed(rotation.keys().old.at(0)), "by-hand");
  EXPECT_NE(Revealed(rotation.keys().target), second);
  ExpectGoes(Begun(RotationGoal::kUndo), RotationKind::kBack, "by-hand", second);
  ASSERT_TRUE(rotation.Stage().ok());
  EXPECT_TRUE(IsPending());
  ASSERT_TRUE(rotation.Promote().ok());
  EXPECT_FALSE(IsPending());
}

// As with a backup that was put back.
TEST_F(VaultRotationTest, TheKeyBeforePutBackByHandIsNoInterruptedRotation) {
  values_.Set(kPath, "first");
  RotateOnce();
  values_.Set(kPath, "first");
  EXPECT_FALSE(IsPending());
  EXPECT_EQ(Begun(RotationGoal::kNewKey).kind(), RotationKind::kFresh);
}

TEST_F(VaultRotationTest, AKeyPutByHandAfterAnUndoOrWhatWasGivenUpIsNoInterruptedRotation) {
  for (const bool gives_up : {false, true}) {
    vault_ = OriginVault();
    values_.Set(kPath, "zeroth");
    values_.Set(kPath, "first");
    VaultRotation rotation = Begun(gives_up ? RotationGoal::kNewKey : RotationGoal::kUndo);
    ASSERT_TRUE(rotation.Stage().ok());
    EXPECT_TRUE(IsPending());
    if (gives_up) {
      VaultRotation given_up = Begun(RotationGoal::kUndo);
      EXPECT_EQ(given_up.kind(), RotationKind::kGiveUp);
      Finish(given_up);
    } else {
      ASSERT_TRUE(rotation.Promote().ok());
    }
    EXPECT_FALSE(IsPending());
    values_.Set(kPath, "by-hand");
    EXPECT_FALSE(IsPending()) << gives_up;
    EXPECT_EQ(Revealed(Begun(RotationGoal::kNewKey).keys().old.at(0)), "by-hand");
  }
}

// The database may be under the key that is next, which then no version of the other path has.
TEST_F(VaultRotationTest, AKeyPutByHandInTheMiddleOfARotationLeavesItPending) {
  values_.Set(kPath, "first");
  VaultRotation interrupted = Begun(RotationGoal::kNewKey);
  const std::string next = Revealed(interrupted.keys().target);
  ASSERT_TRUE(interrupted.Stage().ok());
  values_.Set(kPath, "by-hand");
  EXPECT_EQ(interrupted.Promote().error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(IsPending());
  VaultRotation resumed = Begun(RotationGoal::kNewKey);
  ExpectGoes(resumed, RotationKind::kResume, "by-hand", next);
  Finish(resumed);
  EXPECT_EQ(values_.At(kPath), next);
  EXPECT_FALSE(IsPending());
  values_.Set(kPath, "by-hand-again");
  EXPECT_FALSE(IsPending());
}

TEST_F(VaultRotationTest, ThereMayBeNothingToUndo) {
  EXPECT_EQ(BeginError(RotationGoal::kUndo), ErrorCode::kFailedPrecondition);
  values_.Set(kPath, "first");
  EXPECT_EQ(BeginError(RotationGoal::kUndo), ErrorCode::kFailedPrecondition);
  values_.Set(kPath, "first");
  EXPECT_EQ(BeginError(RotationGoal::kUndo), ErrorCode::kFailedPrecondition) << "the same key";
}

TEST_F(VaultRotationTest, WithoutAnyKeyItIsThePublicDefaultThatIsLeft) {
  const VaultRotation rotation = Begun(RotationGoal::kNewKey);
  EXPECT_EQ(rotation.kind(), RotationKind::kFresh);
  EXPECT_EQ(Revealed(rotation.keys().old.at(0)), kPublicDefault);
  EXPECT_EQ(rotation.keys().old.size(), 1U);
}

TEST_F(VaultRotationTest, AVaultThatDoesNotAnswerIsNotTakenForAnEmptyOne) {
  values_.failure = ErrorCode::kUnavailable;
  EXPECT_EQ(BeginError(RotationGoal::kNewKey), ErrorCode::kUnavailable);
  EXPECT_EQ(BeginError(RotationGoal::kNewKey, Given("of-a-file")), ErrorCode::kUnavailable);
  EXPECT_EQ(values_.puts, 0);
}

TEST_F(VaultRotationTest, AKeyOfAFileBecomesTheVersionBefore) {
  VaultRotation rotation = Begun(RotationGoal::kNewKey, Given("of-a-file"));
  EXPECT_EQ(rotation.kind(), RotationKind::kFresh);
  const std::string target = Revealed(rotation.keys().target);
  ASSERT_TRUE(rotation.Stage().ok());
  EXPECT_EQ(values_.At(kPath), "of-a-file");
  ASSERT_TRUE(rotation.Promote().ok());
  EXPECT_EQ(values_.At(kPath), target);
  EXPECT_EQ(rotation.version(), 2U);
  EXPECT_EQ(Revealed(Begun(RotationGoal::kUndo).keys().target), "of-a-file");
}

TEST_F(VaultRotationTest, ThePublicDefaultIsRotatedAwayAndNeverStored) {
  VaultRotation rotation = Begun(RotationGoal::kNewKey, Given(kPublicDefault));
  ASSERT_TRUE(rotation.Stage().ok());
  EXPECT_EQ(values_.At(kPath), std::nullopt);
  EXPECT_TRUE(IsPending());
  VaultRotation resumed = Begun(RotationGoal::kNewKey, Given(kPublicDefault));
  EXPECT_EQ(resumed.kind(), RotationKind::kResume);
  EXPECT_EQ(Revealed(resumed.keys().old.at(0)), kPublicDefault);
  EXPECT_EQ(BeginError(RotationGoal::kUndo), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(rotation.Promote().ok());
  EXPECT_EQ(rotation.version(), 1U);
  EXPECT_EQ(BeginError(RotationGoal::kUndo), ErrorCode::kFailedPrecondition);
}

TEST_F(VaultRotationTest, AKeyThatTheVaultHasTooIsNoOther) {
  values_.Set(kPath, "first");
  EXPECT_EQ(Begun(RotationGoal::kNewKey, Given("first")).kind(), RotationKind::kFresh);
}

TEST_F(VaultRotationTest, WithAnotherKeyInTheVaultThatIsTheTarget) {
  values_.Set(kPath, "of-the-vault");
  VaultRotation rotation = Begun(RotationGoal::kNewKey, Given("of-a-file"));
  ExpectGoes(rotation, RotationKind::kToVault, "of-a-file", "of-the-vault");
  EXPECT_EQ(rotation.keys().old.size(), 1U);
  EXPECT_TRUE(rotation.keys().needs_old);
  ASSERT_TRUE(rotation.Stage().ok() && rotation.Promote().ok());
  EXPECT_EQ(values_.puts, 0);
}

TEST_F(VaultRotationTest, OfTwoThatRotateOneLoses) {
  values_.Set(kPath, "first");
  VaultRotation one = Begun(RotationGoal::kNewKey);
  VaultRotation other = Begun(RotationGoal::kNewKey);
  ASSERT_TRUE(one.Stage().ok());
  const Status staged = other.Stage();
  ASSERT_FALSE(staged.ok());
  EXPECT_EQ(staged.error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(one.Promote().ok());
}

TEST_F(VaultRotationTest, WhoCannotReadTheNextKeyIsToldSo) {
  for (const ErrorCode code : {ErrorCode::kPermissionDenied, ErrorCode::kUnavailable}) {
    values_.failure = code;
    const Status settled = CheckNoRotationPending(vault_, kKey);
    ASSERT_FALSE(settled.ok());
    EXPECT_EQ(settled.error().code(), code);
    EXPECT_EQ(settled.error().path(), "grafana/secret_key.next");
  }
}

TEST_F(VaultRotationTest, APublicKeyIsNeverGoneOnWith) {
  ASSERT_TRUE(vault_.Put(NextKeyPath(kKey), known_answers::Secret(kDefaultSecretKey), 0).ok());
  const auto begun = VaultRotation::Begin(vault_, kKey, RotationGoal::kNewKey, std::nullopt);
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().code(), ErrorCode::kInvalidArgument);
}

// Interrupted at the first rotation of all, from the public default: the vault has the next key alone.
TEST_F(VaultRotationTest, TheFirstRotationGoesOnFromThePublicDefault) {
  ASSERT_TRUE(vault_.Put(NextKeyPath(kKey), known_answers::Secret("the-next-secret-key"), 0).ok());
  const auto begun = VaultRotation::Begin(vault_, kKey, RotationGoal::kNewKey, std::nullopt);
  ASSERT_TRUE(begun.ok()) << begun.error().ToString();
  EXPECT_EQ(begun->kind(), RotationKind::kResume);
  EXPECT_TRUE(begun->begins_with_default());
}

TEST_F(VaultRotationTest, TheSecretsManagersKeyHasItsOwnPaths) {
  EXPECT_EQ(NextKeyPath(GrafanaKey::kSecretsManager).text(), "grafana/secrets_manager_secret_key.next");
}

// With a database: the vault fails at each of its puts, the run is repeated, and the end is the same.
class VaultAndFileTest : public SqliteRotationTest {
 protected:
  Status Run(RotationGoal goal, std::optional<SecretBytes> old_key = std::nullopt) {
    COFFER_ASSIGN_OR_RETURN(VaultRotation rotation, VaultRotation::Begin(vault_, kKey, goal, std::move(old_key)));
    COFFER_ASSIGN_OR_RETURN(const RotationReport report,
                            TryRotate(rotation.keys(), {}, [&rotation] { return rotation.Stage(); }));
    EXPECT_EQ(report.refusal, RotationRefusal::kNone);
    return rotation.Promote();
  }
  // The database is under the key that Grafana is handed, unless it is handed none for now.
  void ExpectInStep(const Plaintexts& expected) {
    if (!CheckNoRotationPending(vault_, kKey).ok()) return;
    EXPECT_EQ(Read(values_.At(kPath).value()).at("data_source.secure_json_data 2 password"),
              expected.at("data_source.secure_json_data 2 password"));
  }

  OriginVault vault_;
  MemoryVault& values_ = vault_.values;
};

TEST_F(VaultAndFileTest, AFailureOfAnyPutIsMadeGoodByTheNextRun) {
  for (const RotationGoal then : {RotationGoal::kNewKey, RotationGoal::kUndo}) {
    for (int failing = 1; failing <= 3; ++failing) {
      static_cast<void>(RemoveFileDurably(path_));
      GrafanaRows grafana{std::string(kOldKey)};
      PlantEverything(grafana);
      MakeFile(grafana);
      const Plaintexts expected = Read(kOldKey);
      vault_ = OriginVault();
      values_.failing_put = failing;
      const Status first = Run(RotationGoal::kNewKey, Given(kOldKey));
      EXPECT_FALSE(first.ok()) << failing;
      values_.failing_put = 0;
      if (values_.At(kPath)) ExpectInStep(expected);
      const bool was_pending = !CheckNoRotationPending(vault_, kKey).ok();
      if (then == RotationGoal::kUndo && !was_pending) continue;
      const Status second = Run(then, Given(kOldKey));
      EXPECT_TRUE(second.ok()) << failing << second.error().ToString();
      EXPECT_TRUE(CheckNoRotationPending(vault_, kKey).ok());
      ExpectInStep(expected);
      EXPECT_EQ(values_.At(kPath) == std::string(kOldKey), then == RotationGoal::kUndo);
    }
  }
}

TEST_F(VaultAndFileTest, UndoneAndDoneAgain) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  Plaintexts expected = Read(kOldKey);
  expected.erase("data_keys.encrypted_data kms ");
  values_.Set(kPath, std::string(kOldKey));
  for (const RotationGoal goal : {RotationGoal::kNewKey, RotationGoal::kUndo, RotationGoal::kUndo}) {
    ASSERT_TRUE(Run(goal).ok());
    Plaintexts read = Read(values_.At(kPath).value());
    read.erase("data_keys.encrypted_data kms ");
    EXPECT_EQ(read, expected);
  }
}

}  // namespace
}  // namespace coffer::grafana
