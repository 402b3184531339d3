// The life of a key, from the root key down to a field, and every way to take a step from the wrong place.
#include <gtest/gtest.h>

#include "crypto/argon2.h"
#include "crypto/key_wrap.h"
#include "crypto/random.h"
#include "crypto/store_integrity.h"
#include "tests/crypto/field_fixture.h"

namespace coffer {
namespace {

struct Level {
  const char* name;
  KeyId id;
  SecretBytes key;
};

// A store with one keyring of one version, as the service keeps it: everything but the slot's key is wrapped.
struct Hierarchy {
  StoreUuid store = TestUuid<StoreUuid>(1);
  KeyringUuid keyring = TestUuid<KeyringUuid>(2);
  TenantUuid tenant = TestUuid<TenantUuid>(3);
  KeyVersion version{1};
  Level slot{"slot", KeyId{10}, RandomSecret(32)};
  Level root{"root key", KeyId{11}, RandomSecret(32)};
  Level kek{"KEK", KeyId{12}, RandomSecret(32)};
  Level data{"data key", KeyId{13}, RandomSecret(32)};

  WrapContext RootContext() const { return WrapContext::SealSlot(store, root.id); }
  WrapContext KekContext() const { return WrapContext::Kek(store, keyring, kek.id); }
  WrapContext DataContext() const {
    return WrapContext::DataKey(store, keyring, version, data.id, tenant, KeyringPurpose::kEncrypt);
  }
  WrappedKey WrappedRoot() const { return WrapKey(slot.key, slot.id, RootContext(), root.key).value(); }
  WrappedKey WrappedKek() const { return WrapKey(root.key, root.id, KekContext(), kek.key).value(); }
  WrappedKey WrappedData() const { return WrapKey(kek.key, kek.id, DataContext(), data.key).value(); }
};

TEST(KeyHierarchyTest, UnwrapsFromTheSlotDownToAField) {
  const Hierarchy h;
  const SecretBytes root = UnwrapKey(h.slot.key, h.slot.id, h.RootContext(), h.WrappedRoot()).value();
  const SecretBytes kek = UnwrapKey(root, h.root.id, h.KekContext(), h.WrappedKek()).value();
  const SecretBytes data = UnwrapKey(kek, h.kek.id, h.DataContext(), h.WrappedData()).value();
  EXPECT_EQ(DeriveKeyCheckValue(data), DeriveKeyCheckValue(h.data.key));

  const FieldForm form{Suite::kXaes256GcmCommitting, 32, false, false};
  const FieldPlace place{TestUuid<ScopeUuid>(4), h.tenant, TestUuid<FieldUuid>(5)};
  const FieldCipher writer = FieldCipher::Create(h.data.key, h.data.id, form, place).value();
  const FieldCipher reader = FieldCipher::Create(data, h.data.id, form, place).value();
  Bytes ciphertext(form.CiphertextSize(8));
  ASSERT_TRUE(writer.Encrypt(AsBytes("password"), {}, ciphertext).ok());
  EXPECT_EQ(Revealed(*reader.Decrypt(ciphertext, {})), "password");
}

TEST(KeyHierarchyTest, NoKeyUnwrapsWhatAnotherWrapped) {
  const Hierarchy h;
  const Level* const levels[] = {&h.slot, &h.root, &h.kek, &h.data};
  const struct {
    const Level* wrapping;
    WrapContext context;
    WrappedKey wrapped;
  } steps[] = {{&h.slot, h.RootContext(), h.WrappedRoot()},
               {&h.root, h.KekContext(), h.WrappedKek()},
               {&h.kek, h.DataContext(), h.WrappedData()}};
  for (const auto& step : steps) {
    for (const Level* level : levels) {
      // With its own id, and with the id that the wrapped key names.
      for (KeyId id : {level->id, step.wrapping->id}) {
        const bool is_right = level == step.wrapping;
        EXPECT_EQ(UnwrapKey(level->key, id, step.context, step.wrapped).ok(), is_right)
            << step.wrapping->name << " by " << level->name;
      }
    }
  }
}

TEST(KeyHierarchyTest, NoStepTakesTheBlobOfAnother) {
  const Hierarchy h;
  const WrapContext contexts[] = {h.RootContext(), h.KekContext(), h.DataContext()};
  const WrappedKey blobs[] = {h.WrappedRoot(), h.WrappedKek(), h.WrappedData()};
  const Level* const wrapping[] = {&h.slot, &h.root, &h.kek};
  for (std::size_t blob = 0; blob < 3; ++blob) {
    for (std::size_t context = 0; context < 3; ++context) {
      EXPECT_EQ(UnwrapKey(wrapping[blob]->key, wrapping[blob]->id, contexts[context], blobs[blob]).ok(),
                blob == context)
          << blob << ", " << context;
    }
  }
}

TEST(KeyHierarchyTest, RestoredIntoAnotherStoreNothingUnwraps) {
  const Hierarchy h;
  Hierarchy other;
  other.store = TestUuid<StoreUuid>(9);
  EXPECT_FALSE(UnwrapKey(h.slot.key, h.slot.id, other.RootContext(), h.WrappedRoot()).ok());
  EXPECT_FALSE(UnwrapKey(h.root.key, h.root.id, other.KekContext(), h.WrappedKek()).ok());
  EXPECT_FALSE(UnwrapKey(h.kek.key, h.kek.id, other.DataContext(), h.WrappedData()).ok());
}

TEST(KeyHierarchyTest, RotatedKekUnwrapsTheNewBlobOnly) {
  const Hierarchy h;
  const SecretBytes new_kek = RandomSecret(32);
  const KeyId new_id{99};
  const SecretBytes data = UnwrapKey(h.kek.key, h.kek.id, h.DataContext(), h.WrappedData()).value();
  const WrappedKey rewrapped = WrapKey(new_kek, new_id, h.DataContext(), data).value();
  EXPECT_EQ(Revealed(*UnwrapKey(new_kek, new_id, h.DataContext(), rewrapped)), Revealed(h.data.key));
  EXPECT_FALSE(UnwrapKey(new_kek, new_id, h.DataContext(), h.WrappedData()).ok());
  EXPECT_FALSE(UnwrapKey(h.kek.key, h.kek.id, h.DataContext(), rewrapped).ok());
  EXPECT_FALSE(UnwrapKey(h.kek.key, new_id, h.DataContext(), rewrapped).ok());
}

// A data key planted from another version, tenant or purpose of the same keyring, under the same KEK.
TEST(KeyHierarchyTest, SiblingsDoNotStandInForEachOther) {
  const Hierarchy h;
  const WrapContext siblings[] = {
      WrapContext::DataKey(h.store, h.keyring, KeyVersion{2}, h.data.id, h.tenant, KeyringPurpose::kEncrypt),
      WrapContext::DataKey(h.store, h.keyring, h.version, KeyId{14}, h.tenant, KeyringPurpose::kEncrypt),
      WrapContext::DataKey(h.store, h.keyring, h.version, h.data.id, TestUuid<TenantUuid>(8), KeyringPurpose::kEncrypt),
      WrapContext::DataKey(h.store, h.keyring, h.version, h.data.id, h.tenant, KeyringPurpose::kIndex),
      WrapContext::DataKey(h.store, TestUuid<KeyringUuid>(7), h.version, h.data.id, h.tenant,
                           KeyringPurpose::kEncrypt)};
  for (const WrapContext& sibling : siblings) {
    const WrappedKey planted = WrapKey(h.kek.key, h.kek.id, sibling, RandomSecret(32)).value();
    EXPECT_EQ(UnwrapKey(h.kek.key, h.kek.id, h.DataContext(), planted).error().code(), ErrorCode::kDecryptFailed);
    EXPECT_EQ(UnwrapKey(h.kek.key, h.kek.id, sibling, h.WrappedData()).error().code(), ErrorCode::kDecryptFailed);
  }
}

TEST(KeyHierarchyTest, PassphraseSlotOpensWithItsPassphraseOnly) {
  const Hierarchy h;
  Argon2Params params = Argon2Params::Generate();
  params.passes = 2;
  params.memory_kib = 64 * 1024;
  const auto slot_key = [&params](std::string_view passphrase) {
    return Argon2id(SecretBytes::CopyOf(AsBytes(passphrase)), params).value();
  };
  const WrappedKey wrapped = WrapKey(slot_key("correct horse"), h.slot.id, h.RootContext(), h.root.key).value();
  EXPECT_TRUE(UnwrapKey(slot_key("correct horse"), h.slot.id, h.RootContext(), wrapped).ok());
  EXPECT_FALSE(UnwrapKey(slot_key("correct Horse"), h.slot.id, h.RootContext(), wrapped).ok());
  params.salt[0] ^= std::byte{1};
  EXPECT_FALSE(UnwrapKey(slot_key("correct horse"), h.slot.id, h.RootContext(), wrapped).ok());
}

TEST(KeyHierarchyTest, IntegrityKeysOfAnotherRootKeyMakeOtherMacs) {
  const Hierarchy h;
  const IntegrityKeys mine = DeriveIntegrityKeys(h.root.key, h.store);
  const IntegrityKeys theirs = DeriveIntegrityKeys(RandomSecret(32), h.store);
  EXPECT_NE(RowMac(mine.rows, h.store, "keks", {}, 1, {}), RowMac(theirs.rows, h.store, "keks", {}, 1, {}));
  EXPECT_NE(HeadMac(mine.head, h.store, {}, {}), HeadMac(theirs.head, h.store, {}, {}));
  EXPECT_NE(HeadMac(mine.rows, h.store, {}, {}), HeadMac(mine.head, h.store, {}, {}));
}

}  // namespace
}  // namespace coffer
