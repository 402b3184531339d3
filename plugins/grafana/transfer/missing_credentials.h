// What the vault has for a database's datasources and the database has not.
#pragma once

#include <set>

#include "plugins/grafana/metadata_vault.h"
#include "plugins/grafana/secret_listing.h"
#include "plugins/grafana/transfer/open_credentials.h"

namespace coffer::grafana {

struct MissingCredential {
  Credential credential;
  SecretMetadata origin;  // as the vault says
};

// Each with the vault's value, unless there is a problem, and the cells that it belongs into, whose sites are new. An
// empty value is as none. What is deleted in the vault is not missing. `known`: paths that the database has encrypted.
// Errors: SecretLister's, VaultPort's.
Result<std::vector<MissingCredential>> FindMissing(const CredentialRows& rows, const CredentialKeys& keys,
                                                   const std::set<std::string>& known, MetadataVault& vault,
                                                   SecretLister& lister);

// The JSON object, or null, with one more pair at its end; `key` and `text` need no escapes or have them.
std::string WithPair(std::string_view json, std::string_view key, std::string_view text);

}  // namespace coffer::grafana
