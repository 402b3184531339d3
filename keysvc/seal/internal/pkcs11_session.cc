#include "keysvc/seal/internal/pkcs11_session.h"

#include <deque>
#include <utility>
#include <vector>

namespace coffer::keysvc::internal {
namespace {

constexpr CK_ULONG kAesKeyBytes = 32;

Error Refused(Literal message) { return Error(ErrorCode::kPermissionDenied, message).At("pkcs11"); }

Error PinError(CK_RV code) {
  switch (code) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
      return Refused("the token refuses the PIN");
    case CKR_PIN_LOCKED:
      return Refused("the token's PIN is locked");
    case CKR_PIN_EXPIRED:
      return Refused("the token's PIN has expired");
    case CKR_USER_PIN_NOT_INITIALIZED:
      return Error(ErrorCode::kInvalidArgument, "has no user PIN yet").At("pkcs11.token");
    case CKR_USER_ALREADY_LOGGED_IN:
    case CKR_USER_ANOTHER_ALREADY_LOGGED_IN:
      return Error(ErrorCode::kUnavailable, "something else in this process is logged in to the token").At("pkcs11");
    default:
      return ModuleError(code);
  }
}

// A template. Owns the values, whose addresses stay.
class Attributes {
 public:
  Attributes& Flag(CK_ATTRIBUTE_TYPE type, bool set) {
    return Add(type, flags_.emplace_back(static_cast<CK_BBOOL>(set ? CK_TRUE : CK_FALSE)));
  }
  Attributes& Number(CK_ATTRIBUTE_TYPE type, CK_ULONG number) { return Add(type, numbers_.emplace_back(number)); }
  Attributes& Raw(CK_ATTRIBUTE_TYPE type, ByteView bytes) {
    Bytes& kept = bytes_.emplace_back(CopyOf(bytes));
    list_.push_back({type, kept.data(), static_cast<CK_ULONG>(kept.size())});
    return *this;
  }
  CK_ATTRIBUTE* data() { return list_.data(); }
  CK_ULONG size() const { return static_cast<CK_ULONG>(list_.size()); }

 private:
  template <typename T>
  Attributes& Add(CK_ATTRIBUTE_TYPE type, T& kept) {
    list_.push_back({type, &kept, sizeof(T)});
    return *this;
  }

  std::deque<CK_BBOOL> flags_;
  std::deque<CK_ULONG> numbers_;
  std::deque<Bytes> bytes_;
  std::vector<CK_ATTRIBUTE> list_;
};

// AES-GCM with a copy of its input, since the interface wants it writable.
class GcmMechanism {
 public:
  explicit GcmMechanism(const GcmInput& input) : input_(input) {
    parameters_.iv_ptr = AsUnsigned(MutableBytes(input_.iv));
    parameters_.iv_len = kGcmIvSize;
    parameters_.iv_bits = 8 * kGcmIvSize;
    parameters_.aad_ptr = AsUnsigned(MutableBytes(input_.associated));
    parameters_.aad_len = static_cast<CK_ULONG>(input_.associated.size());
    parameters_.tag_bits = 8 * kGcmTagSize;
    mechanism_ = {CKM_AES_GCM, &parameters_, sizeof(parameters_)};
  }
  GcmMechanism(const GcmMechanism&) = delete;
  GcmMechanism& operator=(const GcmMechanism&) = delete;
  CK_MECHANISM* get() { return &mechanism_; }

 private:
  GcmInput input_;
  CK_GCM_PARAMS parameters_{};
  CK_MECHANISM mechanism_{};
};

}  // namespace

Result<Pkcs11Session> Pkcs11Session::Open(const Pkcs11Module& module, const Token& token, SessionRights rights) {
  CK_FLAGS flags = CKF_SERIAL_SESSION;
  if (rights == SessionRights::kWrite) flags |= CKF_RW_SESSION;
  CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
  const CK_RV code = module.functions().C_OpenSession(token.slot, flags, nullptr, nullptr, &handle);
  if (code != CKR_OK) return ModuleError(code);
  return Pkcs11Session(&module.functions(), handle);
}

Pkcs11Session::Pkcs11Session(Pkcs11Session&& other) noexcept
    : functions_(other.functions_),
      handle_(std::exchange(other.handle_, CK_INVALID_HANDLE)),
      logged_in_(std::exchange(other.logged_in_, false)) {}

Pkcs11Session::~Pkcs11Session() {
  if (logged_in_) functions_->C_Logout(handle_);
  if (handle_ != CK_INVALID_HANDLE) functions_->C_CloseSession(handle_);
}

Status Pkcs11Session::Login(const SecretBytes& pin) {
  SecretBytes writable = pin.Clone();
  const auto size = static_cast<CK_ULONG>(writable.size());
  const CK_RV code =
      functions_->C_Login(handle_, CKU_USER, AsUnsigned(writable.ExposeMutable(SecretAccess::kCipher)), size);
  if (code != CKR_OK) return PinError(code);
  logged_in_ = true;
  return {};
}

