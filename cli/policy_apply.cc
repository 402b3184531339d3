// coffer policy sign, apply: the policy of a service, which its administrators sign.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/person_signer.h"
#include "cli/policy_changes.h"
#include "cli/policy_file.h"
#include "cli/recovery.h"
#include "cli/store_option.h"
#include "client/wipe_message.h"
#include "crypto/note.h"
#include "io/directory.h"
#include "io/file.h"
#include "policy/signed_statements.h"

namespace coffer::cli {
namespace {

constexpr mode_t kSignaturesMode = 0644;

struct SignArguments {
  std::string policy;
  std::string signatures;
  std::string store;
  SignerOptions signer;
};

struct ApplyArguments {
  std::string policy;
  std::string signatures;
  RecoveryOptions recovery;
  bool dry_run = false;
};

// policy.toml has its signatures in policy.sig.
std::string SignaturesPath(const std::string& policy, const std::string& told) {
  constexpr std::string_view kEnding = ".toml";
  if (!told.empty()) return told;
  std::string stem = policy;
  if (stem.ends_with(kEnding)) stem.resize(stem.size() - kEnding.size());
  return stem + ".sig";
}

Outcome<SignedNote> ReadSignatures(const std::string& path) {
  const Result<Bytes> bytes = ReadFile(path, kMaxNoteSize);
  if (!bytes.ok()) return FileFailure("--signatures", path, bytes.error());
  Result<SignedNote> note = SignedNote::Parse(AsText(*bytes));
  if (!note.ok()) return Failure(kExitFailed, "--signatures: " + ShownPath(path) + ": " + note.error().ToString());
  return std::move(note).value();
}

// What is signed already: this policy, or what stood in its file before. Without signatures when nothing is.
struct SignedBefore {
  SignedNote note;
  std::optional<StoreUuid> store;
};

Outcome<SignedBefore> ReadSignedBefore(const std::string& path) {
  const Result<bool> there = Exists(path);
  if (!there.ok()) return FileFailure("--signatures", path, there.error());
  if (!*there) return SignedBefore{};
  COFFER_ASSIGN_OR_RETURN(SignedNote note, ReadSignatures(path));
  const Result<policy::PolicyStatement> statement = policy::PolicyStatement::Parse(note.text);
  if (!statement.ok()) {
    return Failure(kExitFailed, "--signatures: " + ShownPath(path) + ": holds signatures of something else");
  }
  return SignedBefore{.note = std::move(note), .store = statement->store};
}

// A service that lies about its store would have a policy signed for another one. The signatures that are there
// remember for which store the file was signed; only the signer himself says that it is another one now.
Outcome<StoreUuid> StoreToSignFor(Session& session, const SignArguments& arguments, const std::string& path,
                                  const SignedBefore& before) {
  COFFER_ASSIGN_OR_RETURN(const StoreUuid store, StoreOf(session, arguments.store));
  if (!arguments.store.empty() || !before.store || *before.store == store) return store;
  return Failure(kExitFailed,
                 fmt::format("the service says that it is store {}, and {} is of store {}", store.ToText(),
                             ShownPath(path), before.store->ToText()),
                 "look whether it is the right service; if it is, say --store " + store.ToText());
}

// With the lines of others that are there for the same statement; those of an older policy go.
SignedNote NoteOf(SignedNote before, const std::string& statement, const NoteSignature& mine,
                  const NoteVerifier& signer) {
  SignedNote note{.text = statement, .signatures = {}};
  if (before.text == statement) note.signatures = std::move(before.signatures);
  std::erase_if(note.signatures, [&signer](const NoteSignature& one) { return signer.Claims(one); });
  note.signatures.push_back(mine);
  return note;
}

Outcome<int> Sign(Session& session, const SignArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const PolicyFile file, ReadPolicyText("policy", arguments.policy));
  const std::string path = SignaturesPath(arguments.policy, arguments.signatures);
  COFFER_ASSIGN_OR_RETURN(SignedBefore before, ReadSignedBefore(path));
  COFFER_ASSIGN_OR_RETURN(const StoreUuid store, StoreToSignFor(session, arguments, path, before));
  const std::string statement = policy::PolicyStatement::Of(store, file.policy.serial(), file.text).ToText();
  // Before the passphrase is asked for: whoever signs has seen for which store.
  COFFER_TRY(WriteAll(session.json() ? STDERR_FILENO : STDOUT_FILENO, AsBytes(statement)));
  COFFER_ASSIGN_OR_RETURN(const NoteSigner signer, OpenSigner(arguments.signer));
  const Result<NoteSignature> signature = signer.Sign(statement);
  if (!signature.ok()) return Failure(signature.error());
  const SignedNote note = NoteOf(std::move(before.note), statement, *signature, signer.verifier());
  const Status written = WriteFileDurably(path, AsBytes(note.ToText()), kSignaturesMode);
  if (!written.ok()) return FileFailure("--signatures", path, written.error());
  COFFER_TRY(session.json() ? PrintJson({{"signed_by", signer.verifier().name()},
                                         {"serial", file.policy.serial()},
                                         {"store", store.ToText()},
                                         {"signatures_file", path}})
                            : Print(fmt::format("signed by {}: {}\n", signer.verifier().name(), path)));
  return kExitOk;
}

Outcome<v1::ApplyPolicyRequest> RequestOf(client::Client& client, const ApplyArguments& arguments,
                                          const PolicyFile& file) {
  v1::ApplyPolicyRequest request;
  request.set_policy(file.text);
  if (arguments.recovery.wanted()) {
    COFFER_TRY(ProveRecovery(client, arguments.recovery, *request.mutable_recovery()));
    return request;
  }
  COFFER_ASSIGN_OR_RETURN(const SignedNote note,
                          ReadSignatures(SignaturesPath(arguments.policy, arguments.signatures)));
  for (const NoteSignature& signature : note.signatures) request.mutable_signatures()->append(signature.ToLine());
  return request;
}

// What ends with the policy that holds now: the grants beside it, and an emergency.
Outcome<std::vector<std::string>> EndsWithIt(client::Client& client) {
  COFFER_ASSIGN_OR_RETURN(const auto answer, client.ListGrants({}));
  std::vector<std::string> ends;
  for (const v1::IssuedGrant& grant : answer.grants()) ends.push_back(grant.name());
  for (const v1::BreakGlassUse& use : answer.emergencies()) {
    if (use.active()) ends.emplace_back(policy::kBreakGlassRule);
  }
  return ends;
}

Outcome<int> Apply(Session& session, const ApplyArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const PolicyFile file, ReadPolicyText("policy", arguments.policy));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const PresentPolicy present, FetchPolicy(*client));
  COFFER_ASSIGN_OR_RETURN(PolicyChanges changes,
                          ChangesBetween(present.policy, file.policy, session.Colors(STDOUT_FILENO)));
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> ends, EndsWithIt(*client));
  if (!arguments.dry_run) {
    COFFER_ASSIGN_OR_RETURN(v1::ApplyPolicyRequest request, RequestOf(*client, arguments, file));
    const auto applied = client->ApplyPolicy(request);
    client::WipeMessageField(*request.mutable_recovery()->mutable_proof());
    if (!applied.ok()) return applied.error();
  }
  changes.json["serial"] = file.policy.serial();
  changes.json["applied"] = !arguments.dry_run;
  changes.json["ends"] = ends;
  for (const std::string& name : ends) changes.text += fmt::format("ends with the policy before: {}\n", name);
  changes.text +=
      arguments.dry_run ? "nothing was applied\n" : fmt::format("applied: serial {}\n", file.policy.serial());
  COFFER_TRY(session.json() ? PrintJson(changes.json) : Print(changes.text));
  return kExitOk;
}

}  // namespace

