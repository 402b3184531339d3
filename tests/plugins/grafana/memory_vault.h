// A vault in memory, for tests: versions as the service keeps them, and failures on demand.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugins/grafana/secret_listing.h"
#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

class MemoryVault : public VaultPort, public SecretLister {
 public:
  Result<StoredSecret> Get(const SecretReference& reference) override {
    ++gets;
    if (failure) return Error(*failure, "the test's failure");
    const auto failing = failures.find(reference.path.text());
    if (failing != failures.end()) return Error(failing->second, "the test's failure");
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

  Result<SecretPage> List(const std::string& prefix, const std::string& page_token) override {
    ++lists;
    if (list_failure) return Error(*list_failure, "the test's failure");
    if (!page_token.empty() && prefix != listed_prefix_) {
      return Error(ErrorCode::kInvalidArgument, "a token of another list");
    }
    listed_prefix_ = prefix;
    SecretPage page;
    for (auto at = versions_.upper_bound(page_token); at != versions_.end(); ++at) {
      if (!at->first.starts_with(prefix)) continue;
      if (page.secrets.size() == page_size) {
        page.next = page.secrets.back().path;
        break;
      }
      page.secrets.push_back({at->first, at->second.size()});
    }
    return page;
  }

  void Set(const std::string& path, const std::string& value) { versions_[path].push_back(value); }
  // The newest value, or nothing.
  std::optional<std::string> At(const std::string& path) const {
    const auto found = versions_.find(path);
    if (found == versions_.end() || found->second.empty()) return std::nullopt;
    return found->second.back();
  }
  std::size_t size() const { return versions_.size(); }
  void Forget(const std::string& path) { versions_.erase(path); }

  int gets = 0;
  int lists = 0;
  std::size_t page_size = 1'000;  // of a list
  int puts = 0;
  int failing_put = 0;                        // The count of the put that fails; 0: none.
  std::optional<ErrorCode> failure;           // Of every get.
  std::map<std::string, ErrorCode> failures;  // Of the gets of a path.
  std::optional<ErrorCode> list_failure;

 private:
  std::string listed_prefix_;  // of the last list
  std::map<std::string, std::vector<std::string>> versions_;
};

}  // namespace coffer::grafana