Result<CK_OBJECT_HANDLE> Pkcs11Session::GenerateKey(ByteView id, const std::string& label) {
  Attributes attributes;
  attributes.Number(CKA_CLASS, CKO_SECRET_KEY).Number(CKA_KEY_TYPE, CKK_AES).Number(CKA_VALUE_LEN, kAesKeyBytes);
  for (const CK_ATTRIBUTE_TYPE type : {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT}) {
    attributes.Flag(type, true);
  }
  for (const CK_ATTRIBUTE_TYPE type :
       {CKA_EXTRACTABLE, CKA_MODIFIABLE, CKA_WRAP, CKA_UNWRAP, CKA_SIGN, CKA_VERIFY, CKA_DERIVE}) {
    attributes.Flag(type, false);
  }
  attributes.Raw(CKA_LABEL, AsBytes(label)).Raw(CKA_ID, id);
  CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  const CK_RV code = functions_->C_GenerateKey(handle_, &mechanism, attributes.data(), attributes.size(), &key);
  if (code != CKR_OK) return ModuleError(code);
  return key;
}

Result<CK_OBJECT_HANDLE> Pkcs11Session::FindKey(ByteView id) {
  Attributes attributes;
  attributes.Number(CKA_CLASS, CKO_SECRET_KEY).Number(CKA_KEY_TYPE, CKK_AES).Flag(CKA_TOKEN, true).Raw(CKA_ID, id);
  CK_RV code = functions_->C_FindObjectsInit(handle_, attributes.data(), attributes.size());
  if (code != CKR_OK) return ModuleError(code);
  std::array<CK_OBJECT_HANDLE, 2> found{};
  CK_ULONG count = 0;
  code = functions_->C_FindObjects(handle_, found.data(), found.size(), &count);
  functions_->C_FindObjectsFinal(handle_);
  if (code != CKR_OK) return ModuleError(code);
  if (count == 0) return Refused("the token has no key for this slot");
  if (count > 1) return Refused("the token has several keys for this slot");
  return found.front();
}

Status Pkcs11Session::CheckStaysInToken(CK_OBJECT_HANDLE key) {
  CK_BBOOL sensitive = CK_FALSE;
  CK_BBOOL extractable = CK_TRUE;
  std::array<CK_ATTRIBUTE, 2> attributes = {
      {{CKA_SENSITIVE, &sensitive, sizeof(sensitive)}, {CKA_EXTRACTABLE, &extractable, sizeof(extractable)}}};
  const CK_RV code = functions_->C_GetAttributeValue(handle_, key, attributes.data(), attributes.size());
  if (code != CKR_OK) return ModuleError(code);
  if (sensitive == CK_TRUE && extractable == CK_FALSE) return {};
  return Refused("the token's key for this slot can be taken out of the token");
}

Result<Bytes> Pkcs11Session::Encrypt(CK_OBJECT_HANDLE key, const GcmInput& input, const SecretBytes& plaintext) {
  GcmMechanism mechanism(input);
  CK_RV code = functions_->C_EncryptInit(handle_, mechanism.get(), key);
  if (code != CKR_OK) return ModuleError(code);
  SecretBytes writable = plaintext.Clone();
  Bytes encrypted(plaintext.size() + kGcmTagSize);
  auto size = static_cast<CK_ULONG>(encrypted.size());
  code = functions_->C_Encrypt(handle_, AsUnsigned(writable.ExposeMutable(SecretAccess::kCipher)),
                               static_cast<CK_ULONG>(writable.size()), AsUnsigned(MutableBytes(encrypted)), &size);
  if (code != CKR_OK) return ModuleError(code);
  if (size != encrypted.size()) {
    return Error(ErrorCode::kInvalidArgument, "gives a ciphertext of another length than AES-GCM's")
        .At("pkcs11.module");
  }
  return encrypted;
}

Result<SecretBytes> Pkcs11Session::Decrypt(CK_OBJECT_HANDLE key, const GcmInput& input, ByteView encrypted) {
  if (encrypted.size() < kGcmTagSize) return Refused("what is encrypted is shorter than its tag");
  GcmMechanism mechanism(input);
  CK_RV code = functions_->C_DecryptInit(handle_, mechanism.get(), key);
  if (code != CKR_OK) return ModuleError(code);
  Bytes writable = CopyOf(encrypted);
  // Some modules ask for room for the tag as well.
  SecretBytes plaintext(encrypted.size());
  auto size = static_cast<CK_ULONG>(plaintext.size());
  code = functions_->C_Decrypt(handle_, AsUnsigned(MutableBytes(writable)), static_cast<CK_ULONG>(writable.size()),
                               AsUnsigned(plaintext.ExposeMutable(SecretAccess::kCipher)), &size);
  if (IsOutage(code)) return ModuleError(code);
  // Modules have several codes for a wrong tag, CKR_GENERAL_ERROR among them.
  if (code != CKR_OK) return Refused("the token does not decrypt this: it was altered, or is another slot's");
  if (size != encrypted.size() - kGcmTagSize) {
    return Error(ErrorCode::kInvalidArgument, "gives a plaintext of another length than AES-GCM's").At("pkcs11.module");
  }
  plaintext.Truncate(size);
  return plaintext;
}

}  // namespace coffer::keysvc::internal
