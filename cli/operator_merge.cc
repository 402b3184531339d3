// coffer operator merge: what an edge store acknowledged, brought into this one.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/operator_seal.h"
#include "cli/printing.h"
#include "cli/secret_input.h"
#include "client/wipe_message.h"
#include "crypto/names.h"

namespace coffer::cli {
namespace {

struct MergeOptions {
  std::string backup;
  std::string identity;
  std::vector<std::string> renames;  // "default=edge-7"
  std::string secrets_under;
  bool take_fields = false;
  bool dry_run = false;
};

Outcome<v1::MergeStoreRequest> RequestOf(const MergeOptions& options) {
  v1::MergeStoreRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_backup_path(), AbsolutePath(options.backup));
  for (const std::string& rename : options.renames) {
    const std::size_t equals = rename.find('=');
    v1::TenantRename& added = *request.add_rename_tenants();
    added.set_name(rename.substr(0, equals));
    added.set_name_here(rename.substr(equals + 1));
  }
  request.set_secrets_under(options.secrets_under);
  request.set_take_fields(options.take_fields);
  request.set_dry_run(options.dry_run);
  COFFER_ASSIGN_OR_RETURN(const IdentityFile file, ReadIdentityFile(options.identity));
  AppendSecret(file.text, *request.mutable_recovery_identity());
  return request;
}

Json MergeJson(const v1::MergeStoreResponse& answer, bool dry_run) {
  Json moves = Json::array();
  for (const v1::IndexMove& move : answer.index_moves()) {
    Json here = move.version_here() == 0 ? Json() : Json(move.version_here());
    moves.push_back({{"index", move.index()}, {"version", move.version()}, {"version_here", std::move(here)}});
  }
  return {{"store_uuid", answer.store_uuid()},
          {"store_epoch", answer.store_epoch()},
          {"dry_run", dry_run},
          {"merged", answer.merged()},
          {"store_epoch_here", answer.store_epoch_here()},
          {"tenants", answer.tenants()},
          {"keyrings", answer.keyrings()},
          {"key_versions", answer.versions()},
          {"data_keys", answer.data_keys()},
          {"scopes", answer.scopes()},
          {"fields", answer.fields()},
          {"index_versions", answer.index_versions()},
          {"secrets", answer.secrets()},
          {"secret_versions", answer.secret_versions()},
          {"ended", answer.ended()},
          {"left_out", answer.left_out()},
          {"index_moves", moves}};
}

// What has to become of <column>_iv when rows are moved here.
std::string MovesText(const v1::MergeStoreResponse& answer) {
  if (answer.index_moves().empty()) return "";
  std::string text = "\nIndex versions of rows that are moved here (<column>_iv):\n";
  for (const v1::IndexMove& move : answer.index_moves()) {
    text += "  " + move.index() + ": " + std::to_string(move.version()) + " there is ";
    text += move.version_here() == 0 ? "not searched here: have their tokens made anew\n"
                                     : std::to_string(move.version_here()) + " here\n";
  }
  return text;
}

std::string Outlook(const v1::MergeStoreResponse& answer, bool dry_run) {
  if (dry_run) return "\nNothing was changed. Without --dry-run, and with --ask REASON, it is asked of others.\n";
  if (!answer.merged()) return "\nNothing was new: nothing was changed.\n";
  return "\nmerged; epoch " + std::to_string(answer.store_epoch_here()) +
         ". Take a backup: coffer operator backup FILE\n";
}

std::string MergeText(const v1::MergeStoreResponse& answer, bool dry_run) {
  const auto count = [](std::uint64_t number) { return std::to_string(number); };
  std::vector<std::pair<std::string, std::string>> lines = {
      {"from store", answer.store_uuid() + ", epoch " + count(answer.store_epoch())},
      {"tenants", count(answer.tenants())},
      {"keyrings", count(answer.keyrings())},
      {"key versions", count(answer.versions())},
      {"data keys", count(answer.data_keys())},
      {"scopes", count(answer.scopes())},
      {"fields", count(answer.fields())},
      {"index versions", count(answer.index_versions())},
      {"secrets", count(answer.secrets())},
      {"secret versions", count(answer.secret_versions())},
      {"ended, as there", count(answer.ended())},
      {"left out: destroyed here", count(answer.left_out())}};
  return (dry_run ? "would bring in\n" : "brought in\n") + AlignedLines(lines) + MovesText(answer) +
         Outlook(answer, dry_run);
}

Outcome<int> Merge(Session& session, const MergeOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(v1::MergeStoreRequest request, RequestOf(options));
  const auto answer = client->MergeStore(request);
  client::WipeMessageField(*request.mutable_recovery_identity());
  if (!answer.ok()) return answer.error();
  COFFER_TRY(session.json() ? PrintJson(MergeJson(*answer, options.dry_run))
                            : Print(MergeText(*answer, options.dry_run)));
  return kExitOk;
}

std::string CheckRename(const std::string& text) {
  const std::size_t equals = text.find('=');
  const bool two = equals != std::string::npos;
  return two && IsSlug(text.substr(0, equals)) && IsSlug(text.substr(equals + 1))
             ? ""
             : "must be two tenants' names: OLD=NEW";
}

}  // namespace

void AddMergeCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App& merge = tree.AddCommand(
      group, "merge", "Bring another store's keys, catalogs and secrets into this one, from a backup of it",
      "  coffer operator merge --backup /backup/edge-7.age --recovery-identity edge-7.txt "
      "--rename-tenant default=edge-7 --dry-run\n"
      "  coffer operator merge --backup /backup/edge-7.age --recovery-identity edge-7.txt "
      "--rename-tenant default=edge-7 --ask 'edge 7 is closed'\n"
      "  coffer operator merge --backup /backup/edge-7.age --recovery-identity edge-7.txt "
      "--rename-tenant default=edge-7 --secrets-under edge-7 --ask 'edge 7 is closed'",
      [options](Session& session) { return Merge(session, *options); });
  merge.add_option("--backup", options->backup, "A backup of the other store, on the service's host")
      ->type_name("FILE")
      ->required();
  merge
      .add_option("--recovery-identity", options->identity,
                  "Identity file of the other store's recovery, read here; - is standard input")
      ->type_name("FILE")
      ->required();
  merge
      .add_option(
          "--rename-tenant", options->renames,
          "A tenant's name there and the one that it gets here, once for each; of \"default\" it has to be said")
      ->type_name("OLD=NEW")
      ->allow_extra_args(false)
      ->check(Checked(CheckRename));
  merge.add_option("--secrets-under", options->secrets_under, "Path that is put in front of the secrets' paths")
      ->type_name("PREFIX");
  merge.add_flag("--take-fields", options->take_fields, "Take fields over that a scope here does not have");
  merge.add_flag("--dry-run", options->dry_run, "Say what would come in; change nothing");
  tree.AddApprovalOptions(merge);
}

}  // namespace coffer::cli
