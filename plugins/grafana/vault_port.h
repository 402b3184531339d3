// VaultPort: what the Grafana tools need of the vault. The client's implementation speaks to the service; the tests
// have one in memory.
#pragma once

#include "crypto/names.h"
#include "crypto/secret_bytes.h"

namespace coffer::grafana {

struct StoredSecret {
  SecretBytes value;
  std::uint64_t version = 0;  // From 1.
};

class VaultPort {
 public:
  virtual ~VaultPort() = default;

  // The value of the version that is named, or the newest. kNotFound: no such secret. kFailedPrecondition: it is
  // deleted, destroyed or expired, its key is disabled, or the store is not initialised. kUnavailable: the
  // service does not answer. kSealed: it is sealed. kPermissionDenied, kUnauthenticated: not for this caller.
  virtual Result<StoredSecret> Get(const SecretReference& reference) = 0;

  // Stores a new version when the newest is `expected_version` (0: there is none) and gives its number. kConflict when
  // it is another; else as Get.
  virtual Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value,
                                    std::uint64_t expected_version) = 0;
};

}  // namespace coffer::grafana
