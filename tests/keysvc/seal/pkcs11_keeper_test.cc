// Pkcs11Keeper against SoftHSM.
#include "keysvc/seal/pkcs11_keeper.h"

#include <thread>

#include <gtest/gtest.h>

#include "io/process.h"
#include "tests/keysvc/seal/token_fixture.h"
#include "tests/support/in_child.h"

namespace coffer::keysvc {
namespace {

using testing::kPin;
using testing::kWrongPin;
using testing::ModuleWatch;
using testing::OwnerSession;
using testing::Revealed;
using testing::Secret;

class Pkcs11KeeperTest : public testing::TokenTest {
 protected:
  SlotParams Encrypted(Pkcs11Keeper& keeper) {
    auto params = keeper.Encrypt(slot_, key_, Secret(kPin));
    EXPECT_TRUE(params.ok()) << params.error().ToString();
    return params.ok() ? *params : SlotParams(Pkcs11Slot{});
  }

  // That neither direction works, and why.
  void ExpectBoth(Pkcs11Keeper& keeper, const SecretBytes& pin, ErrorCode code, std::string_view message) {
    const auto encrypted = keeper.Encrypt(slot_, key_, pin);
    ASSERT_FALSE(encrypted.ok());
    ExpectError(encrypted.error(), code, message);
    const auto decrypted = keeper.Decrypt(slot_, Pkcs11Slot{{}, Bytes(60)}, pin);
    ASSERT_FALSE(decrypted.ok());
    ExpectError(decrypted.error(), code, message);
  }
  void ExpectError(const Error& error, ErrorCode code, std::string_view message) {
    EXPECT_EQ(error.code(), code) << error.ToString();
    EXPECT_NE(error.ToString().find(message), std::string::npos) << error.ToString();
    EXPECT_EQ(error.ToString().find(kPin), std::string::npos);
    EXPECT_EQ(error.ToString().find(kWrongPin), std::string::npos);
  }
  void ExpectRefused(Pkcs11Keeper& keeper, const SlotParams& params, std::string_view message) {
    const auto decrypted = keeper.Decrypt(slot_, params, Secret(kPin));
    ASSERT_FALSE(decrypted.ok());
    ExpectError(decrypted.error(), ErrorCode::kPermissionDenied, message);
  }
};

TEST_F(Pkcs11KeeperTest, DecryptGivesTheKeyThatWasEncrypted) {
  Pkcs11Keeper keeper(Options());
  const SlotParams params = Encrypted(keeper);
  EXPECT_EQ(SlotOf(params).encrypted.size(), 12 + 32 + 16);
  const auto key = keeper.Decrypt(slot_, params, Secret(kPin));
  ASSERT_TRUE(key.ok()) << key.error().ToString();
  EXPECT_EQ(Revealed(*key), Revealed(key_));
}

TEST_F(Pkcs11KeeperTest, SlotParamsSurviveTheStore) {
  Pkcs11Keeper keeper(Options());
  const auto read = ParseSlotParams(SealSlotKind::kPkcs11, EncodeSlotParams(Encrypted(keeper)));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(keeper.Decrypt(slot_, *read, Secret(kPin)).ok());
}

TEST_F(Pkcs11KeeperTest, AFreshProcessDecrypts) {
  std::optional<SlotParams> params;
  {
    Pkcs11Keeper keeper(Options());
    params = Encrypted(keeper);
  }
  EXPECT_EQ(InChild([&] {
              Pkcs11Options options = Options();
              options.module = softhsm_;
              Pkcs11Keeper keeper(options);
              const auto key = keeper.Decrypt(slot_, *params, Secret(kPin));
              return key.ok() && Revealed(*key) == Revealed(key_) ? 0 : 1;
            }),
            0);
}

TEST_F(Pkcs11KeeperTest, EachSlotHasItsOwnKey) {
  Pkcs11Keeper keeper(Options());
  const Pkcs11Slot first = SlotOf(Encrypted(keeper));
  const Pkcs11Slot second = SlotOf(Encrypted(keeper));
  EXPECT_NE(first.key_id, second.key_id);
  EXPECT_NE(first.encrypted, second.encrypted);
  EXPECT_EQ(OwnerSession(softhsm_).Keys().size(), 2U);
  ExpectRefused(keeper, Pkcs11Slot{first.key_id, second.encrypted}, "altered, or is another slot's");
  ExpectRefused(keeper, Pkcs11Slot{second.key_id, first.encrypted}, "altered, or is another slot's");
}

TEST_F(Pkcs11KeeperTest, TheKeyStaysInItsToken) {
  Pkcs11Keeper keeper(Options());
  Encrypted(keeper);
  OwnerSession owner(softhsm_);
  ASSERT_EQ(owner.Keys().size(), 1U);
  const CK_OBJECT_HANDLE key = owner.Keys().front();
  EXPECT_EQ(owner.ReadValue(key), CKR_ATTRIBUTE_SENSITIVE);
  for (const CK_ATTRIBUTE_TYPE type : {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE,
                                       CKA_NEVER_EXTRACTABLE, CKA_LOCAL, CKA_ENCRYPT, CKA_DECRYPT}) {
    EXPECT_TRUE(owner.FlagOf(key, type)) << type;
  }
  for (const CK_ATTRIBUTE_TYPE type : {CKA_EXTRACTABLE, CKA_MODIFIABLE, CKA_WRAP, CKA_UNWRAP, CKA_SIGN, CKA_VERIFY}) {
    EXPECT_FALSE(owner.FlagOf(key, type)) << type;
  }
}

TEST_F(Pkcs11KeeperTest, StockToolSeesTheKeyByLabelAndId) {
  Pkcs11Keeper keeper(Options());
  const Pkcs11Slot slot = SlotOf(Encrypted(keeper));
  ChildOptions quiet;
  quiet.input = quiet.output = quiet.error = ChildStream::kNull;
  const std::vector<std::string> base = {"pkcs11-tool", "--module", softhsm_, "--token-label",
                                         "coffer",      "--login",  "--pin",  kPin};
  const auto exit_code = [&](std::vector<std::string> more) {
    std::vector<std::string> argv = base;
    argv.insert(argv.end(), more.begin(), more.end());
    auto child = ChildProcess::Spawn(argv, quiet);
    return child.ok() ? child->Wait().value() : -1;
  };
  if (exit_code({"--list-objects"}) == -1) GTEST_SKIP() << "pkcs11-tool is not installed (Debian package opensc)";
  const std::vector<std::string> wrong = {"--delete-object", "--type", "secrkey", "--label", "other"};
  EXPECT_NE(exit_code(wrong), 0);
  const std::string id = ToHex(slot.key_id);
  EXPECT_EQ(exit_code({"--delete-object", "--type", "secrkey", "--label", "coffer-seal", "--id", id}), 0);
  ExpectRefused(keeper, slot, "no key for this slot");
}

TEST_F(Pkcs11KeeperTest, AnySingleChangedByteIsRefused) {
  Pkcs11Keeper keeper(Options());
  const Pkcs11Slot slot = SlotOf(Encrypted(keeper));
  for (std::size_t i = 0; i < slot.encrypted.size(); ++i) {
    Pkcs11Slot altered = slot;
    altered.encrypted[i] ^= std::byte{1};
    ExpectRefused(keeper, altered, "altered, or is another slot's");
  }
  for (const std::size_t size : {0U, 12U, 28U, 59U, 61U}) {
    Pkcs11Slot altered = slot;
    altered.encrypted.resize(size);
    ExpectRefused(keeper, altered, "wrong length");
  }
}

TEST_F(Pkcs11KeeperTest, WhatIsEncryptedIsBoundToItsSlot) {
  Pkcs11Keeper keeper(Options());
  const SlotParams params = Encrypted(keeper);
  const auto decrypted = keeper.Decrypt(KeyId{8}, params, Secret(kPin));
  ASSERT_FALSE(decrypted.ok());
  ExpectError(decrypted.error(), ErrorCode::kPermissionDenied, "altered, or is another slot's");
}

TEST_F(Pkcs11KeeperTest, ADeletedKeyIsRefused) {
  Pkcs11Keeper keeper(Options());
  const SlotParams params = Encrypted(keeper);
  OwnerSession(softhsm_).DeleteKeys();
  ExpectRefused(keeper, params, "no key for this slot");
}

TEST_F(Pkcs11KeeperTest, AKeyThatCouldBeTakenOutIsRefused) {
  Pkcs11Keeper keeper(Options());
  for (const auto& [sensitive, extractable] : {std::pair{true, true}, {false, false}, {false, true}}) {
    const Pkcs11Slot slot = SlotOf(Encrypted(keeper));
    {
      OwnerSession owner(softhsm_);
      owner.DeleteKeys();
      owner.PutKey(slot, sensitive, extractable);
    }
    ExpectRefused(keeper, slot, "can be taken out");
  }
}

TEST_F(Pkcs11KeeperTest, TwoKeysOfOneIdAreRefused) {
  Pkcs11Keeper keeper(Options());
  const Pkcs11Slot slot = SlotOf(Encrypted(keeper));
  OwnerSession(softhsm_).PutKey(slot, true, false);
  ExpectRefused(keeper, slot, "several keys");
}

TEST_F(Pkcs11KeeperTest, ATokenThatMakesExtractableKeysIsRefused) {
  Pkcs11Keeper keeper(Options());
  watch_->keys_extractable = true;
  const auto params = keeper.Encrypt(slot_, key_, Secret(kPin));
  ASSERT_FALSE(params.ok());
  ExpectError(params.error(), ErrorCode::kPermissionDenied, "can be taken out");
  EXPECT_TRUE(OwnerSession(softhsm_).Keys().empty()) << "the key is left behind";
}

TEST_F(Pkcs11KeeperTest, AFailedEncryptLeavesNoKeyBehind) {
  Pkcs11Keeper keeper(Options());
  watch_->encrypt_code = CKR_DEVICE_ERROR;
  const auto params = keeper.Encrypt(slot_, key_, Secret(kPin));
  ASSERT_FALSE(params.ok());
  ExpectError(params.error(), ErrorCode::kUnavailable, "CKR 0x30");
  EXPECT_TRUE(OwnerSession(softhsm_).Keys().empty());
}

TEST_F(Pkcs11KeeperTest, AnOutageInDecryptIsNoRefusal) {
  Pkcs11Keeper keeper(Options());
  const SlotParams params = Encrypted(keeper);
  for (const CK_RV code : {CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_SESSION_HANDLE_INVALID, CKR_HOST_MEMORY}) {
    watch_->decrypt_code = code;
    const auto key = keeper.Decrypt(slot_, params, Secret(kPin));
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code(), ErrorCode::kUnavailable) << code;
  }
  watch_->decrypt_code = CKR_ENCRYPTED_DATA_INVALID;
  ExpectRefused(keeper, params, "altered");
}

TEST_F(Pkcs11KeeperTest, ATokenWithoutTheMechanismIsNamed) {
  Pkcs11Keeper keeper(Options());
  watch_->mechanism_code = CKR_MECHANISM_INVALID;
  ExpectBoth(keeper, Secret(kPin), ErrorCode::kInvalidArgument, "does not support AES-256-GCM");
  EXPECT_EQ(watch_->logins, 0);
}

TEST_F(Pkcs11KeeperTest, EveryCallLogsInAndOutOnce) {
  Pkcs11Keeper keeper(Options());
  const SlotParams params = Encrypted(keeper);
  EXPECT_EQ(watch_->logins, 1);
  EXPECT_EQ(watch_->logouts, 1);
  ASSERT_TRUE(keeper.Decrypt(slot_, params, Secret(kPin)).ok());
  EXPECT_EQ(watch_->logins, 2);
  EXPECT_EQ(watch_->logouts, 2);
}

TEST_F(Pkcs11KeeperTest, CallsFromManyThreadsTakeTurns) {
  Pkcs11Keeper keeper(Options());
  const SlotParams params = Encrypted(keeper);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) EXPECT_TRUE(keeper.Decrypt(slot_, params, Secret(kPin)).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(watch_->logins, 21);
}

TEST_F(Pkcs11KeeperTest, OtherKindsOfSlotsAndKeysAreRefused) {
  Pkcs11Keeper keeper(Options());
  const auto decrypted = keeper.Decrypt(slot_, CommandSlot{Bytes(60)}, Secret(kPin));
  ASSERT_FALSE(decrypted.ok());
  ExpectError(decrypted.error(), ErrorCode::kInvalidArgument, "is not a slot of a token");
  const auto encrypted = keeper.Encrypt(slot_, Secret("short"), Secret(kPin));
  ASSERT_FALSE(encrypted.ok());
  ExpectError(encrypted.error(), ErrorCode::kInvalidArgument, "32 bytes");
  EXPECT_EQ(watch_->logins, 0);
}

TEST_F(Pkcs11KeeperTest, WrongOptionsAreNamed) {
  struct BadOptions {
    std::string module;
    std::string token;
    ErrorCode code;
    std::string message;
  };
  const std::string module = COFFER_WATCHED_MODULE;
  for (const BadOptions& bad : std::vector<BadOptions>{
           {"", "coffer", ErrorCode::kInvalidArgument, "pkcs11.module: must be an absolute path"},
           {"libsofthsm2.so", "coffer", ErrorCode::kInvalidArgument, "must be an absolute path"},
           {std::string("/a\0b", 4), "coffer", ErrorCode::kInvalidArgument, "must be an absolute path"},
           {folder_ / "no.so", "coffer", ErrorCode::kInvalidArgument, "pkcs11.module: cannot be loaded"},
           {folder_ / "softhsm2.conf", "coffer", ErrorCode::kInvalidArgument, "cannot be loaded"},
           {COFFER_NO_MODULE, "coffer", ErrorCode::kInvalidArgument, "is not a PKCS#11 module"},
           {module, "", ErrorCode::kInvalidArgument, "pkcs11.token: must have 1 to 32"},
           {module, std::string(33, 'c'), ErrorCode::kInvalidArgument, "must have 1 to 32"},
           {module, "Coffer", ErrorCode::kUnavailable, "pkcs11.token: no token with this label"},
           {module, "coffe", ErrorCode::kUnavailable, "no token with this label"},
       }) {
    SCOPED_TRACE(bad.message);
    Pkcs11Options options = Options();
    options.module = bad.module;
    options.token = bad.token;
    Pkcs11Keeper keeper(options);
    ExpectBoth(keeper, Secret(kPin), bad.code, bad.message);
  }
  EXPECT_EQ(watch_->logins, 0);
}

TEST_F(Pkcs11KeeperTest, TwoTokensOfOneLabelAreRefused) {
  MakeToken("coffer");
  Pkcs11Keeper keeper(Options());
  ExpectBoth(keeper, Secret(kPin), ErrorCode::kInvalidArgument, "more than one token");
}

TEST_F(Pkcs11KeeperTest, TheTokenIsChosenByItsLabel) {
  MakeToken("other");
  Pkcs11Options options = Options();
  options.token = "other";
  Pkcs11Keeper other(options);
  const SlotParams params = Encrypted(other);
  Pkcs11Keeper keeper(Options());
  ExpectRefused(keeper, params, "no key for this slot");
  EXPECT_TRUE(other.Decrypt(slot_, params, Secret(kPin)).ok());
}

}  // namespace
}  // namespace coffer::keysvc
