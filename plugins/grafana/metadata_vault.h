// MetadataVault: a VaultPort whose secrets have metadata, for what has to remember more of one than its value.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

// Pairs that are stored and listed in clear: keys of at most 128 and values of at most 512 bytes of UTF-8.
using SecretMetadata = std::map<std::string, std::string>;

// Of Get's errors: the secret is not there, or not any more.
inline bool IsGone(const Error& error) {
  return error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kFailedPrecondition;
}

struct DescribedSecret {
  StoredSecret secret;
  SecretMetadata metadata;
};

class MetadataVault : public VaultPort {
 public:
  // As Get; the newest.
  virtual Result<DescribedSecret> GetWithMetadata(const SecretPath& path) = 0;

  // As Put; `metadata` is added to what the secret has, in place of what has the same keys.
  virtual Result<std::uint64_t> PutWithMetadata(const SecretPath& path, const SecretBytes& value,
                                                std::uint64_t expected_version, const SecretMetadata& metadata) = 0;
};

}  // namespace coffer::grafana
