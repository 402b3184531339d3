// A vault in memory, for tests: versions as the service keeps them, and failures on demand.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

class MemoryVault : public VaultPort {
 public:
  Result<StoredSecret> Get(const SecretReference& reference) override {
    ++gets;
    if (failure) return Error(*failure, "the test's failure");
    const auto found = versions_.find(reference.path.text());
    if (found == versions_.end()) return Error(ErrorCode::kNotFound, "no such secret");
    const std::uint64_t version = reference.version.value_or(found->second.size());
    if (version > found->second.size()) return Error(ErrorCode::kNotFound, "no such version");
    return StoredSecret{SecretBytes::CopyOf(AsBytes(found->second[version - 1])), version};
  }

  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t expected_version) override {
    ++puts;
    if (puts == failing_put) return Error(ErrorCode::kUnavailable, "the test's failure");
    auto& versions = versions_[path.text()];
    if (versions.size() != expected_version) return Error(ErrorCode::kConflict, "another version");
    versions.emplace_back(AsText(value.Expose(SecretAccess::kTest)));
    return versions.size();
  }

  void Set(const std::string& path, const std::string& value) { versions_[path].push_back(value); }
  // The newest value, or nothing.
  std::optional<std::string> At(const std::string& path) const {
    const auto found = versions_.find(path);
    if (found == versions_.end() || found->second.empty()) return std::nullopt;
    return found->second.back();
  }
  std::size_t size() const { return versions_.size(); }

  int gets = 0;
  int puts = 0;
  int failing_put = 0;               // The count of the put that fails; 0: none.
  std::optional<ErrorCode> failure;  // Of every get.

 private:
  std::map<std::string, std::vector<std::string>> versions_;
};

}  // namespace coffer::grafana
