// CommandKeeper against fake_kms.py, whose modes are its ways to behave.
#include "keysvc/seal/command_keeper.h"

#include <filesystem>
#include <stdlib.h>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace coffer::keysvc {
namespace {

Bytes Revealed(const SecretBytes& secret) { return CopyOf(secret.Expose(SecretAccess::kTest)); }

CommandOptions Mode(const std::string& mode, std::uint32_t timeout_seconds = 30) {
  const std::string script = std::filesystem::absolute("tests/keysvc/seal/fake_kms.py").string();
  return {.argv = {"/usr/bin/python3", "-I", script, mode}, .timeout_seconds = timeout_seconds};
}

class CommandKeeperTest : public ::testing::Test {
 protected:
  void ExpectError(const Error& error, ErrorCode code, std::string_view message) {
    EXPECT_EQ(error.code(), code) << error.ToString();
    EXPECT_NE(error.ToString().find(message), std::string::npos) << error.ToString();
  }
  void ExpectBoth(const CommandOptions& options, ErrorCode code, std::string_view message) {
    CommandKeeper keeper(options);
    const auto encrypted = keeper.Encrypt(slot_, key_, {});
    ASSERT_FALSE(encrypted.ok());
    ExpectError(encrypted.error(), code, message);
    const auto decrypted = keeper.Decrypt(slot_, kept_, {});
    ASSERT_FALSE(decrypted.ok());
    ExpectError(decrypted.error(), code, message);
  }

  const KeyId slot_{123'456'789};
  const SecretBytes key_ = SecretBytes::CopyOf(Bytes(32, std::byte{0x5a}));
  const SlotParams kept_ = CommandSlot{Bytes(64, std::byte{1})};
};

TEST_F(CommandKeeperTest, DecryptGivesTheKeyThatWasEncrypted) {
  CommandKeeper keeper(Mode("honest"));
  const auto params = keeper.Encrypt(slot_, key_, {});
  ASSERT_TRUE(params.ok()) << params.error().ToString();
  EXPECT_EQ(std::get<CommandSlot>(*params).encrypted.size(), 64U);
  const auto key = keeper.Decrypt(slot_, *params, {});
  ASSERT_TRUE(key.ok()) << key.error().ToString();
  EXPECT_EQ(Revealed(*key), Revealed(key_));
}

TEST_F(CommandKeeperTest, WhatTheCommandRefusesIsDenied) {
  CommandKeeper keeper(Mode("honest"));
  const auto params = keeper.Encrypt(slot_, key_, {});
  ASSERT_TRUE(params.ok());
  CommandSlot altered = std::get<CommandSlot>(*params);
  altered.encrypted.back() ^= std::byte{1};
  const auto tampered = keeper.Decrypt(slot_, altered, {});
  ASSERT_FALSE(tampered.ok());
  ExpectError(tampered.error(), ErrorCode::kPermissionDenied, "seal_command: refuses");
  const auto other_slot = keeper.Decrypt(KeyId{1}, *params, {});
  ASSERT_FALSE(other_slot.ok());
  ExpectError(other_slot.error(), ErrorCode::kPermissionDenied, "seal_command: refuses");
}

TEST_F(CommandKeeperTest, OnlyExitOneIsARefusal) {
  ExpectBoth(Mode("exit-1"), ErrorCode::kPermissionDenied, "refuses");
  for (const char* mode : {"exit-2", "exit-127", "exit-255", "killed"}) {
    SCOPED_TRACE(mode);
    ExpectBoth(Mode(mode), ErrorCode::kUnavailable, "seal_command: failed");
  }
}

TEST_F(CommandKeeperTest, ASlowCommandIsKilledAtItsDeadline) {
  ExpectBoth(Mode("hang", 1), ErrorCode::kUnavailable, "did not finish in time");
}

TEST_F(CommandKeeperTest, ACommandThatClosesItsOutputAndStaysIsKilledToo) {
  ExpectBoth(Mode("silent-hang", 1), ErrorCode::kUnavailable, "did not finish in time");
}

TEST_F(CommandKeeperTest, EncryptTakesOneByteTo64KiB) {
  for (const std::size_t size : {std::size_t{1}, kMaxSlotBlob}) {
    const auto params = CommandKeeper(Mode("size-" + std::to_string(size))).Encrypt(slot_, key_, {});
    ASSERT_TRUE(params.ok()) << params.error().ToString();
    EXPECT_EQ(std::get<CommandSlot>(*params).encrypted, Bytes(size, std::byte{'s'}));
  }
  for (const char* mode : {"size-65537", "size-10000000"}) {
    const auto params = CommandKeeper(Mode(mode)).Encrypt(slot_, key_, {});
    ASSERT_FALSE(params.ok());
    ExpectError(params.error(), ErrorCode::kInvalidArgument, "writes more than allowed");
    EXPECT_EQ(params.error().limit(), kMaxSlotBlob);
  }
  const auto nothing = CommandKeeper(Mode("nothing")).Encrypt(slot_, key_, {});
  ASSERT_FALSE(nothing.ok());
  ExpectError(nothing.error(), ErrorCode::kInvalidArgument, "wrote nothing");
}

TEST_F(CommandKeeperTest, DecryptTakesExactlyAKey) {
  ASSERT_TRUE(CommandKeeper(Mode("size-32")).Decrypt(slot_, kept_, {}).ok());
  for (const char* mode : {"size-0", "size-1", "size-31", "size-33", "size-70000"}) {
    const auto key = CommandKeeper(Mode(mode)).Decrypt(slot_, kept_, {});
    ASSERT_FALSE(key.ok()) << mode;
    EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument) << mode;
  }
}

