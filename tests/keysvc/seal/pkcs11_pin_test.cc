// PINs: where Pkcs11Keeper takes them from, and how it keeps a token from locking itself.
#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/keysvc/seal/token_fixture.h"

namespace coffer::keysvc {
namespace {

using testing::kPin;
using testing::kWrongPin;
using testing::Secret;

class Pkcs11PinTest : public testing::TokenTest {
 protected:
  Result<SlotParams> Try(Pkcs11Keeper& keeper, std::string_view pin) {
    return keeper.Encrypt(slot_, key_, pin.empty() ? SecretBytes() : Secret(pin));
  }
  void ExpectRefused(Pkcs11Keeper& keeper, std::string_view pin, ErrorCode code, std::string_view message) {
    const auto params = Try(keeper, pin);
    ASSERT_FALSE(params.ok());
    EXPECT_EQ(params.error().code(), code) << params.error().ToString();
    EXPECT_NE(params.error().ToString().find(message), std::string::npos) << params.error().ToString();
  }
};

TEST_F(Pkcs11PinTest, AWrongPinIsTriedOnce) {
  Pkcs11Keeper keeper(Options());
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "refuses the PIN");
  EXPECT_EQ(watch_->logins, 1);
  EXPECT_EQ(watch_->logouts, 0);
}

TEST_F(Pkcs11PinTest, ARefusedPinIsNotTriedAgainForAMinute) {
  Pkcs11Keeper keeper(Options());
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "refuses the PIN");
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "a moment ago");
  clock_.Advance(kRefusedPinMicros - 1);
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "a moment ago");
  EXPECT_EQ(watch_->logins, 1);
  clock_.Advance(1);
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "refuses the PIN");
  EXPECT_EQ(watch_->logins, 2);
}

TEST_F(Pkcs11PinTest, ManySlotsCostAWrongPinOneAttempt) {
  Pkcs11Keeper keeper(Options());
  std::vector<SlotParams> slots;
  for (int i = 0; i < 3; ++i) slots.push_back(Try(keeper, kPin).value());
  watch_->logins = 0;
  for (const SlotParams& slot : slots) {
    EXPECT_EQ(keeper.Decrypt(slot_, slot, Secret(kWrongPin)).error().code(), ErrorCode::kPermissionDenied);
  }
  EXPECT_EQ(watch_->logins, 1);
}

TEST_F(Pkcs11PinTest, TheRightPinWorksAfterAWrongOne) {
  Pkcs11Keeper keeper(Options());
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "refuses the PIN");
  EXPECT_TRUE(Try(keeper, kPin).ok());
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "refuses the PIN");
}

TEST_F(Pkcs11PinTest, AnOutageAtLoginForgetsNoRefusal) {
  Pkcs11Keeper keeper(Options());
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "refuses the PIN");
  watch_->login_code = CKR_DEVICE_ERROR;
  ExpectRefused(keeper, kPin, ErrorCode::kUnavailable, "CKR 0x30");
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "a moment ago");
}

TEST_F(Pkcs11PinTest, WhatTheTokenSaysOfAPinIsNamed) {
  struct Answer {
    CK_RV code;
    ErrorCode error;
    std::string message;
  };
  for (const Answer& answer : std::vector<Answer>{
           {CKR_PIN_LOCKED, ErrorCode::kPermissionDenied, "is locked"},
           {CKR_PIN_EXPIRED, ErrorCode::kPermissionDenied, "has expired"},
           {CKR_PIN_LEN_RANGE, ErrorCode::kPermissionDenied, "refuses the PIN"},
           {CKR_USER_PIN_NOT_INITIALIZED, ErrorCode::kInvalidArgument, "no user PIN"},
           {CKR_USER_ALREADY_LOGGED_IN, ErrorCode::kUnavailable, "logged in"},
           {CKR_TOKEN_NOT_PRESENT, ErrorCode::kUnavailable, "taken away"},
       }) {
    Pkcs11Keeper keeper(Options());
    watch_->login_code = answer.code;
    ExpectRefused(keeper, kPin, answer.error, answer.message);
  }
}

TEST_F(Pkcs11PinTest, ALockedTokenIsNotAsked) {
  Pkcs11Keeper keeper(Options());
  watch_->token_flags = CKF_USER_PIN_LOCKED;
  ExpectRefused(keeper, kPin, ErrorCode::kPermissionDenied, "is locked");
  EXPECT_EQ(watch_->logins, 0);
}

TEST_F(Pkcs11PinTest, TheLastAttemptIsNotForThePinFile) {
  Pkcs11Keeper keeper(OptionsWithPinFile(kPin));
  watch_->token_flags = CKF_USER_PIN_FINAL_TRY;
  ExpectRefused(keeper, "", ErrorCode::kPermissionDenied, "by hand");
  EXPECT_EQ(watch_->logins, 0);
  EXPECT_TRUE(Try(keeper, kPin).ok());
}

TEST_F(Pkcs11PinTest, ThePinFileServesWhenNoPinIsGiven) {
  for (const std::string& text : {std::string(kPin), std::string(kPin) + "\n"}) {
    Pkcs11Keeper keeper(OptionsWithPinFile(text));
    const auto params = Try(keeper, "");
    ASSERT_TRUE(params.ok()) << params.error().ToString();
    EXPECT_TRUE(keeper.Decrypt(slot_, *params, SecretBytes()).ok());
  }
}

TEST_F(Pkcs11PinTest, AGivenPinGoesBeforeThePinFile) {
  Pkcs11Keeper keeper(OptionsWithPinFile(kPin));
  ExpectRefused(keeper, kWrongPin, ErrorCode::kPermissionDenied, "refuses the PIN");
  Pkcs11Keeper other(OptionsWithPinFile(kWrongPin));
  EXPECT_TRUE(Try(other, kPin).ok());
}

TEST_F(Pkcs11PinTest, ABadPinFileIsNoRefusal) {
  struct BadFile {
    std::string text;
    mode_t mode;
    std::string message;
  };
  for (const BadFile& bad : std::vector<BadFile>{
           {kPin, 0644, "pkcs11.pin_file: must be a file of mode 0600"},
           {kPin, 0640, "mode 0600"},
           {std::string(kMaxPin + 2, '1'), 0600, "with one PIN"},
           {std::string(kMaxPin + 1, '1'), 0600, "pin: is longer than allowed"},
           {"", 0600, "pin: is missing"},
           {"\n", 0600, "pin: is missing"},
       }) {
    Pkcs11Keeper keeper(OptionsWithPinFile(bad.text, bad.mode));
    ExpectRefused(keeper, "", ErrorCode::kInvalidArgument, bad.message);
  }
  Pkcs11Options options = Options();
  options.pin_file = folder_ / "none";
  Pkcs11Keeper absent(options);
  ExpectRefused(absent, "", ErrorCode::kInvalidArgument, "mode 0600");
  options.pin_file = "pin";
  Pkcs11Keeper relative(options);
  ExpectRefused(relative, "", ErrorCode::kInvalidArgument, "absolute path");
  EXPECT_EQ(watch_->logins, 0);
}

TEST_F(Pkcs11PinTest, NoPinAtAllIsNoAttempt) {
  Pkcs11Keeper keeper(Options());
  ExpectRefused(keeper, "", ErrorCode::kInvalidArgument, "there is no pin file");
  ExpectRefused(keeper, std::string(kMaxPin + 1, '1'), ErrorCode::kInvalidArgument, "longer than allowed");
  EXPECT_EQ(watch_->logins, 0);
}

}  // namespace
}  // namespace coffer::keysvc
