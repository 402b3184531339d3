// coffer break-glass: what a policy keeps for an emergency, from the statement that a key kept offline signs to the
// review of what came out of it.
#include <unistd.h>

#include <fmt/format.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/person_signer.h"
#include "cli/policy_file.h"
#include "cli/printing.h"
#include "cli/store_option.h"
#include "cli/times.h"
#include "crypto/note.h"
#include "io/clock.h"
#include "io/file.h"
#include "policy/policy_text.h"
#include "policy/signed_statements.h"

namespace coffer::cli {
namespace {

constexpr mode_t kNoteMode = 0644;  // it is worth nothing to anybody but the principal that it names
constexpr std::uint32_t kMostMinutes = policy::BreakGlassStatement::kMaxAhead / 60;

struct SignArguments {
  std::string principal;
  std::uint32_t minutes = 30;
  std::string reason;
  std::string store;
  std::uint64_t serial = 0;  // 0: not told
  std::string out = "glass.note";
  SignerOptions signer;
};

struct ReviewArguments {
  std::string id;
  std::string text;
};

std::int64_t NowUnixSeconds() { return SystemClock().UnixMicros() / kMicrosPerSecond; }

// What the policy that holds keeps for an emergency, when a service says it: better known here than in an emergency.
Outcome<void> CheckAgainst(const policy::AccessPolicy& policy, const SignArguments& arguments) {
  if (!policy.break_glass()) {
    return Failure(kExitFailed, "the policy that holds keeps nothing for an emergency",
                   "a policy with a table [break_glass] does: see docs/OPERATIONS.md");
  }
  if (!policy.break_glass()->rule.principals.contains(arguments.principal)) {
    return UsageFailure("--principal: is none of those that the policy keeps something for in an emergency");
  }
  if (arguments.minutes <= policy.break_glass()->minutes) return {};
  return UsageFailure(
      fmt::format("--minutes: are more than the policy allows, which is {}", policy.break_glass()->minutes));
}

Outcome<policy::BreakGlassStatement> StatementFrom(Session& session, const SignArguments& arguments) {
  if (!policy::ParsePrincipal(arguments.principal).ok()) {
    return UsageFailure("--principal: is no principal: unix:<role>:<uid> or spiffe://...");
  }
  if (!policy::IsReason(arguments.reason)) {
    return UsageFailure("--reason: must be 1 to 200 characters that show");
  }
  policy::BreakGlassStatement statement;
  statement.id = policy::ApprovalUuid::Generate(static_cast<std::uint64_t>(NowUnixSeconds()) * 1'000);
  statement.principal = arguments.principal;
  statement.not_after_unix_s = NowUnixSeconds() + std::int64_t{60} * arguments.minutes;
  statement.reason = arguments.reason;
  COFFER_ASSIGN_OR_RETURN(statement.store, StoreOf(session, arguments.store));
  statement.policy_serial = arguments.serial;
  if (arguments.serial == 0) {
    COFFER_ASSIGN_OR_RETURN(const PresentPolicy present, FetchPolicy(session));
    COFFER_TRY(CheckAgainst(present.policy, arguments));
    statement.policy_serial = present.policy.serial();
  }
  return statement;
}

Outcome<int> Sign(Session& session, const SignArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const policy::BreakGlassStatement statement, StatementFrom(session, arguments));
  const std::string text = statement.ToText();
  // Before the passphrase is asked for: whoever signs has seen what.
  COFFER_TRY(WriteAll(session.json() ? STDERR_FILENO : STDOUT_FILENO, AsBytes(text)));
  COFFER_ASSIGN_OR_RETURN(const NoteSigner signer, OpenSigner(arguments.signer));
  Result<NoteSignature> signature = signer.Sign(text);
  if (!signature.ok()) return Failure(signature.error());
  const SignedNote note{.text = text, .signatures = {std::move(signature).value()}};
  const Status written = CreateFileDurably(arguments.out, AsBytes(note.ToText()), kNoteMode);
  if (!written.ok()) return FileFailure("--out", arguments.out, written.error());
  const std::string until = policy::InstantText(statement.not_after_unix_s);
  COFFER_TRY(session.json()
                 ? PrintJson({{"id", statement.id.ToText()},
                              {"principal", statement.principal},
                              {"until", until},
                              {"signed_by", signer.verifier().name()},
                              {"note", arguments.out}})
                 : Print(fmt::format("\nsigned by {}: {}\n{} uses it until {}, once: coffer break-glass use {}\n",
                                     signer.verifier().name(), arguments.out, statement.principal, until,
                                     ShownPath(arguments.out))));
  return kExitOk;
}

struct ReadNote {
  SignedNote note;
  policy::BreakGlassStatement statement;
};

Outcome<ReadNote> ReadStatement(const std::string& path) {
  const Result<Bytes> bytes = ReadFile(path, kMaxNoteSize);
  if (!bytes.ok()) return FileFailure("note", path, bytes.error());
  Result<SignedNote> note = SignedNote::Parse(AsText(*bytes));
  if (!note.ok()) return FileFailure("note", path, note.error());
  Result<policy::BreakGlassStatement> statement = policy::BreakGlassStatement::Parse(note->text);
  if (!statement.ok()) return FileFailure("note", path, statement.error());
  if (note->signatures.size() != 1) {
    return FileFailure("note", path, Error(ErrorCode::kInvalidArgument, "must have one signature"));
  }
  return ReadNote{.note = std::move(note).value(), .statement = std::move(statement).value()};
}

Outcome<int> Use(Session& session, const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const ReadNote read, ReadStatement(path));
  const Result<policy::Principal> principal = policy::ParsePrincipal(read.statement.principal);
  if (!principal.ok()) return Failure(principal.error());
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(policy::RoleName(principal->role)));
  v1::BreakGlassRequest request;
  request.set_statement(read.note.text);
  request.set_signature(read.note.signatures.front().ToLine());
  COFFER_ASSIGN_OR_RETURN(const auto on, client->BreakGlass(request));
  const std::string until = FormatTime(on.until_us());
  COFFER_TRY(session.json()
                 ? PrintJson({{"id", on.id()}, {"until", until}})
                 : Print(fmt::format("on until {}: emergency {}\nAn administrator ends it sooner with `coffer "
                                     "break-glass end REASON`; an auditor reviews it afterwards with\n"
                                     "  coffer break-glass review {} TEXT\n",
                                     until, on.id(), on.id())));
  return kExitOk;
}

