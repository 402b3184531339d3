// A PKCS#11 module that passes everything on to another one, counts, and misbehaves when told.
#pragma once

#include <p11-kit/pkcs11.h>

namespace coffer::keysvc::testing {

struct ModuleWatch {
  const char* real_module = nullptr;  // path; set it before the module is used
  int logins = 0;                     // attempts
  int logouts = 0;
  CK_FLAGS token_flags = 0;       // added to every token's
  CK_RV mechanism_code = CKR_OK;  // of C_GetMechanismInfo
  CK_RV login_code = CKR_OK;      // of C_Login, without asking the real one
  CK_RV encrypt_code = CKR_OK;    // of C_Encrypt
  CK_RV decrypt_code = CKR_OK;    // of C_Decrypt
  bool keys_extractable = false;  // makes keys extractable, whatever is asked
};

// Exported by the module as "CofferModuleWatch".
using GetModuleWatch = ModuleWatch* (*)();

}  // namespace coffer::keysvc::testing