void AddPolicyApplyCommands(CommandTree& tree, CLI::App& group) {
  auto signing = std::make_shared<SignArguments>();
  CLI::App& sign = tree.AddCommand(
      group, "sign", "Sign a policy for one store, as an administrator whom the policy that holds there names",
      "  coffer policy sign policy.toml --key ~/.config/coffer/alice.key\n"
      "  coffer policy sign policy.toml --key alice.key --store 01926e3a-0000-7000-8000-000000000000",
      [signing](Session& session) { return Sign(session, *signing); });
  sign.add_option("policy", signing->policy, "The policy")->type_name("FILE")->required();
  sign.add_option("--signatures", signing->signatures, "Where signatures are kept; policy.sig of policy.toml")
      ->type_name("FILE");
  AddStoreOption(sign, signing->store);
  AddSignerOptions(sign, signing->signer);

  auto applying = std::make_shared<ApplyArguments>();
  CLI::App& apply = tree.AddCommand(
      group, "apply", "Show every decision that a signed policy changes, and make it the one that holds",
      "  coffer policy apply policy.toml --dry-run\n  coffer policy apply policy.toml\n"
      "  coffer policy apply policy.toml --recovery-identity recovery.txt     # when the signers' keys are lost",
      [applying](Session& session) { return Apply(session, *applying); });
  apply.add_option("policy", applying->policy, "The policy")->type_name("FILE")->required();
  CLI::Option* const signatures =
      apply.add_option("--signatures", applying->signatures, "Its signatures; policy.sig of policy.toml")
          ->type_name("FILE");
  apply.add_flag("--dry-run", applying->dry_run, "Show the changes only");
  AddRecoveryOptions(apply, applying->recovery)->excludes(signatures);
}

}  // namespace coffer::cli
