// A PKCS#11 module (OASIS PKCS #11 2.40) in this process, and what its failures mean to us.
#pragma once

#include <string>

#include <p11-kit/pkcs11.h>

#include "crypto/result.h"

namespace coffer::keysvc::internal {

// A failure of the module as our error. CKR_MECHANISM_* and CKR_FUNCTION_NOT_SUPPORTED are kInvalidArgument: the token
// cannot do this. All else is kUnavailable. The CKR number rides in the path.
Error ModuleError(CK_RV code);
// Whether the device, the session or the memory failed, and so nothing was said about what it was asked.
bool IsOutage(CK_RV code);

struct Token {
  CK_SLOT_ID slot = 0;
  CK_FLAGS flags = 0;  // CKF_USER_PIN_LOCKED and its like
};

// Stays in the address space for the life of the process: unloading a module that started threads or registered exit
// handlers crashes. Move-only; thread-compatible.
class Pkcs11Module {
 public:
  // kInvalidArgument when the path is not absolute, or what is there cannot be loaded or is no module.
  static Result<Pkcs11Module> Load(const std::string& path);
  // C_Finalize, when this object initialized it.
  ~Pkcs11Module();
  Pkcs11Module(Pkcs11Module&& other) noexcept;
  Pkcs11Module& operator=(Pkcs11Module&&) = delete;
  Pkcs11Module(const Pkcs11Module&) = delete;
  Pkcs11Module& operator=(const Pkcs11Module&) = delete;

  // C_Initialize. Before each use: nothing happens when it is initialized.
  Status Start();
  // The one token with this label. kUnavailable: there is none now. kInvalidArgument: there are several.
  Result<Token> FindToken(const std::string& label) const;
  // kInvalidArgument when the token cannot do all of `needs` (CKF_ENCRYPT...) with the mechanism.
  Status CheckMechanism(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_FLAGS needs) const;

  CK_FUNCTION_LIST& functions() const { return *functions_; }

 private:
  explicit Pkcs11Module(CK_FUNCTION_LIST* functions) : functions_(functions) {}

  CK_FUNCTION_LIST* functions_;  // the module's own, never freed
  bool initialized_here_ = false;
};

}  // namespace coffer::keysvc::internal
