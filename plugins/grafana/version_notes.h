// VersionNotes: a vault that remembers which versions were taken from it.
#pragma once

#include "plugins/grafana/secret_listing.h"
#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

// `vault` must outlive it. Thread-compatible.
class VersionNotes final : public VaultPort {
 public:
  explicit VersionNotes(VaultPort& vault) : vault_(vault) {}

  Result<StoredSecret> Get(const SecretReference& reference) override {
    auto stored = vault_.Get(reference);
    // Of two versions of one render the older one is the one to compare with later.
    if (stored.ok() && !reference.version) versions_.emplace(reference.path.text(), stored->version);
    return stored;
  }
  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t expected_version) override {
    return vault_.Put(path, value, expected_version);
  }

  // Of what was taken as the newest; a reference with a version of its own never changes.
  const VersionsByPath& versions() const { return versions_; }

 private:
  VaultPort& vault_;
  VersionsByPath versions_;
};

}  // namespace coffer::grafana
