// SecureValueCalls: what Grafana's two services do, without their transport.
#pragma once

#include <chrono>
#include <map>

#include "plugins/grafana/securevalues/access_token.h"
#include "plugins/grafana/securevalues/secure_value_vault.h"

namespace coffer::grafana {

// Who calls, and until when the answer is waited for.
struct GrafanaCall {
  AccessClaims token;
  std::string service;  // which of Grafana's services, as it says; recorded, and believed by nobody
  std::chrono::system_clock::time_point deadline;

  // "grafana/provisioning.grafana.app": the proven name first. Visible ASCII, at most 128 characters.
  std::string ToText() const;
};

// One of the two.
struct DecryptedValue {
  std::string value;
  std::string_view refusal;  // a sentence, the same for what is not there and for what this caller may not have
};
using DecryptedValues = std::map<std::string, DecryptedValue>;  // by name

// Thread-safe. Errors: kInvalidArgument: the request breaks a limit or a form. kPermissionDenied: a namespace that the
// token is not for, or a value that is not the owner's. kSealed, kUnavailable, kResourceExhausted: later. Others are
// the key service's.
class SecureValueCalls {
 public:
  // How long one call to the key service may take.
  static constexpr std::chrono::milliseconds kVaultPatience{5'000};
  // Of a whole call, whatever its deadline.
  static constexpr std::chrono::milliseconds kCallPatience{30'000};

  SecureValueCalls(const client::Client& client, SecureValuePlace place,
                   std::chrono::milliseconds vault_patience = kVaultPatience)
      : client_(client), place_(std::move(place)), vault_patience_(vault_patience) {}

  // Each name's value, or why not; the call fails when the key service cannot answer.
  Result<DecryptedValues> Decrypt(const GrafanaCall& call, std::string_view namespace_name,
                                  const std::vector<std::string>& names) const;
  // Ok when all of them are the owner's, and may be decrypted by the caller.
  Status CanReference(const GrafanaCall& call, std::string_view namespace_name, const OwnerReference& owner,
                      const std::vector<std::string>& names) const;
  // The name of what was made. The owner's group and the caller may decrypt it.
  Result<std::string> Create(const GrafanaCall& call, std::string_view namespace_name, const OwnerReference& owner,
                             std::string_view value, std::string_view description) const;
  // How many were the owner's, and might be decrypted by the caller.
  Result<std::size_t> DeleteOwned(const GrafanaCall& call, std::string_view namespace_name, const OwnerReference& owner,
                                  const std::vector<std::string>& names) const;

 private:
  // A client whose calls say who asked.
  Result<std::unique_ptr<client::Client>> ClientFor(const GrafanaCall& call) const;

  const client::Client& client_;
  const SecureValuePlace place_;
  const std::chrono::milliseconds vault_patience_;
};

}  // namespace coffer::grafana
