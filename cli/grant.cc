// coffer grant: grants for a time, beside those of the policy.
#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "io/file.h"
#include "policy/access_policy.h"

namespace coffer::cli {
namespace {

struct RevokeArguments {
  std::string name;
  std::string reason;
};

Outcome<int> Issue(Session& session, const std::string& file) {
  const Result<Bytes> text = ReadFile(file, policy::kMaxIssuedGrantBytes);
  if (!text.ok()) return FileFailure("grant", file, text.error());
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::IssueGrantRequest request;
  request.set_grant(std::string(AsText(*text)));
  COFFER_ASSIGN_OR_RETURN(const auto issued, client->IssueGrant(request));
  COFFER_TRY(session.json() ? PrintJson({{"issued", issued.name()}})
                            : Print("issued: " + issued.name() + "\nIt ends by itself; `coffer grant revoke " +
                                    issued.name() + " REASON` ends it sooner.\n"));
  return kExitOk;
}

Json JsonOf(const v1::IssuedGrant& grant) {
  return {{"name", grant.name()},
          {"issued_at", FormatTime(grant.issued_us(), true)},
          {"issued_by", grant.issued_by()},
          {"reason", grant.reason()},
          {"grant", grant.grant()}};
}

// A policy file's text again, so that it can be read, compared and kept as one.
std::string TextOf(const v1::IssuedGrant& grant) {
  std::string text = "# issued " + FormatTime(grant.issued_us()) + " by " + grant.issued_by() + ": " + grant.reason() +
                     "\n" + grant.grant();
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->ListGrants({}));
  Json json = Json::array();
  std::string text;
  for (const v1::IssuedGrant& grant : answer.grants()) {
    json.push_back(JsonOf(grant));
    text += (text.empty() ? "" : "\n") + TextOf(grant);
  }
  if (text.empty()) text = "# no grant is in force beside the policy\n";
  COFFER_TRY(session.json() ? PrintJson({{"grants", json}}) : Print(text));
  return kExitOk;
}

Outcome<int> Revoke(Session& session, const RevokeArguments& arguments) {
  if (arguments.name == policy::kBreakGlassRule) {
    return UsageFailure("name: is no grant's name: `coffer break-glass end` ends an emergency");
  }
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::RevokeGrantRequest request;
  request.set_name(arguments.name);
  request.set_reason(arguments.reason);
  COFFER_TRY(client->RevokeGrant(request));
  COFFER_TRY(session.json() ? PrintJson({{"revoked", arguments.name}})
                            : Print("revoked: " + arguments.name + " allows nothing any more\n"));
  return kExitOk;
}

}  // namespace

void AddGrantCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("grant", "Grants for a time, beside those of the policy");
  auto issued = std::make_shared<std::string>();
  CLI::App& issue =
      tree.AddCommand(group, "issue", "Make one grant more, until its not_after; others have to approve it",
                      "  coffer grant issue repair.toml --ask 'ticket 4711'\n"
                      "  coffer grant issue repair.toml --approval 01926e3a-0000-7000-8000-000000000000",
                      [issued](Session& session) { return Issue(session, *issued); });
  issue.add_option("grant", *issued, "One table [grant.issued-NAME], as a policy has it")
      ->type_name("FILE")
      ->required();
  tree.AddApprovalOptions(issue);

  tree.AddCommand(group, "list", "Print the grants that are in force beside the policy, as text of a policy",
                  "  coffer grant list\n  coffer grant list --role auditor --output json", List);

  auto revoked = std::make_shared<RevokeArguments>();
  CLI::App& revoke =
      tree.AddCommand(group, "revoke", "End a grant at once", "  coffer grant revoke issued-repair 'done, ticket 4711'",
                      [revoked](Session& session) { return Revoke(session, *revoked); });
  revoke.add_option("name", revoked->name, "Its name, as `grant list` shows it")->type_name("NAME")->required();
  revoke.add_option("reason", revoked->reason, "Why, for the audit log")->type_name("REASON")->required();
}

}  // namespace coffer::cli
