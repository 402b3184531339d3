#include "plugins/grafana/transfer/export_database.h"

#include "io/file.h"
#include "plugins/grafana/transfer/export_plan.h"

namespace coffer::grafana {
namespace {

Result<CredentialRows> ReadCells(CellWriter& writer) {
  CredentialRows rows;
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          writer.Read(rows.wanted(), [&rows](std::string_view row_id, const ReadRow& row) {
                            return rows.Take(row_id, row);
                          }));
  COFFER_TRY(rows.Finish(found));
  return rows;
}

// Never under a key that is not proven.
OpeningOptions Strictly(OpeningOptions options) {
  options.accept_unproven = false;
  return options;
}

ExportReport Refused(const CredentialRows& rows, KeyRefusal refusal) {
  ExportReport report;
  report.transfer.refusal =
      refusal == KeyRefusal::kUnproven ? TransferRefusal::kUnproven : TransferRefusal::kOpensNothing;
  report.transfer.left_out = rows.left_out();
  return report;
}

// All behind the backup, up to the commit.
Status WriteAndCheck(CellWriter& writer, const std::vector<RowChange>& changes, const ExportPlan& plan) {
  for (const RowChange& change : changes) COFFER_TRY(writer.Update(change));
  COFFER_ASSIGN_OR_RETURN(const CredentialRows after, ReadCells(writer));
  return plan.CheckWritten(after);
}

}  // namespace

Result<ExportReport> PlanExport(RowReader& reader, const SecretBytes& secret_key, const ExportVault& vault,
                                const DatabaseExportOptions& options) {
  CredentialRows rows;
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          reader.Read(rows.wanted(), [&rows](const ReadRow& row) { return rows.Take({}, row); }));
  COFFER_TRY(rows.Finish(found));
  const CredentialKeys keys(rows, secret_key, Strictly(options.opening));
  if (keys.refusal() != KeyRefusal::kNone) return Refused(rows, keys.refusal());
  ExportPlan plan(rows, keys, secret_key, options);
  COFFER_TRY(plan.Make(vault));
  return plan.report();
}

Result<ExportReport> ExportDatabase(CellWriter& writer, const SecretBytes& secret_key, const ExportVault& vault,
                                    const DatabaseExportOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const CredentialRows rows, ReadCells(writer));
  const CredentialKeys keys(rows, secret_key, Strictly(options.opening));
  if (keys.refusal() != KeyRefusal::kNone) return Refused(rows, keys.refusal());
  ExportPlan plan(rows, keys, secret_key, options);
  COFFER_TRY(plan.Make(vault));
  if (plan.report().transfer.refusal != TransferRefusal::kNone) return plan.report();
  COFFER_ASSIGN_OR_RETURN(const std::vector<RowChange> changes, plan.MakeChanges());
  if (changes.empty()) return plan.report();
  if (!options.backup.empty()) COFFER_TRY(writer.BackUp(options.backup, changes));
  const Status written = WriteAndCheck(writer, changes, plan);
  if (!written.ok()) {
    if (!options.backup.empty()) static_cast<void>(RemoveFileDurably(options.backup));  // the failure itself is told
    return written.error();
  }
  COFFER_TRY(writer.Commit());
  return plan.report();
}

}  // namespace coffer::grafana