std::string_view StateOf(const v1::BreakGlassUse& use) {
  if (use.active()) return "in use";
  return use.reviewed_us() == 0 ? "to review" : "reviewed";
}

Json JsonOf(const v1::BreakGlassUse& use, const policy::BreakGlassStatement& statement) {
  Json json = {{"id", use.id()},
               {"state", StateOf(use)},
               {"principal", statement.principal},
               {"reason", statement.reason},
               {"policy_serial", statement.policy_serial},
               {"activated_at", FormatTime(use.activated_us(), true)},
               {"until", policy::InstantText(statement.not_after_unix_s)},
               {"ended_at", nullptr},
               {"reviewed_at", nullptr},
               {"reviewed_by", use.reviewed_by()},
               {"review", use.review()}};
  if (use.ended_us() != 0) json["ended_at"] = FormatTime(use.ended_us(), true);
  if (use.reviewed_us() != 0) json["reviewed_at"] = FormatTime(use.reviewed_us(), true);
  return json;
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->ListGrants({}));
  Table table({"ID", "STATE", "PRINCIPAL", "FROM", "UNTIL", "REASON", "REVIEW"});
  Json json = Json::array();
  for (const v1::BreakGlassUse& use : answer.emergencies()) {
    const Result<policy::BreakGlassStatement> statement = policy::BreakGlassStatement::Parse(use.statement());
    if (!statement.ok()) {
      return Failure(kExitFailed, "the service shows something else than a statement about an emergency",
                     "use the program of the service's version, or tell the service's auditors");
    }
    const std::string until =
        use.ended_us() != 0 ? FormatTime(use.ended_us()) : policy::InstantText(statement->not_after_unix_s);
    table.Add({use.id(), std::string(StateOf(use)), statement->principal, FormatTime(use.activated_us()), until,
               statement->reason, use.reviewed_us() == 0 ? "-" : use.reviewed_by() + ": " + use.review()});
    json.push_back(JsonOf(use, *statement));
  }
  COFFER_TRY(session.json() ? PrintJson({{"emergencies", json}}) : Print(table.ToText()));
  return kExitOk;
}