TEST_F(CommandKeeperTest, AKeyThatComesBackAsItWasIsRefused) {
  const auto params = CommandKeeper(Mode("echo")).Encrypt(slot_, key_, {});
  ASSERT_FALSE(params.ok());
  ExpectError(params.error(), ErrorCode::kInvalidArgument, "gives the key back");
}

TEST_F(CommandKeeperTest, TheEnvironmentIsNotOurs) {
  ASSERT_EQ(setenv("COFFER_TEST_SECRET", "hunter2", 1), 0);
  const auto params = CommandKeeper(Mode("environment")).Encrypt(slot_, key_, {});
  unsetenv("COFFER_TEST_SECRET");
  ASSERT_TRUE(params.ok()) << params.error().ToString();
  const Bytes& seen = std::get<CommandSlot>(*params).encrypted;
  // Python itself adds LC_CTYPE.
  EXPECT_EQ(AsText(seen), "COFFER_SEAL_SLOT=123456789\nLC_CTYPE=C.UTF-8\nPATH=/usr/bin:/bin");
}

TEST_F(CommandKeeperTest, ACommandThatDoesNotReadDoesNotEndUs) {
  const auto key = CommandKeeper(Mode("deaf")).Decrypt(slot_, CommandSlot{Bytes(kMaxSlotBlob)}, {});
  ASSERT_TRUE(key.ok()) << key.error().ToString();
  EXPECT_EQ(key->size(), 32U);
}

TEST_F(CommandKeeperTest, MuchOnStandardErrorBlocksNothing) {
  EXPECT_TRUE(CommandKeeper(Mode("errors")).Encrypt(slot_, key_, {}).ok());
}

TEST_F(CommandKeeperTest, RunsMayOverlap) {
  CommandKeeper keeper(Mode("honest"));
  const auto params = keeper.Encrypt(slot_, key_, {});
  ASSERT_TRUE(params.ok());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(keeper.Decrypt(slot_, *params, {}).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(CommandKeeperTest, WrongOptionsAreNamed) {
  const TempDir folder;
  struct BadOptions {
    CommandOptions options;
    std::string message;
  };
  const CommandOptions good = Mode("honest");
  CommandOptions long_argv = good;
  long_argv.argv.resize(33);
  for (const BadOptions& bad : std::vector<BadOptions>{
           {{.argv = {}}, "seal_command.argv: must have 1 to 32 words"},
           {long_argv, "must have 1 to 32 words"},
           {{.argv = {""}}, "must begin with an absolute path"},
           {{.argv = {"python3"}}, "must begin with an absolute path"},
           {{.argv = {folder / "none"}}, "seal_command.argv: names no program that can be run"},
           {{.argv = {folder.path()}}, "names no program"},
           {{.argv = {std::filesystem::absolute("CMakeLists.txt").string()}}, "names no program"},
           {{.argv = {"/bin/true", std::string("a\0b", 3)}}, "names no program"},
           {{.argv = good.argv, .timeout_seconds = 0}, "seal_command.timeout_seconds: must be 1 to 600"},
           {{.argv = good.argv, .timeout_seconds = 601}, "must be 1 to 600"},
       }) {
    SCOPED_TRACE(bad.message);
    ExpectBoth(bad.options, ErrorCode::kInvalidArgument, bad.message);
  }
}

TEST_F(CommandKeeperTest, PinsOtherSlotsAndOtherKeysAreRefused) {
  CommandKeeper keeper(Mode("honest"));
  const SecretBytes pin = SecretBytes::CopyOf(AsBytes("1234"));
  EXPECT_EQ(keeper.Encrypt(slot_, key_, pin).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(keeper.Decrypt(slot_, kept_, pin).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(keeper.Encrypt(slot_, pin, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(keeper.Decrypt(slot_, Pkcs11Slot{{}, Bytes(64)}, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(keeper.Decrypt(slot_, CommandSlot{}, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(keeper.Decrypt(slot_, CommandSlot{Bytes(kMaxSlotBlob + 1)}, {}).error().code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::keysvc
