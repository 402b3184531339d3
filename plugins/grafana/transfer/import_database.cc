#include "plugins/grafana/transfer/import_database.h"

#include "crypto/secret_equality.h"
#include "plugins/grafana/database/postgres_rows.h"
#include "plugins/grafana/database/sqlite_rows.h"
#include "plugins/grafana/transfer/origin.h"

namespace coffer::grafana {
namespace {

// A credential, and what the vault has under its path.
struct Planned {
  Credential credential;
  std::uint64_t version = 0;
  TransferOutcome outcome = TransferOutcome::kSkipped;
};

// Asks the vault what each path holds and decides; changes nothing.
Status Decide(MetadataVault& vault, bool overwrite, std::vector<Planned>& plan) {
  for (Planned& each : plan) {
    Credential& credential = each.credential;
    if (credential.problem != SkipReason::kNone) continue;
    each.outcome = TransferOutcome::kCreated;
    auto stored = vault.Get(SecretReference{*credential.path, std::nullopt});
    if (!stored.ok() && stored.error().code() == ErrorCode::kNotFound) continue;
    if (!stored.ok() && IsGone(stored.error())) {
      each.outcome = TransferOutcome::kSkipped;
      credential.problem = SkipReason::kGoneFromVault;
      continue;
    }
    if (!stored.ok()) return Error(std::move(stored).error()).At(credential.path->text());
    each.version = stored->version;
    const bool same = EqualConstantTime(stored->value, credential.value);
    each.outcome = same ? TransferOutcome::kUnchanged : TransferOutcome::kUpdated;
    if (same || overwrite) continue;
    each.outcome = TransferOutcome::kSkipped;
    credential.problem = SkipReason::kOtherValue;
  }
  return {};
}

TransferRefusal RefusalOf(const std::vector<Planned>& plan, bool accept_unreadable) {
  TransferRefusal refusal = TransferRefusal::kNone;
  for (const Planned& each : plan) {
    const SkipReason problem = each.credential.problem;
    if (problem != SkipReason::kOtherValue && IsObstacle(problem) && !accept_unreadable) {
      return TransferRefusal::kUnreadable;
    }
    if (problem == SkipReason::kOtherValue) refusal = TransferRefusal::kOtherValue;
  }
  return refusal;
}

Status Store(const CredentialRows& rows, std::string_view database, MetadataVault& vault,
             const std::vector<Planned>& plan) {
  for (const Planned& each : plan) {
    if (each.outcome != TransferOutcome::kCreated && each.outcome != TransferOutcome::kUpdated) continue;
    const Credential& credential = each.credential;
    auto put =
        vault.PutWithMetadata(*credential.path, credential.value, each.version, OriginOf(rows, credential, database));
    if (!put.ok()) return Error(std::move(put).error()).At(credential.path->text());
  }
  return {};
}

}  // namespace

std::string_view DatabaseKindOf(const RowReader& reader) {
  if (dynamic_cast<const SqliteRows*>(&reader) != nullptr) return "sqlite";
  return dynamic_cast<const PostgresRows*>(&reader) != nullptr ? "postgresql" : "dump";
}

Result<TransferReport> ImportDatabase(RowReader& reader, const SecretBytes& secret_key, MetadataVault& vault,
                                      const DatabaseImportOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const CredentialRows rows, ReadCredentialRows(reader));
  const CredentialKeys keys(rows, secret_key, options.accept_unproven);
  TransferReport report;
  report.left_out = rows.left_out();
  report.refusal = RefusalOf(keys.refusal());
  if (report.refusal != TransferRefusal::kNone) return report;
  std::vector<Planned> plan;
  for (Credential& credential : OpenCredentials(rows, keys)) {
    if (!options.only || credential.kind == *options.only) plan.push_back({std::move(credential)});
  }
  report.refusal = RefusalOf(plan, options.accept_unreadable);
  if (report.refusal == TransferRefusal::kNone) {
    COFFER_TRY(Decide(vault, options.overwrite, plan));
    report.refusal = RefusalOf(plan, options.accept_unreadable);
  }
  const bool writes = report.refusal == TransferRefusal::kNone && !options.dry_run;
  if (writes) COFFER_TRY(Store(rows, DatabaseKindOf(reader), vault, plan));
  for (const Planned& each : plan) report.Add(rows, each.credential, each.outcome);
  return report;
}

}  // namespace coffer::grafana
