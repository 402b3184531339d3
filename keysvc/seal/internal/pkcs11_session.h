// One logged-in session with a token: AES-256 keys that cannot leave it, and AES-GCM with them.
#pragma once

#include <array>

#include "crypto/secret_bytes.h"
#include "keysvc/seal/internal/pkcs11_module.h"

namespace coffer::keysvc::internal {

inline constexpr std::size_t kGcmIvSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;

enum class SessionRights : std::uint8_t { kRead, kWrite };

// What one message is encrypted with, beside the key.
struct GcmInput {
  std::array<std::byte, kGcmIvSize> iv{};
  Bytes associated;
};

// Logged out and closed when destroyed. Login is the application's, not the session's (PKCS #11 2.40 section 2.6): in
// one process, one session of a token at a time. Move-only; thread-compatible. Each call may block for as long as the
// module likes.
class Pkcs11Session {
 public:
  static Result<Pkcs11Session> Open(const Pkcs11Module& module, const Token& token, SessionRights rights);
  ~Pkcs11Session();
  Pkcs11Session(Pkcs11Session&& other) noexcept;
  Pkcs11Session& operator=(Pkcs11Session&&) = delete;
  Pkcs11Session(const Pkcs11Session&) = delete;
  Pkcs11Session& operator=(const Pkcs11Session&) = delete;

  // One attempt. kPermissionDenied: wrong, expired, or locked. kUnavailable when the process is logged in already:
  // nothing would be known of this PIN.
  Status Login(const SecretBytes& pin);

  // A new AES-256 key in the token: private, sensitive, not extractable, not modifiable, to encrypt and decrypt only.
  Result<CK_OBJECT_HANDLE> GenerateKey(ByteView id, const std::string& label);
  // kPermissionDenied when the token has no AES key with this id, or several.
  Result<CK_OBJECT_HANDLE> FindKey(ByteView id);
  // kPermissionDenied when the key is extractable or not sensitive: it may be known outside of the token.
  Status CheckStaysInToken(CK_OBJECT_HANDLE key);
  void DestroyKey(CK_OBJECT_HANDLE key) { functions_->C_DestroyObject(handle_, key); }

  // Ciphertext, then tag.
  Result<Bytes> Encrypt(CK_OBJECT_HANDLE key, const GcmInput& input, const SecretBytes& plaintext);
  // kPermissionDenied when what is encrypted, or what it is bound to, differs.
  Result<SecretBytes> Decrypt(CK_OBJECT_HANDLE key, const GcmInput& input, ByteView encrypted);

 private:
  Pkcs11Session(CK_FUNCTION_LIST* functions, CK_SESSION_HANDLE handle) : functions_(functions), handle_(handle) {}

  CK_FUNCTION_LIST* functions_;
  CK_SESSION_HANDLE handle_ = CK_INVALID_HANDLE;
  bool logged_in_ = false;
};

}  // namespace coffer::keysvc::internal
