// TokenTest: a SoftHSM token in a temporary folder, behind a module that is watched. Skips where SoftHSM is not
// installed (Debian package softhsm2).
#pragma once

#include <optional>

#include <gtest/gtest.h>

#include "keysvc/seal/internal/pkcs11_module.h"
#include "keysvc/seal/pkcs11_keeper.h"
#include "tests/keysvc/seal/watched_module.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc::testing {

inline constexpr char kPin[] = "648219";
inline constexpr char kWrongPin[] = "111111";

inline SecretBytes Secret(std::string_view text) { return SecretBytes::CopyOf(AsBytes(text)); }
inline Bytes Revealed(const SecretBytes& secret) { return CopyOf(secret.Expose(SecretAccess::kTest)); }

// The token "coffer" as its owner sees it, past the keeper: logged in while it lives.
class OwnerSession {
 public:
  explicit OwnerSession(const std::string& module);
  ~OwnerSession();
  OwnerSession(const OwnerSession&) = delete;
  OwnerSession& operator=(const OwnerSession&) = delete;

  // Object handles of its secret keys, at most 16.
  std::vector<CK_OBJECT_HANDLE> Keys();
  void DeleteKeys();
  bool FlagOf(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type);
  // What C_GetAttributeValue says about the key's own bytes.
  CK_RV ReadValue(CK_OBJECT_HANDLE key);
  // An AES key of this id whose bytes the owner chose.
  void PutKey(const Pkcs11Slot& slot, bool sensitive, bool extractable);

 private:
  CK_FUNCTION_LIST* functions_ = nullptr;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
  std::optional<internal::Pkcs11Module> module_;
};

class TokenTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // One more token in the same module.
  void MakeToken(const std::string& label);
  Pkcs11Options Options() const;
  // With a file that holds `text`.
  Pkcs11Options OptionsWithPinFile(const std::string& text, mode_t mode = 0600) const;

  static Pkcs11Slot SlotOf(const SlotParams& params) { return std::get<Pkcs11Slot>(params); }

  TempDir folder_;
  std::string softhsm_;
  ModuleWatch* watch_ = nullptr;
  FakeClock clock_;
  const KeyId slot_{7};
  const SecretBytes key_ = SecretBytes::CopyOf(Bytes(32, std::byte{0x5a}));
};

}  // namespace coffer::keysvc::testing
