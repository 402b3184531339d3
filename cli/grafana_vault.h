// The vault as the Grafana tools want it, over the client.
#pragma once

#include "cli/outcome.h"
#include "client/client.h"
#include "plugins/grafana/metadata_vault.h"
#include "plugins/grafana/secret_listing.h"

namespace coffer::cli {

// `client` must outlive it. The service's sentences become literals of ours: VaultPort's errors hold no run-time text.
class GrafanaVault final : public grafana::MetadataVault, public grafana::SecretLister {
 public:
  GrafanaVault(client::Client& client, std::string tenant) : client_(client), tenant_(std::move(tenant)) {}

  Result<grafana::StoredSecret> Get(const SecretReference& reference) override;
  Result<grafana::DescribedSecret> GetWithMetadata(const SecretPath& path) override;
  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t expected_version) override;
  Result<std::uint64_t> PutWithMetadata(const SecretPath& path, const SecretBytes& value,
                                        std::uint64_t expected_version,
                                        const grafana::SecretMetadata& metadata) override;
  Result<grafana::SecretPage> List(const std::string& prefix, const std::string& page_token) override;

  // A failure of this vault's, or of what used it: with the next step when the service's refusal was the cause.
  Failure FailureOf(const Error& error) const;

 private:
  Error Refused(client::RpcError error);
  Result<grafana::DescribedSecret> GetDescribed(const SecretReference& reference);
  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t expected_version,
                            v1::PutSecretRequest request);

  client::Client& client_;
  const std::string tenant_;
  std::optional<client::RpcError> refused_;  // the last time
};

}  // namespace coffer::cli
