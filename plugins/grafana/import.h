// Moves the secrets of a provisioning file into the vault and leaves references in their places.
#pragma once

#include "plugins/grafana/provisioning.h"
#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

struct ImportOptions {
  bool dry_run = false;    // Asks the vault, changes nothing.
  bool overwrite = false;  // A path that holds another value gets a new version; refused otherwise.
};

enum class ImportOutcome : std::uint8_t { kCreated, kUnchanged, kUpdated };

struct ImportedSecret {
  SecretPath path;
  std::uint64_t line = 0;
  ImportOutcome outcome = ImportOutcome::kCreated;  // In a dry run: what would happen.
};

struct ImportResult {
  std::string
      rewritten;  // The file with coffer://<path> in place of each value; equal to the text when all were references.
  std::vector<ImportedSecret> secrets;
  std::size_t references = 0;  // Values that were references already.
  std::vector<Note> notes;     // Ordered by line; a value with '$' gets one, since Grafana expanded it until now.
  std::size_t Count(ImportOutcome outcome) const;
};

// A secret is the text of its YAML scalar, verbatim: `$` and `$__file{...}` are characters, and `coffer grafana run`
// hands Grafana exactly these characters. Nothing is written to the vault unless the whole file was read, rewritten and
// verified and every path was free or held the same value (or `overwrite`): kAlreadyExists with the path and line
// otherwise. A failure while writing can leave some paths written; importing again goes on from there. Other failures:
// FindSecrets and VaultPort.
Result<ImportResult> ImportFile(std::string_view text, VaultPort& vault, const ImportOptions& options);

}  // namespace coffer::grafana
