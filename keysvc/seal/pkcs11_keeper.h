// Pkcs11Keeper: slot keys encrypted by AES-256-GCM keys that do not leave a PKCS#11 token (a smart card, an HSM).
//
//   encrypted   := IV 12 | ciphertext 32 | tag 16
//   associated  := "coffer/v1/pkcs11" 00 | u64 slot id
//
// Each slot has a key of its own in the token, found by its CKA_ID, so a random IV is used once. Removing a slot leaves
// its key in the token: pkcs11-tool --delete-object removes it.
#pragma once

#include <optional>
#include <string>

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/service/seal_slots.h"

namespace coffer::keysvc {

namespace internal {
class Pkcs11Module;
class Pkcs11Session;
enum class SessionRights : std::uint8_t;
}  // namespace internal

// All of it from the configuration, never from the store.
struct Pkcs11Options {
  std::string module;                     // absolute path of the library; runs in this process
  std::string token;                      // its label, 1 to 32 bytes; exactly one token must have it
  std::string key_label = "coffer-seal";  // CKA_LABEL of new keys
  std::string pin_file;                   // absolute, mode 0600; used when no PIN is given; empty: none
  const Clock* clock = nullptr;           // null: the system's. Outlives the keeper
};

inline constexpr std::size_t kMaxTokenLabel = 32;
inline constexpr std::size_t kMaxPin = 255;
// How long a PIN that the token refused is refused without asking it again.
inline constexpr std::int64_t kRefusedPinMicros = 60'000'000;

// Loads the module at the first call. Each call logs in, works, and logs out. One attempt to log in a call at most, and
// none with the PIN that was refused last, for kRefusedPinMicros: so neither several slots nor an impatient operator
// lock the token. With CKF_USER_PIN_FINAL_TRY set, the pin file is not tried: the last attempt is a person's.
//
// Thread-safe; calls run one at a time. One keeper a process and token, because login belongs to the process. There is
// no timeout: a module that does not return blocks its caller, and every later one.
class Pkcs11Keeper final : public SlotKeeper {
 public:
  explicit Pkcs11Keeper(Pkcs11Options options);
  ~Pkcs11Keeper() override;
  Pkcs11Keeper(const Pkcs11Keeper&) = delete;
  Pkcs11Keeper& operator=(const Pkcs11Keeper&) = delete;

  // Makes the slot's key in the token; it is gone again when encrypting fails. kUnavailable: no token, or it fails.
  // kPermissionDenied: the PIN. kInvalidArgument: a wrong option, no PIN, or a token without AES-GCM.
  Result<SlotParams> Encrypt(KeyId slot, const SecretBytes& key, const SecretBytes& pin) override;
  // Likewise; kPermissionDenied also when the token has no such key, when that could be taken out of the token, and
  // when what is encrypted was altered or is another slot's.
  Result<SecretBytes> Decrypt(KeyId slot, const SlotParams& params, const SecretBytes& pin) override;

 private:
  struct RefusedPin {
    SecretBytes pin;
    std::int64_t until_micros = 0;
  };

  Result<internal::Pkcs11Session> LogIn(const SecretBytes& given_pin, internal::SessionRights rights)
      COFFER_REQUIRES(mutex_);
  Status LoadModule() COFFER_REQUIRES(mutex_);
  Result<SecretBytes> ReadPinFile() const;
  bool WasRefused(const SecretBytes& pin) COFFER_REQUIRES(mutex_);

  const Pkcs11Options options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  Mutex mutex_;
  std::unique_ptr<internal::Pkcs11Module> module_ COFFER_GUARDED_BY(mutex_);
  std::optional<RefusedPin> refused_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::keysvc
