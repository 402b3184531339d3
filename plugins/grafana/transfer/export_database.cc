#include "plugins/grafana/transfer/export_database.h"

#include "plugins/grafana/cells/write_changes.h"
#include "plugins/grafana/transfer/export_plan.h"

namespace coffer::grafana {
namespace {

ExportReport Refused(const CredentialRows& rows, KeyRefusal refusal) {
  ExportReport report;
  report.transfer.refusal = RefusalOf(refusal);
  report.transfer.left_out = rows.left_out();
  return report;
}

}  // namespace

Result<ExportReport> PlanExport(RowReader& reader, const SecretBytes& secret_key, const ExportVault& vault,
                                const DatabaseExportOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const CredentialRows rows, ReadCredentialRows(reader));
  const CredentialKeys keys(rows, secret_key);
  if (keys.refusal() != KeyRefusal::kNone) return Refused(rows, keys.refusal());
  ExportPlan plan(rows, keys, secret_key, options);
  COFFER_TRY(plan.Make(vault));
  return plan.report();
}

Result<ExportReport> ExportDatabase(CellWriter& writer, const SecretBytes& secret_key, const ExportVault& vault,
                                    const DatabaseExportOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const CredentialRows rows, ReadCredentialRows(writer));
  const CredentialKeys keys(rows, secret_key);
  if (keys.refusal() != KeyRefusal::kNone) return Refused(rows, keys.refusal());
  ExportPlan plan(rows, keys, secret_key, options);
  COFFER_TRY(plan.Make(vault));
  if (plan.report().transfer.refusal != TransferRefusal::kNone) return plan.report();
  COFFER_ASSIGN_OR_RETURN(const std::vector<RowChange> changes, plan.MakeChanges());
  if (changes.empty()) return plan.report();
  COFFER_TRY(WriteChanges(writer, changes, {options.backup, {}}, [&writer, &plan]() -> Status {
    COFFER_ASSIGN_OR_RETURN(const CredentialRows after, ReadCredentialRows(writer));
    return plan.CheckWritten(after);
  }));
  return plan.report();
}

}  // namespace coffer::grafana
