// What cannot be done is not asked of others: nobody signs for nothing, and an approval is not used up by a refusal
// that was known before.
#include <filesystem>

#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

class UnaskableTest : public ServiceFixture {
 protected:
  void SetUp() override {
    StartShop();
    people.Apply(access, barrier->Enter().value()->uuid);
  }
  // The error's code of `act`, which was asked for and left nothing that waits; "asked" when it did.
  template <typename Act>
  std::string Asked(const Act& act) {
    Caller asking = admin;
    asking.approval.reason = "a test";
    const auto refused = act(asking);
    if (refused.ok()) return "done";
    const bool says_so = !recorded.records.back().asked.empty();
    const bool waits = !access.ListApprovals(admin)->empty();
    EXPECT_EQ(waits, says_so);
    return waits ? "asked" : std::string(ErrorCodeName(refused.error().code()));
  }
  std::string AskedToAdd(NewSeal seal, const std::string& label = "") {
    const WantedSeal wanted(std::move(seal));
    return Asked([&](const Caller& by) { return plain_operators.AddSlot(by, wanted, label); });
  }
  std::string AskedToRemove(KeyId slot, bool accept_total_loss = false) {
    return Asked([&](const Caller& by) { return plain_operators.RemoveSlot(by, slot, accept_total_loss); });
  }
  std::string AskedToRekey(std::vector<NewSeal> seals) {
    return Asked([&](const Caller& by) { return plain_operators.Rekey(by, seals); });
  }
  template <typename... Seals>
  static std::vector<NewSeal> All(Seals... seals) {
    std::vector<NewSeal> all;
    (all.emplace_back(std::move(seals)), ...);
    return all;
  }
  static PassphraseSeal Passphrase(const std::string& text) { return {SecretBytes::CopyOf(AsBytes(text))}; }
  KeyFileSeal NewFile(const std::string& name) const { return {.path = folder / name, .allow_same_device = true}; }
  KeyId SlotOfKind(SealSlotKind kind) {
    const std::vector<SealSlotRecord> slots = plain_operators.ListSlots(admin).value();
    for (const SealSlotRecord& slot : slots) {
      if (KindOf(slot.params) == kind) return slot.slot;
    }
    ADD_FAILURE() << "no slot of this kind";
    return {};
  }

  const People& people = approver.people;
};

TEST_F(UnaskableTest, ASlotThatCannotBeMade) {
  EXPECT_EQ(AskedToAdd(CommandSeal{}), "failed_precondition") << "no command is configured";
  EXPECT_EQ(AskedToAdd(Pkcs11Seal{}), "failed_precondition") << "no token is configured";
  EXPECT_EQ(AskedToAdd(Passphrase("short")), "invalid_argument");
  EXPECT_EQ(AskedToAdd(NewShares{.plan = {.threshold = 3, .count = 2}}), "invalid_argument");
  EXPECT_EQ(AskedToAdd(NewRecovery{}), "invalid_argument") << "for nobody";
  EXPECT_EQ(AskedToAdd(KeyFileSeal{"relative", true}), "invalid_argument");
  EXPECT_EQ(AskedToAdd(KeyFile()), "already_exists") << "its file is there";
  EXPECT_EQ(AskedToAdd(NewFile("new.key"), std::string(kMaxSlotLabel + 1, 'l')), "invalid_argument");
  EXPECT_FALSE(std::filesystem::exists(folder / "new.key"));
  EXPECT_EQ(AskedToAdd(NewFile("new.key")), "asked");
  EXPECT_FALSE(std::filesystem::exists(folder / "new.key"));
}

TEST_F(UnaskableTest, ARecoverySlotThatNobodyHasProven) {
  const AgeIdentity identity = AgeIdentity::Generate();
  ASSERT_TRUE(plain_operators.StartRecovery(admin, {identity.Recipient()}).ok());
  const WantedSeal wrong = RecoveryProof{.recipients = {identity.Recipient()}, .answer = SecretBytes(32)};
  EXPECT_EQ(Asked([&](const Caller& by) { return plain_operators.AddSlot(by, wrong, ""); }), "permission_denied");
}

