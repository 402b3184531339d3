// A vault in memory that keeps metadata too.
#pragma once

#include <set>

#include "plugins/grafana/metadata_vault.h"
#include "plugins/grafana/secret_listing.h"
#include "tests/plugins/grafana/memory_vault.h"

namespace coffer::grafana {

class OriginVault final : public MetadataVault, public SecretLister {
 public:
  Result<StoredSecret> Get(const SecretReference& reference) override {
    if (gone.contains(reference.path.text())) return Error(ErrorCode::kFailedPrecondition, "it is deleted");
    return values.Get(reference);
  }
  Result<DescribedSecret> GetWithMetadata(const SecretPath& path) override {
    if (gone.contains(path.text())) return Error(ErrorCode::kFailedPrecondition, "it is deleted");
    COFFER_ASSIGN_OR_RETURN(StoredSecret secret, values.Get(SecretReference{path, std::nullopt}));
    return DescribedSecret{std::move(secret), metadata[path.text()]};
  }
  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t expected_version) override {
    return values.Put(path, value, expected_version);
  }
  Result<std::uint64_t> PutWithMetadata(const SecretPath& path, const SecretBytes& value,
                                        std::uint64_t expected_version, const SecretMetadata& added) override {
    auto version = values.Put(path, value, expected_version);
    if (version.ok()) {
      for (const auto& [key, text] : added) metadata[path.text()][key] = text;
    }
    return version;
  }

  // A page for each.
  Result<SecretPage> List(const std::string& prefix, const std::string& page_token) override {
    SecretPage page;
    const auto found = page_token.empty() ? listed.lower_bound(prefix) : listed.find(page_token);
    if (found == listed.end() || !found->starts_with(prefix)) return page;
    page.secrets.push_back({*found, 1});
    const auto next = std::next(found);
    if (next != listed.end() && next->starts_with(prefix)) page.next = *next;
    return page;
  }

  MemoryVault values;
  std::set<std::string> listed;                    // what List gives
  std::set<std::string> gone;                      // what is deleted
  std::map<std::string, SecretMetadata> metadata;  // by path
};

}  // namespace coffer::grafana
