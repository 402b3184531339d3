// coffer approval: acts that others have to approve, asked for, looked at, approved and denied.
#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/person_signer.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "crypto/names.h"
#include "crypto/note.h"
#include "policy/policy_text.h"
#include "policy/signed_statements.h"

namespace coffer::cli {
namespace {

struct VoteArguments {
  std::string id;
  SignerOptions signer;
};

struct Shown {
  v1::PendingApproval pending;
  policy::ApprovalStatement statement;
};

// What a service shows is signed only when it is what it says: an approval's statement, of this id.
Outcome<Shown> Read(const v1::PendingApproval& pending) {
  Result<policy::ApprovalStatement> statement = policy::ApprovalStatement::Parse(pending.statement());
  const bool names = std::all_of(pending.approved_by().begin(), pending.approved_by().end(),
                                 [](const std::string& person) { return IsSlug(person); });
  if (!statement.ok() || statement->id.ToText() != pending.id() || !names) {
    return Failure(kExitFailed, "the service shows something else than a statement about an act: do not sign it",
                   "tell the service's operators");
  }
  return Shown{.pending = pending, .statement = std::move(statement).value()};
}

Outcome<Shown> Find(client::Client& client, const std::string& id) {
  COFFER_ASSIGN_OR_RETURN(const auto answer, client.ListApprovals({}));
  for (const v1::PendingApproval& pending : answer.approvals()) {
    if (pending.id() == id) return Read(pending);
  }
  return Failure(kExitFailed, "there is no approval of this id that waits: it was used, denied, or has run out",
                 "see `coffer approval list`");
}

Json JsonOf(const Shown& shown) {
  Json facts = Json::array();
  for (const auto& [key, value] : shown.statement.facts.lines()) facts.push_back({{"name", key}, {"value", value}});
  const std::vector<std::string> approved_by(shown.pending.approved_by().begin(), shown.pending.approved_by().end());
  return {{"id", shown.pending.id()},
          {"operation", policy::OperationName(shown.statement.operation)},
          {"requester", shown.statement.requester},
          {"reason", shown.statement.reason},
          {"rule", shown.statement.rule},
          {"policy_serial", shown.statement.policy_serial},
          {"until", policy::InstantText(shown.statement.not_after_unix_s)},
          {"approved_by", approved_by},
          {"facts", facts},
          {"statement", shown.pending.statement()}};
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->ListApprovals({}));
  Table table({"ID", "OPERATION", "REQUESTER", "UNTIL", "APPROVED BY", "REASON"});
  Json json = Json::array();
  for (const v1::PendingApproval& pending : answer.approvals()) {
    COFFER_ASSIGN_OR_RETURN(const Shown shown, Read(pending));
    const std::string by = fmt::format("{}", fmt::join(pending.approved_by(), ", "));
    table.Add({pending.id(), std::string(policy::OperationName(shown.statement.operation)), shown.statement.requester,
               policy::InstantText(shown.statement.not_after_unix_s), by.empty() ? "-" : by, shown.statement.reason});
    json.push_back(JsonOf(shown));
  }
  COFFER_TRY(session.json() ? PrintJson({{"approvals", json}}) : Print(table.ToText()));
  return kExitOk;
}

Outcome<int> Show(Session& session, const std::string& id) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const Shown shown, Find(*client, id));
  const std::string by = fmt::format("{}", fmt::join(shown.pending.approved_by(), ", "));
  COFFER_TRY(session.json()
                 ? PrintJson(JsonOf(shown))
                 : Print(shown.pending.statement() + "\napproved by: " + (by.empty() ? "nobody" : by) + "\n"));
  return kExitOk;
}

Outcome<int> Approve(Session& session, const VoteArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const Shown shown, Find(*client, arguments.id));
  // Before the passphrase is asked for: whoever signs has seen what.
  COFFER_TRY(WriteAll(session.json() ? STDERR_FILENO : STDOUT_FILENO, AsBytes(shown.pending.statement())));
  COFFER_ASSIGN_OR_RETURN(const NoteSigner signer, OpenSigner(arguments.signer));
  const Result<NoteSignature> signature = signer.Sign(shown.pending.statement());
  if (!signature.ok()) return Failure(signature.error());
  v1::ApproveRequest request;
  request.set_id(arguments.id);
  request.set_signature(signature->ToLine());
  COFFER_TRY(client->Approve(request));
  COFFER_TRY(session.json() ? PrintJson({{"approved", arguments.id}, {"by", signer.verifier().name()}})
                            : Print("approved by " + signer.verifier().name() + "\n"));
  return kExitOk;
}

Outcome<int> Deny(Session& session, const std::string& id) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::DenyRequest request;
  request.set_id(id);
  COFFER_TRY(client->Deny(request));
  COFFER_TRY(session.json() ? PrintJson({{"denied", id}}) : Print("denied: nothing was done\n"));
  return kExitOk;
}

// The same as the command itself with --ask, under the global options that were given.
int Request(CommandTree& tree, const std::vector<std::string>& command, const std::string& reason) {
  std::vector<const char*> words = {"coffer"};
  for (const std::string& word : command) words.push_back(word.c_str());
  words.push_back("--ask");
  words.push_back(reason.c_str());
  return tree.Run(static_cast<int>(words.size()), words.data());
}

}  // namespace

void AddApprovalCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("approval", "Acts that others have to approve");
  auto asked = std::make_shared<std::pair<std::string, std::vector<std::string>>>();
  CLI::App& request = tree.AddCommand(group, "request", "Ask others to approve a command; nothing is done yet",
                                      "  coffer approval request 'retired, ticket 4711' -- keyring destroy shop 1\n"
                                      "  coffer keyring destroy shop 1 --ask 'retired, ticket 4711'     # the same",
                                      [&tree, asked](Session&) -> Outcome<int> {
                                        // Parsing anew writes to what is bound.
                                        const auto wanted = *asked;
                                        return Request(tree, wanted.second, wanted.first);
                                      });
  request.add_option("reason", asked->first, "Why")->type_name("REASON")->required();
  request.add_option("command", asked->second, "The command, without \"coffer\", behind --")
      ->type_name("COMMAND...")
      ->required();

  tree.AddCommand(group, "list", "What waits for approval", "  coffer approval list", List);
  auto shown = std::make_shared<std::string>();
  CLI::App& show = tree.AddCommand(group, "show", "What exactly would be approved",
                                   "  coffer approval show 01926e3a-0000-7000-8000-000000000000",
                                   [shown](Session& session) { return Show(session, *shown); });
  show.add_option("id", *shown, "Which, as `approval list` shows it")->type_name("ID")->required();

  auto voting = std::make_shared<VoteArguments>();
  CLI::App& approve =
      tree.AddCommand(group, "approve", "Sign that an act of somebody else may be done; shows it first",
                      "  coffer approval approve 01926e3a-0000-7000-8000-000000000000 --key ~/.config/coffer/bob.key",
                      [voting](Session& session) { return Approve(session, *voting); });
  approve.add_option("id", voting->id, "Which, as `approval list` shows it")->type_name("ID")->required();
  AddSignerOptions(approve, voting->signer);

  auto denied = std::make_shared<std::string>();
  CLI::App& deny = tree.AddCommand(group, "deny", "End what waits: it cannot be done any more",
                                   "  coffer approval deny 01926e3a-0000-7000-8000-000000000000",
                                   [denied](Session& session) { return Deny(session, *denied); });
  deny.add_option("id", *denied, "Which, as `approval list` shows it")->type_name("ID")->required();
}

}  // namespace coffer::cli