TEST_F(UnaskableTest, OneSlotMoreThanAStoreMayHave) {
  for (std::size_t i = 1; i < kMaxSealSlots; ++i) {
    ASSERT_TRUE(barrier->AddSlot(NewShares{.plan = {.threshold = 2, .count = 2}}, "").ok());
  }
  EXPECT_EQ(AskedToAdd(NewFile("new.key")), "resource_exhausted");
}

TEST_F(UnaskableTest, ASlotThatMustStay) {
  EXPECT_EQ(AskedToRemove(KeyId{5}), "not_found");
  EXPECT_EQ(AskedToRemove(SlotOfKind(SealSlotKind::kKeyFile)), "failed_precondition") << "the last way in";
  ASSERT_TRUE(barrier->AddSlot(NewRecovery{.recipients = {AgeIdentity::Generate().Recipient()}}, "").ok());
  const KeyId recovery = SlotOfKind(SealSlotKind::kRecovery);
  EXPECT_EQ(AskedToRemove(recovery), "failed_precondition") << "the last recovery slot";
  EXPECT_EQ(AskedToRemove(recovery, true), "asked");
}

TEST_F(UnaskableTest, ANewRootKeyWithoutAWayIn) {
  EXPECT_EQ(AskedToRekey({}), "invalid_argument");
  EXPECT_EQ(AskedToRekey(All(NewFile("new.key"), CommandSeal{})), "failed_precondition");
  EXPECT_EQ(AskedToRekey(All(NewShares{.plan = {.threshold = 2, .count = 3}})), "failed_precondition")
      << "shares alone, and no recovery slot";
  EXPECT_EQ(barrier->state(), BarrierState::kUnsealed);
  EXPECT_FALSE(std::filesystem::exists(folder / "new.key"));
  EXPECT_EQ(AskedToRekey(All(NewFile("new.key"))), "asked");
}

TEST_F(UnaskableTest, ACensusSourceThatIsReliedOnOrIsNone) {
  const auto ask = [&](const std::string& name) {
    return Asked([&](const Caller& by) { return key_service.KeyService::RemoveCensusSource(by, name); });
  };
  EXPECT_EQ(ask("nothing"), "not_found");
  ASSERT_TRUE(key_service.RegisterCensusSource(admin, "shop-db", 86'400'000'000).ok());
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  clock.Advance(1'000'000);
  ASSERT_TRUE(key_service.ReportCensus(app, {.source = "shop-db", .as_of_us = clock.UnixMicros(), .counts = {}}).ok());
  DestroyRequest order;
  order.name = "shop";
  order.version = KeyVersion{1};
  const auto scheduled = key_service.ScheduleDestroy(admin, order);
  ASSERT_TRUE(scheduled.ok()) << scheduled.error().ToString();
  EXPECT_EQ(ask("shop-db"), "failed_precondition") << "the destruction relies on it";
  ASSERT_TRUE(key_service.CancelDestroy(admin, "shop", KeyVersion{1}).ok());
  EXPECT_EQ(ask("shop-db"), "asked");
}

TEST_F(UnaskableTest, AnApprovalIsNotUsedUpByWhatCannotBeDoneForNow) {
  ASSERT_TRUE(barrier->AddSlot(NewShares{.plan = {.threshold = 2, .count = 2}}, "").ok());
  const KeyId key_file = SlotOfKind(SealSlotKind::kKeyFile);
  const KeyId shares = SlotOfKind(SealSlotKind::kShares);
  const auto remove = [&](const Caller& by) { return plain_operators.RemoveSlot(by, key_file, false); };
  Caller using_it = admin;
  using_it.approval.id = People::Ask(admin, remove);
  ASSERT_TRUE(people.Approve(access, people.bob, using_it.approval.id).ok());
  ASSERT_TRUE(barrier->RemoveSlot(shares, false).ok());
  EXPECT_EQ(remove(using_it).error().code(), ErrorCode::kFailedPrecondition) << "it is the last one now";
  EXPECT_EQ(access.ListApprovals(admin)->size(), 1U);
  ASSERT_TRUE(barrier->AddSlot(NewShares{.plan = {.threshold = 2, .count = 2}}, "").ok());
  EXPECT_TRUE(remove(using_it).ok());
}

}  // namespace
}  // namespace coffer::keysvc
