// Writes the vault's values back into a Grafana database, where they differ.
#pragma once

#include "plugins/grafana/cells/cell_writer.h"
#include "plugins/grafana/metadata_vault.h"
#include "plugins/grafana/secret_listing.h"
#include "plugins/grafana/transfer/transfer_report.h"

namespace coffer::grafana {

struct DatabaseExportOptions {
  bool accept_unreadable = false;  // what cannot be written stays as it is; refused otherwise
  bool add = false;                // puts what the vault has for a datasource, and the database has not, there
  bool clear_plaintext = false;    // empties old columns in clear whose value secure_json_data has
  // Also writes what the vault does not have from that row by ImportDatabase; refused otherwise (origin.h).
  bool accept_other_origin = false;
  std::optional<CredentialKind> only;
  std::string backup;  // a file for what undoes it (CellWriter::BackUp); empty: none
};

struct ExportReport {
  TransferReport transfer;  // its outcomes: updated, added, unchanged, skipped, held
  std::uint64_t rows = 0;   // that change
  std::uint64_t cleared = 0;
};

struct ExportVault {
  MetadataVault& values;
  SecretLister& list;  // asked only to add
};

// What ExportDatabase would do. Nothing is written under a key that is not proven.
Result<ExportReport> PlanExport(RowReader& reader, const SecretBytes& secret_key, const ExportVault& vault,
                                const DatabaseExportOptions& options);

// Reads everything under locks; encrypts what differs under the cell's own data key when that is active, else the
// newest active one that opens a value of the database, or under secret_key itself in a database without data keys,
// with the cell's cipher; backs up; writes both copies of a datasource; reads everything again and compares; commits. A
// failure before the commit leaves the database as it was, and no backup. Errors: as ImportDatabase; the writer's;
// kInternal: what was written does not come back.
Result<ExportReport> ExportDatabase(CellWriter& writer, const SecretBytes& secret_key, const ExportVault& vault,
                                    const DatabaseExportOptions& options);

}  // namespace coffer::grafana
