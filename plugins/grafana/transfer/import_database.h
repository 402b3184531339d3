// Puts the credentials of a Grafana database into the vault. The database is only read.
#pragma once

#include "plugins/grafana/metadata_vault.h"
#include "plugins/grafana/transfer/transfer_report.h"

namespace coffer::grafana {

struct DatabaseImportOptions {
  bool dry_run = false;            // asks the vault, changes nothing
  bool overwrite = false;          // a path that holds another value gets a new version; refused otherwise
  bool accept_unreadable = false;  // what cannot be taken stays behind; refused otherwise
  bool accept_unproven = false;    // a key that nothing speaks against, where too little is there to prove it
  std::optional<CredentialKind> only;
};

// "sqlite", "postgresql" or "dump".
std::string_view DatabaseKindOf(const RowReader& reader);

// Nothing is written to the vault unless everything was read, the key was proven, each value decrypted to text, both
// copies of a datasource agreed, and every path was free or held the same value. A failure while writing can leave some
// paths written; importing again goes on from there. Each value that is put has its origin as metadata
// (docs/FORMAT.md section 6). Errors: RowReader::Read's; CredentialRows'; VaultPort's.
Result<TransferReport> ImportDatabase(RowReader& reader, const SecretBytes& secret_key, MetadataVault& vault,
                                      const DatabaseImportOptions& options);

}  // namespace coffer::grafana
