// Puts the credentials of a Grafana database into the vault. The database is only read.
#pragma once

#include "plugins/grafana/transfer/open_credentials.h"
#include "plugins/grafana/transfer/transfer_vault.h"

namespace coffer::grafana {

struct DatabaseImportOptions {
  bool dry_run = false;            // asks the vault, changes nothing
  bool overwrite = false;          // a path that holds another value gets a new version; refused otherwise
  bool accept_unreadable = false;  // what cannot be taken stays behind; refused otherwise
  OpeningOptions opening;
  std::optional<CredentialKind> only;
};

enum class TransferOutcome : std::uint8_t {
  kCreated,
  kUnchanged,
  kUpdated,
  kAdded,    // to the database
  kSkipped,  // for its reason
  kHeld,     // others are why nothing was written
};
std::string_view TransferOutcomeName(TransferOutcome outcome);

struct TransferredCredential {
  CredentialKind kind = CredentialKind::kDatasource;
  std::string path;                 // of the vault; empty when it has none
  std::vector<std::string> places;  // "data_source.secure_json_data: password of id=1 org_id=1", printable
  TransferOutcome outcome = TransferOutcome::kSkipped;
  SkipReason reason = SkipReason::kNone;
};

enum class TransferRefusal : std::uint8_t {
  kNone,
  kOpensNothing,  // the key is not the database's
  kUnproven,      // nothing speaks against the key, and too little for it
  kUnreadable,    // something cannot be taken: see accept_unreadable
  kOtherValue,    // the vault holds other values: see overwrite
};
// "opens-nothing"...; empty for kNone.
std::string_view TransferRefusalName(TransferRefusal refusal);

// Places and paths, never a value.
struct TransferReport {
  TransferRefusal refusal = TransferRefusal::kNone;  // anything else: nothing was changed
  std::vector<TransferredCredential> credentials;
  std::vector<LeftOut> left_out;
  std::size_t Count(TransferOutcome outcome) const;
};

// "sqlite", "postgresql" or "dump".
std::string_view DatabaseKindOf(const RowReader& reader);

// Nothing is written to the vault unless everything was read, the key was proven, each value decrypted to text, both
// copies of a datasource agreed, and every path was free or held the same value. A failure while writing can leave some
// paths written; importing again goes on from there. Each value that is put has its origin as metadata
// (docs/FORMAT.md section 6). Errors: RowReader::Read's; CredentialRows'; VaultPort's.
Result<TransferReport> ImportDatabase(RowReader& reader, const SecretBytes& secret_key, TransferVault& vault,
                                      const DatabaseImportOptions& options);

// Also for the way back: whether this reason keeps the others from being taken.
bool IsObstacle(SkipReason reason);

}  // namespace coffer::grafana
