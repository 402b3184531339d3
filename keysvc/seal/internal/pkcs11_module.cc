#include "keysvc/seal/internal/pkcs11_module.h"

#include <array>
#include <bit>
#include <charconv>
#include <dlfcn.h>
#include <string_view>
#include <vector>

namespace coffer::keysvc::internal {
namespace {

constexpr CK_ULONG kMaxSlots = 4096;

std::string Named(CK_RV code) {
  std::array<char, 2 * sizeof(CK_RV)> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), code, 16).ptr;
  return "pkcs11: CKR 0x" + std::string(digits.data(), end);
}

// Labels are padded with blanks to 32 characters, without a terminator.
std::string LabelOf(const CK_TOKEN_INFO& token) {
  std::string label;
  for (const unsigned char byte : token.label) label.push_back(static_cast<char>(byte));
  const std::size_t last = label.find_last_not_of(' ');
  return label.substr(0, last == std::string::npos ? 0 : last + 1);
}

Result<std::vector<CK_SLOT_ID>> SlotsWithTokens(CK_FUNCTION_LIST& functions) {
  CK_ULONG count = 0;
  CK_RV code = functions.C_GetSlotList(CK_TRUE, nullptr, &count);
  if (code != CKR_OK) return ModuleError(code);
  if (count > kMaxSlots) {
    return Error(ErrorCode::kInvalidArgument, "has more slots than allowed").At("pkcs11.module").WithLimit(kMaxSlots);
  }
  std::vector<CK_SLOT_ID> slots(count);
  if (slots.empty()) return slots;
  code = functions.C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (code != CKR_OK) return ModuleError(code);
  if (count < slots.size()) slots.resize(count);
  return slots;
}

}  // namespace

bool IsOutage(CK_RV code) {
  switch (code) {
    case CKR_CRYPTOKI_NOT_INITIALIZED:
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_MEMORY:
    case CKR_DEVICE_REMOVED:
    case CKR_HOST_MEMORY:
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_USER_NOT_LOGGED_IN:
      return true;
    default:
      return false;
  }
}

Error ModuleError(CK_RV code) {
  switch (code) {
    case CKR_FUNCTION_NOT_SUPPORTED:
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
      return Error(ErrorCode::kInvalidArgument, "the token does not support AES-256-GCM").At(Named(code));
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
      return Error(ErrorCode::kUnavailable, "the token was taken away").At(Named(code));
    default:
      return Error(ErrorCode::kUnavailable, "the PKCS#11 module failed").At(Named(code));
  }
}

Result<Pkcs11Module> Pkcs11Module::Load(const std::string& path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
    return Error(ErrorCode::kInvalidArgument, "must be an absolute path").At("pkcs11.module");
  }
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    return Error(ErrorCode::kInvalidArgument, "cannot be loaded as a library").At("pkcs11.module");
  }
  const auto get_list = std::bit_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  const bool is_module = get_list != nullptr && get_list(&functions) == CKR_OK && functions != nullptr &&
                         (functions->version.major == 2 || functions->version.major == 3);
  if (!is_module) return Error(ErrorCode::kInvalidArgument, "is not a PKCS#11 module").At("pkcs11.module");
  return Pkcs11Module(functions);
}

Pkcs11Module::Pkcs11Module(Pkcs11Module&& other) noexcept
    : functions_(other.functions_), initialized_here_(std::exchange(other.initialized_here_, false)) {}

Pkcs11Module::~Pkcs11Module() {
  if (initialized_here_) functions_->C_Finalize(nullptr);
}

Status Pkcs11Module::Start() {
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV code = functions_->C_Initialize(&arguments);
  if (code == CKR_CRYPTOKI_ALREADY_INITIALIZED) return {};
  if (code != CKR_OK) return ModuleError(code);
  initialized_here_ = true;
  return {};
}

Result<Token> Pkcs11Module::FindToken(const std::string& label) const {
  COFFER_ASSIGN_OR_RETURN(const std::vector<CK_SLOT_ID> slots, SlotsWithTokens(*functions_));
  std::vector<Token> found;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO token{};
    // A slot that does not answer, or whose token is foreign to the module, is not ours.
    if (functions_->C_GetTokenInfo(slot, &token) == CKR_OK && LabelOf(token) == label) {
      found.push_back({slot, token.flags});
    }
  }
  if (found.empty()) return Error(ErrorCode::kUnavailable, "no token with this label is present").At("pkcs11.token");
  if (found.size() > 1) {
    return Error(ErrorCode::kInvalidArgument, "more than one token has this label").At("pkcs11.token");
  }
  return found.front();
}

Status Pkcs11Module::CheckMechanism(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_FLAGS needs) const {
  CK_MECHANISM_INFO mechanism_facts{};
  const CK_RV code = functions_->C_GetMechanismInfo(slot, mechanism, &mechanism_facts);
  if (code != CKR_OK) return ModuleError(code);
  if ((mechanism_facts.flags & needs) != needs) return ModuleError(CKR_MECHANISM_INVALID);
  return {};
}

}  // namespace coffer::keysvc::internal