Outcome<int> End(Session& session, const std::string& reason) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::RevokeGrantRequest request;
  request.set_name(std::string(policy::kBreakGlassRule));
  request.set_reason(reason);
  COFFER_TRY(client->RevokeGrant(request));
  COFFER_TRY(session.json() ? PrintJson({{"ended", true}})
                            : Print("ended; an auditor reviews it: see `coffer break-glass list`\n"));
  return kExitOk;
}

Outcome<int> Review(Session& session, const ReviewArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAuditorRole));
  v1::ReviewBreakGlassRequest request;
  request.set_id(arguments.id);
  request.set_review(arguments.text);
  COFFER_TRY(client->ReviewBreakGlass(request));
  COFFER_TRY(session.json() ? PrintJson({{"reviewed", arguments.id}})
                            : Print("reviewed: the next emergency is possible\n"));
  return kExitOk;
}

void AddSign(CommandTree& tree, CLI::App& group) {
  auto signing = std::make_shared<SignArguments>();
  CLI::App& sign = tree.AddCommand(
      group, "sign", "Sign with the offline key that a principal may use what the policy keeps for an emergency",
      "  coffer break-glass sign --principal spiffe://example.org/role/app/repair --reason 'incident 4711' "
      "--key /media/offline.key\n"
      "  coffer break-glass sign --principal unix:restorer:1000 --minutes 15 --reason 'incident 4711' --key "
      "offline.key "
      "--store 01926e3a-0000-7000-8000-000000000000 --policy-serial 3     # where there is no service",
      [signing](Session& session) { return Sign(session, *signing); });
  sign.add_option("--principal", signing->principal, "Who may use it")->type_name("ID")->required();
  sign.add_option("--minutes", signing->minutes, "From now; 30 unless told")
      ->type_name("N")
      ->check(NumberBetween(1, kMostMinutes));
  sign.add_option("--reason", signing->reason, "Why, with the incident's number")->type_name("TEXT")->required();
  AddStoreOption(sign, signing->store);
  sign.add_option("--policy-serial", signing->serial, "The policy's serial; the service's unless told")
      ->type_name("SERIAL")
      ->check(NumberBetween(1, (std::uint64_t{1} << 63U) - 1));
  sign.add_option("--out", signing->out, "A new file for the note; glass.note unless told")->type_name("FILE");
  AddSignerOptions(sign, signing->signer);
}

}  // namespace

void AddBreakGlassCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("break-glass", "What a policy keeps for an emergency, by a key that is kept offline");
  AddSign(tree, group);

  auto used = std::make_shared<std::string>();
  CLI::App& use =
      tree.AddCommand(group, "use", "Turn it on for yourself, with the note that was signed",
                      "  coffer break-glass use glass.note", [used](Session& session) { return Use(session, *used); });
  use.add_option("note", *used, "What `break-glass sign` wrote")->type_name("FILE")->required();

  tree.AddCommand(group, "list", "Every emergency, by age: in use, to review, reviewed",
                  "  coffer break-glass list\n  coffer break-glass list --role auditor", List);

  auto reason = std::make_shared<std::string>();
  CLI::App& end = tree.AddCommand(group, "end", "End the emergency that is in use, at once",
                                  "  coffer break-glass end 'repaired, incident 4711'",
                                  [reason](Session& session) { return End(session, *reason); });
  end.add_option("reason", *reason, "Why, for the audit log")->type_name("REASON")->required();

  auto reviewed = std::make_shared<ReviewArguments>();
  CLI::App& review = tree.AddCommand(
      group, "review", "Say, as an auditor, what came out of an emergency; the next one is possible after it",
      "  coffer audit query --since 1d --principal spiffe://example.org/role/app/repair\n"
      "  coffer break-glass review 01926e3a-0000-7000-8000-000000000000 '3 rows repaired, nothing else read'",
      [reviewed](Session& session) { return Review(session, *reviewed); });
  review.add_option("id", reviewed->id, "Which, as `break-glass list` shows it")->type_name("ID")->required();
  review.add_option("text", reviewed->text, "What came out of it")->type_name("TEXT")->required();
}

}  // namespace coffer::cli
