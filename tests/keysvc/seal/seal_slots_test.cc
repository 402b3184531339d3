// Seal slots whose keys a token or a command keeps, as the service makes and opens them.
#include "keysvc/service/seal_slots.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "keysvc/seal/command_keeper.h"
#include "tests/keysvc/seal/token_fixture.h"

namespace coffer::keysvc {
namespace {

using testing::kPin;
using testing::kWrongPin;
using testing::Revealed;
using testing::Secret;

class KeptSealSlotsTest : public testing::TokenTest {
 protected:
  std::vector<SealSlotRecord> MakeSlots(const NewSeal& seal, const SealTools& tools, int count) {
    std::vector<SealSlotRecord> slots;
    for (int i = 0; i < count; ++i) {
      auto made = MakeSlot(seal, tools, store_, root_, 1);
      EXPECT_TRUE(made.ok()) << made.error().ToString();
      if (made.ok()) slots.push_back(std::move(made->record));
    }
    return slots;
  }

  const StoreUuid store_ = StoreUuid::Generate(1);
  const RootKey root_ = {.id = KeyId::Generate(), .bytes = RandomSecret(kKeySize)};
};

TEST_F(KeptSealSlotsTest, ATokenOpensTheRootKey) {
  Pkcs11Keeper keeper(Options());
  const SealTools tools{.store_dir = {}, .pkcs11 = &keeper, .command = nullptr};
  const auto slots = MakeSlots(Pkcs11Seal{Secret(kPin)}, tools, 2);
  ASSERT_EQ(slots.size(), 2U);
  // The first slot's key is on a token that was lost.
  auto altered = slots;
  std::get<Pkcs11Slot>(altered.front().params).key_id = {};
  const auto root = OpenSlots(Pkcs11Seal{Secret(kPin)}, tools, store_, root_.id, altered);
  ASSERT_TRUE(root.ok()) << root.error().ToString();
  EXPECT_EQ(Revealed(root->bytes), Revealed(root_.bytes));
}

TEST_F(KeptSealSlotsTest, AWrongPinIsTriedOnceForAllSlots) {
  Pkcs11Keeper keeper(Options());
  const SealTools tools{.store_dir = {}, .pkcs11 = &keeper, .command = nullptr};
  const auto slots = MakeSlots(Pkcs11Seal{Secret(kPin)}, tools, 4);
  watch_->logins = 0;
  const auto root = OpenSlots(Pkcs11Seal{Secret(kWrongPin)}, tools, store_, root_.id, slots);
  ASSERT_FALSE(root.ok());
  EXPECT_EQ(root.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(watch_->logins, 1);
}

TEST(CommandSealSlotsTest, ACommandOpensTheRootKey) {
  const std::string script = std::filesystem::absolute("tests/keysvc/seal/fake_kms.py").string();
  CommandKeeper keeper({.argv = {"/usr/bin/python3", "-I", script, "honest"}});
  const SealTools tools{.store_dir = {}, .pkcs11 = nullptr, .command = &keeper};
  const StoreUuid store = StoreUuid::Generate(1);
  const RootKey root = {.id = KeyId::Generate(), .bytes = RandomSecret(kKeySize)};
  auto made = MakeSlot(CommandSeal{}, tools, store, root, 1);
  ASSERT_TRUE(made.ok()) << made.error().ToString();
  const auto opened = OpenSlots(CommandSeal{}, tools, store, root.id, {made->record});
  ASSERT_TRUE(opened.ok()) << opened.error().ToString();
  EXPECT_EQ(Revealed(opened->bytes), Revealed(root.bytes));
  made->record.slot = KeyId::Generate();
  EXPECT_EQ(OpenSlots(CommandSeal{}, tools, store, root.id, {made->record}).error().code(),
            ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace coffer::keysvc
