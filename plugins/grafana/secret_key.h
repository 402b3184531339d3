// Grafana's own two keys: [security] secret_key, under which it keeps its data keys and signs sessions, and the one of
// its secrets manager. Both live in the vault and reach Grafana through a file in a private folder.
#pragma once

#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

enum class GrafanaKey : std::uint8_t { kSecurity, kSecretsManager };

// "grafana/secret_key" and "grafana/secrets_manager_secret_key".
SecretPath KeyPath(GrafanaKey key);
// The environment variable that overrides the setting: GF_<SECTION>_<KEY>, '.' and '-' as '_', upper case.
std::string_view KeyVariable(GrafanaKey key);

// 40 characters of [A-Za-z0-9], uniformly random: 238 bits.
SecretBytes MakeSecretKey();

// kInvalidArgument: the public default of Grafana's defaults.ini (everybody knows it); empty or longer than 1,024
// bytes; or with characters that Grafana would change on the way: '$', "%(", controls, non-ASCII, white space at the
// ends.
Status CheckSecretKey(const SecretBytes& key);

// The key of the vault, checked. When there is none: made and stored if `make_missing`, else kNotFound. Making a new
// key for a Grafana that has a database loses what is encrypted in it, so it is never done unasked.
Result<SecretBytes> FetchSecretKey(VaultPort& vault, GrafanaKey key, bool make_missing);

// Puts the key of an existing Grafana into the vault. Ok when it is there already; kAlreadyExists when another one is:
// a key in use is never overwritten.
Status ImportSecretKey(VaultPort& vault, GrafanaKey key, const SecretBytes& value);

}  // namespace coffer::grafana
