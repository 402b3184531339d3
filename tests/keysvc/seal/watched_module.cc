#include "tests/keysvc/seal/watched_module.h"

#include <bit>
#include <dlfcn.h>
#include <vector>

namespace {

coffer::keysvc::testing::ModuleWatch g_watch;
CK_FUNCTION_LIST* g_real = nullptr;
CK_FUNCTION_LIST g_functions;

CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO* token) {
  const CK_RV code = g_real->C_GetTokenInfo(slot, token);
  token->flags |= g_watch.token_flags;
  return code;
}

CK_RV GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* facts) {
  return g_watch.mechanism_code != CKR_OK ? g_watch.mechanism_code : g_real->C_GetMechanismInfo(slot, type, facts);
}

CK_RV Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char* pin, CK_ULONG size) {
  ++g_watch.logins;
  return g_watch.login_code != CKR_OK ? g_watch.login_code : g_real->C_Login(session, user, pin, size);
}

CK_RV Logout(CK_SESSION_HANDLE session) {
  ++g_watch.logouts;
  return g_real->C_Logout(session);
}

CK_RV GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_ATTRIBUTE* attributes, CK_ULONG count,
                  CK_OBJECT_HANDLE* key) {
  std::vector<CK_ATTRIBUTE> changed(attributes, attributes + count);
  CK_BBOOL yes = CK_TRUE;
  for (CK_ATTRIBUTE& attribute : changed) {
    if (g_watch.keys_extractable && attribute.type == CKA_EXTRACTABLE) attribute.pValue = &yes;
  }
  return g_real->C_GenerateKey(session, mechanism, changed.data(), count, key);
}

CK_RV Encrypt(CK_SESSION_HANDLE session, unsigned char* in, CK_ULONG in_size, unsigned char* out, CK_ULONG* out_size) {
  if (g_watch.encrypt_code != CKR_OK) return g_watch.encrypt_code;
  return g_real->C_Encrypt(session, in, in_size, out, out_size);
}

CK_RV Decrypt(CK_SESSION_HANDLE session, unsigned char* in, CK_ULONG in_size, unsigned char* out, CK_ULONG* out_size) {
  if (g_watch.decrypt_code != CKR_OK) return g_watch.decrypt_code;
  return g_real->C_Decrypt(session, in, in_size, out, out_size);
}

}  // namespace

extern "C" {

coffer::keysvc::testing::ModuleWatch* CofferModuleWatch();
coffer::keysvc::testing::ModuleWatch* CofferModuleWatch() { return &g_watch; }

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* const library = dlopen(g_watch.real_module, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get_list = std::bit_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  if (get_list == nullptr) return CKR_GENERAL_ERROR;
  const CK_RV code = get_list(&g_real);
  if (code != CKR_OK) return code;
  g_functions = *g_real;
  g_functions.C_GetTokenInfo = GetTokenInfo;
  g_functions.C_GetMechanismInfo = GetMechanismInfo;
  g_functions.C_Login = Login;
  g_functions.C_Logout = Logout;
  g_functions.C_GenerateKey = GenerateKey;
  g_functions.C_Encrypt = Encrypt;
  g_functions.C_Decrypt = Decrypt;
  *list = &g_functions;
  return CKR_OK;
}

}  // extern "C"
