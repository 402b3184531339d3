// coffer secret delete, undelete, destroy: versions' states.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/secret_options.h"
#include "crypto/names.h"

namespace coffer::cli {
namespace {

struct VersionOptions : SecretOptions {
  std::vector<std::uint64_t> versions;
};

template <typename Request>
Request RequestFor(const VersionOptions& options) {
  Request request;
  request.set_tenant(options.tenant);
  request.set_path(options.path);
  for (const std::uint64_t version : options.versions) request.add_versions(version);
  return request;
}

template <typename Response>
Outcome<int> PrintChanged(const Session& session, const VersionOptions& options, std::string_view what,
                          const client::RpcResult<Response>& answer) {
  if (!answer.ok()) return answer.error();
  if (session.json()) {
    COFFER_TRY(PrintJson({{"path", options.path}, {"changed", answer->changed()}}));
  } else {
    COFFER_TRY(
        Print(options.path + ": " + std::to_string(answer->changed()) + " version(s) " + std::string(what) + "\n"));
  }
  return kExitOk;
}

Outcome<int> Delete(Session& session, const VersionOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  return PrintChanged(session, options, "deleted", client->DeleteSecret(RequestFor<v1::DeleteSecretRequest>(options)));
}

Outcome<int> Undelete(Session& session, const VersionOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  return PrintChanged(session, options, "brought back",
                      client->UndeleteSecret(RequestFor<v1::UndeleteSecretRequest>(options)));
}

Outcome<int> Destroy(Session& session, const VersionOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  auto request = RequestFor<v1::DestroySecretRequest>(options);
  return PrintChanged(session, options, "destroyed", client->DestroySecret(request));
}

CLI::Option* AddVersions(CLI::App& command, VersionOptions& options, const std::string& description) {
  return command.add_option("--version", options.versions, description)
      ->type_name("VERSION")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(NumberBetween(1, 0x7fff'ffff'ffff'ffff));
}

}  // namespace

void AddTenantOption(CLI::App& command, SecretOptions& options) {
  command.add_option("--tenant", options.tenant, "Whose; \"default\" unless told")
      ->type_name("TENANT")
      ->check(Checked([](const std::string& text) { return IsSlug(text) ? "" : "must be a tenant's name"; }));
}

void AddSecretOptions(CLI::App& command, SecretOptions& options) {
  command.add_option("path", options.path, "Where it is, like grafana/1/prod-db/password")
      ->type_name("PATH")
      ->required()
      ->check(Checked([](const std::string& text) {
        return SecretPath::Parse(text).ok()
                   ? ""
                   : "must be 1 to 8 segments of [A-Za-z0-9._~-], others %-escaped, with / between";
      }));
  AddTenantOption(command, options);
}

void AddSecretVersionCommands(CommandTree& tree, CLI::App& secret) {
  auto delete_options = std::make_shared<VersionOptions>();
  CLI::App& remove = tree.AddCommand(secret, "delete", "Hide versions until they are undeleted",
                                     "  coffer secret delete app/token\n  coffer secret delete app/token --version 1,2",
                                     [delete_options](Session& session) { return Delete(session, *delete_options); });
  AddSecretOptions(remove, *delete_options);
  AddVersions(remove, *delete_options, "Which; the current one unless told");

  auto undelete_options = std::make_shared<VersionOptions>();
  CLI::App& undelete =
      tree.AddCommand(secret, "undelete", "Bring deleted versions back", "  coffer secret undelete app/token",
                      [undelete_options](Session& session) { return Undelete(session, *undelete_options); });
  AddSecretOptions(undelete, *undelete_options);
  AddVersions(undelete, *undelete_options, "Which; the current one unless told");

  auto destroy_options = std::make_shared<VersionOptions>();
  CLI::App& destroy =
      tree.AddCommand(secret, "destroy", "Erase versions for good",
                      "  coffer secret destroy app/token --version 1 --ask 'leaked, ticket 4711'",
                      [destroy_options](Session& session) { return Destroy(session, *destroy_options); });
  AddSecretOptions(destroy, *destroy_options);
  AddVersions(destroy, *destroy_options, "Which")->required();
  tree.AddApprovalOptions(destroy);
}

}  // namespace coffer::cli
