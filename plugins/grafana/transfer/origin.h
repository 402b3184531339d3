// Where in a Grafana database a secret of the vault is from, as its metadata says (docs/FORMAT.md section 6).
#pragma once

#include "plugins/grafana/metadata_vault.h"
#include "plugins/grafana/transfer/credential_rows.h"

namespace coffer::grafana {

// `database`: what kind it is, "sqlite".
SecretMetadata OriginOf(const CredentialRows& rows, const Credential& credential, std::string_view database);

// Whether `origin` names a table and a row that the credential stands in. Paths are made of what the database says, so
// whoever can write to it can name any; a row that he makes has another id. An Alertmanager's configuration gets a new
// id when it is saved: there the table is enough.
bool IsFromThere(const CredentialRows& rows, const Credential& credential, const SecretMetadata& origin);

}  // namespace coffer::grafana
