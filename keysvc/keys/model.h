// What the key service keeps about keys and tenants: plain records, no behaviour. Wrapped keys only.
#pragma once

#include <string>

#include "crypto/key_wrap.h"

namespace coffer::keysvc {

// One (keyring, version)'s life. Stored as the number.
enum class VersionState : std::uint8_t {
  kEnabled = 1,           // encrypts when primary, decrypts
  kDisabled = 2,          // refuses both; enable brings it back
  kDestroyScheduled = 3,  // refuses both; cancel brings it back
  kDestroyed = 4,         // its wrapped keys are gone
};

// All times are microseconds since 1970-01-01 UTC.
struct Tenant {
  TenantUuid uuid{};
  std::string name = {};  // an alias, never reused
  std::int64_t created_us = 0;
};

struct Keyring {
  KeyringUuid uuid{};
  std::string name = {};
  KeyringPurpose purpose = KeyringPurpose::kEncrypt;
  KeyId kek{};
  KeyVersion primary{};
  std::int64_t created_us = 0;
};

// Wraps the keyring's data keys; itself wrapped by the root key.
struct Kek {
  KeyId id{};
  KeyringUuid keyring{};
  WrappedKey wrapped{};
  KeyCheckValue check{};
  std::int64_t created_us = 0;
};

struct Version {
  KeyringUuid keyring{};
  KeyVersion version{};
  VersionState state = VersionState::kEnabled;
  std::int64_t created_us = 0;
  std::int64_t changed_us = 0;
};

// One per (keyring, version, tenant), made on first use.
struct DataKey {
  KeyringUuid keyring{};
  KeyVersion version{};
  TenantUuid tenant{};
  KeyId id{};
  KeyId kek{};
  WrappedKey wrapped{};
  KeyCheckValue check{};
  std::int64_t created_us = 0;
};

}  // namespace coffer::keysvc
