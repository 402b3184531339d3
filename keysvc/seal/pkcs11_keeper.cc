#include "keysvc/seal/pkcs11_keeper.h"

#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/random.h"
#include "crypto/secret_equality.h"
#include "io/file.h"
#include "keysvc/seal/internal/pkcs11_session.h"

namespace coffer::keysvc {
namespace {

using internal::GcmInput;
using internal::Pkcs11Module;
using internal::Pkcs11Session;
using internal::SessionRights;
using internal::Token;

constexpr std::size_t kEncryptedSize = internal::kGcmIvSize + kKeySize + internal::kGcmTagSize;

Bytes AssociatedData(KeyId slot) {
  Bytes bytes;
  Writer(bytes).Raw("coffer/v1/pkcs11").U8(0).U64(slot.value);
  return bytes;
}

Status CheckPin(const SecretBytes& pin) {
  if (pin.empty()) return Error(ErrorCode::kInvalidArgument, "is missing, and there is no pin file").At("pin");
  if (pin.size() > kMaxPin)
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed").At("pin").WithLimit(kMaxPin);
  return {};
}

Status CheckAttemptsLeft(const Token& token, bool pin_from_file) {
  if ((token.flags & CKF_USER_PIN_LOCKED) != 0) {
    return Error(ErrorCode::kPermissionDenied, "the token's PIN is locked").At("pkcs11");
  }
  if (pin_from_file && (token.flags & CKF_USER_PIN_FINAL_TRY) != 0) {
    return Error(ErrorCode::kPermissionDenied,
                 "one attempt is left before the token locks itself: give the PIN by hand")
        .At("pkcs11.pin_file");
  }
  return {};
}

Result<SlotParams> EncryptWith(Pkcs11Session& session, CK_OBJECT_HANDLE object, KeyId slot, Pkcs11Slot made,
                               const SecretBytes& key) {
  // A token that ignores what it was asked for is no keeper.
  COFFER_TRY(session.CheckStaysInToken(object));
  GcmInput input{.iv = {}, .associated = AssociatedData(slot)};
  FillRandom(input.iv);
  COFFER_ASSIGN_OR_RETURN(const Bytes ciphertext, session.Encrypt(object, input, key));
  made.encrypted.assign(input.iv.begin(), input.iv.end());
  Append(made.encrypted, ciphertext);
  return SlotParams(std::move(made));
}

}  // namespace

Pkcs11Keeper::Pkcs11Keeper(Pkcs11Options options)
    : options_(std::move(options)), clock_(options_.clock == nullptr ? system_clock_ : *options_.clock) {}

Pkcs11Keeper::~Pkcs11Keeper() = default;

Status Pkcs11Keeper::LoadModule() {
  if (options_.token.empty() || options_.token.size() > kMaxTokenLabel) {
    return Error(ErrorCode::kInvalidArgument, "must have 1 to 32 bytes").At("pkcs11.token");
  }
  if (module_ == nullptr) {
    COFFER_ASSIGN_OR_RETURN(Pkcs11Module module, Pkcs11Module::Load(options_.module));
    module_ = std::make_unique<Pkcs11Module>(std::move(module));
  }
  return module_->Start();
}

Result<SecretBytes> Pkcs11Keeper::ReadPinFile() const {
  if (options_.pin_file.empty()) return SecretBytes();
  if (options_.pin_file.front() != '/') {
    return Error(ErrorCode::kInvalidArgument, "must be an absolute path").At("pkcs11.pin_file");
  }
  Result<SecretBytes> pin = ReadSecretFile(options_.pin_file, kMaxPin + 1);
  if (!pin.ok() && pin.error().code() == ErrorCode::kUnavailable) return pin;
  if (!pin.ok()) {  // As kPermissionDenied it would look as if the token had refused.
    return Error(ErrorCode::kInvalidArgument, "must be a file of mode 0600, root's or cofferd's own, with one PIN")
        .At("pkcs11.pin_file");
  }
  const ByteView text = pin->Expose(SecretAccess::kCipher);
  if (!text.empty() && text.back() == std::byte{'\n'}) pin->Truncate(pin->size() - 1);
  return pin;
}

bool Pkcs11Keeper::WasRefused(const SecretBytes& pin) {
  if (refused_ && clock_.MonotonicMicros() >= refused_->until_micros) refused_.reset();
  return refused_ && EqualConstantTime(refused_->pin, pin);
}

Result<Pkcs11Session> Pkcs11Keeper::LogIn(const SecretBytes& given_pin, SessionRights rights) {
  COFFER_TRY(LoadModule());
  const bool from_file = given_pin.empty();
  COFFER_ASSIGN_OR_RETURN(SecretBytes pin, from_file ? ReadPinFile() : Result<SecretBytes>(given_pin.Clone()));
  COFFER_TRY(CheckPin(pin));
  if (WasRefused(pin)) {
    return Error(ErrorCode::kPermissionDenied, "the token refused this PIN a moment ago, and was not asked again")
        .At("pkcs11");
  }
  COFFER_ASSIGN_OR_RETURN(const Token token, module_->FindToken(options_.token));
  COFFER_TRY(CheckAttemptsLeft(token, from_file));
  COFFER_TRY(module_->CheckMechanism(token.slot, CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT));
  COFFER_ASSIGN_OR_RETURN(Pkcs11Session session, Pkcs11Session::Open(*module_, token, rights));
  const Status logged_in = session.Login(pin);
  if (logged_in.ok()) refused_.reset();
  if (!logged_in.ok() && logged_in.error().code() == ErrorCode::kPermissionDenied) {
    refused_ = RefusedPin{std::move(pin), clock_.MonotonicMicros() + kRefusedPinMicros};
  }
  COFFER_TRY(logged_in);
  return session;
}

Result<SlotParams> Pkcs11Keeper::Encrypt(KeyId slot, const SecretBytes& key, const SecretBytes& pin) {
  if (key.size() != kKeySize) return Error(ErrorCode::kInvalidArgument, "a slot key has 32 bytes").At("key");
  const Lock lock(mutex_);
  COFFER_ASSIGN_OR_RETURN(Pkcs11Session session, LogIn(pin, SessionRights::kWrite));
  Pkcs11Slot made;
  FillRandom(made.key_id);
  COFFER_ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE object, session.GenerateKey(made.key_id, options_.key_label));
  Result<SlotParams> params = EncryptWith(session, object, slot, std::move(made), key);
  if (!params.ok()) session.DestroyKey(object);
  return params;
}

Result<SecretBytes> Pkcs11Keeper::Decrypt(KeyId slot, const SlotParams& params, const SecretBytes& pin) {
  const auto* kept = std::get_if<Pkcs11Slot>(&params);
  if (kept == nullptr) return Error(ErrorCode::kInvalidArgument, "is not a slot of a token").At("slot");
  const ByteView encrypted(kept->encrypted);
  if (encrypted.size() != kEncryptedSize) {
    return Error(ErrorCode::kPermissionDenied, "what is encrypted has a wrong length: it was altered").At("pkcs11");
  }
  GcmInput input{.iv = {}, .associated = AssociatedData(slot)};
  std::copy_n(encrypted.begin(), input.iv.size(), input.iv.begin());
  const Lock lock(mutex_);
  COFFER_ASSIGN_OR_RETURN(Pkcs11Session session, LogIn(pin, SessionRights::kRead));
  COFFER_ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE object, session.FindKey(kept->key_id));
  COFFER_TRY(session.CheckStaysInToken(object));
  return session.Decrypt(object, input, encrypted.subspan(input.iv.size()));
}

}  // namespace coffer::keysvc
