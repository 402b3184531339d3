// coffer operator: the store's life.
#include "cli/commands.h"
#include "cli/operator_seal.h"
#include "cli/operator_shares.h"
#include "cli/printing.h"
#include "client/wipe_message.h"

namespace coffer::cli {
namespace {

struct InitOptions {
  NewSealOptions seal;
  RecoveryOptions recovery;
  bool accept_total_loss = false;
};

std::string KeyFileSteps(const std::string& path, bool recoverable) {
  const std::string copy = recoverable ? "Copy the key file to a safe place off this machine.\n"
                                       : "Copy the key file to a safe place off this machine, now: whoever loses it "
                                         "loses every secret.\n";
  return copy + "Name it in the service's configuration, and restarts need nobody: key_file = \"" + path +
         "\"\nWithout that, after each start of the service: coffer operator unseal --key-file " + path + "\n";
}

std::string SealSteps(const v1::NewSeal& seal, bool recoverable) {
  const std::string after_start = "After each start of the service";
  switch (seal.seal_case()) {
    case v1::NewSeal::kKeyFile:
      return KeyFileSteps(seal.key_file().path(), recoverable);
    case v1::NewSeal::kShares:
      return after_start + ", " + std::to_string(seal.shares().threshold()) +
             " custodians, each: coffer operator unseal --share\n";
    case v1::NewSeal::kPkcs11:
      return after_start + ": coffer operator unseal --pkcs11\n";
    case v1::NewSeal::kCommand:
      return after_start + ": coffer operator unseal --command\n";
    default:
      return std::string(recoverable ? "Keep the passphrase in a safe place.\n"
                                     : "Keep the passphrase in a safe place, now: whoever loses it loses every "
                                       "secret.\n") +
             after_start + ": coffer operator unseal --passphrase\n";
  }
}

std::string NextSteps(const v1::InitRequest& request) {
  std::string steps = SealSteps(request.seal(), request.has_recovery());
  if (request.has_recovery()) {
    steps +=
        "Keep the recovery identity off this machine, in two places: it opens the service and its backups when all "
        "else is lost.\nTake backups: coffer operator backup FILE\n";
  }
  return steps +
         "Name who may do what, and who approves: `coffer identity new NAME` for each person, then `coffer policy "
         "apply`; "
         "until then what two persons have to do is refused.\n";
}

Outcome<void> CheckInit(const Session& session, const InitOptions& options) {
  if (!options.seal.any()) {
    return UsageFailure("choose what locks the root key: --key-file, --passphrase, --shares, --pkcs11 or --command");
  }
  if (!options.recovery.wanted() && !options.accept_total_loss) {
    return Failure(kExitUsage, "there is no recovery slot: whoever loses the key file or passphrase loses every secret",
                   "name one with --recovery-identity FILE (`coffer operator new-recovery-identity` makes it), or say "
                   "--accept-total-loss to go on");
  }
  COFFER_TRY(
      CheckOneStandardInput({options.seal.passphrase_file, options.seal.pin_file, options.recovery.identity_file}));
  if (!options.seal.shares.empty()) COFFER_TRY(PrepareForShares(session, options.seal.shares_dir));
  return {};
}

Outcome<int> Init(Session& session, const InitOptions& options) {
  COFFER_TRY(CheckInit(session, options));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::InitRequest request;
  request.set_accept_total_loss(options.accept_total_loss);
  COFFER_ASSIGN_OR_RETURN(std::vector<v1::NewSeal> seals, NewSealsOf(options.seal));
  *request.mutable_seal() = seals.front();
  WipeSeal(seals.front());
  if (options.recovery.wanted()) COFFER_TRY(ProveRecovery(*client, options.recovery, *request.mutable_recovery()));
  auto answer = client->Init(request);
  WipeSeal(*request.mutable_seal());
  if (!answer.ok()) return answer.error();
  COFFER_ASSIGN_OR_RETURN(const auto files, HandOutShares(options.seal.shares_dir, *answer->mutable_shares()));
  if (session.json()) {
    Json json = {{"store_uuid", answer->store_uuid()}, {"state", "unsealed"}};
    if (!files.empty()) json["share_files"] = files;
    COFFER_TRY(PrintJson(json));
  } else {
    COFFER_TRY(Print("initialised and unsealed; store " + answer->store_uuid() + "\n" + NextSteps(request)));
  }
  return kExitOk;
}

Outcome<int> PrintState(const Session& session, const std::string& state) {
  if (session.json()) {
    COFFER_TRY(PrintJson({{"state", state}}));
  } else {
    COFFER_TRY(Print(state + "\n"));
  }
  return kExitOk;
}

Outcome<int> PrintShared(const Session& session, const v1::UnsealResponse& answer) {
  const std::uint32_t have = answer.shares_have();
  const std::uint32_t missing = answer.shares_missing();
  if (session.json()) {
    COFFER_TRY(PrintJson({{"state", "sealed"}, {"shares_have", have}, {"shares_missing", missing}}));
  } else {
    COFFER_TRY(Print("still sealed: " + std::to_string(have) + " of " + std::to_string(have + missing) +
                     " shares are there, " + std::to_string(missing) +
                     " missing. They are forgotten ten minutes after the first one.\n"));
  }
  return kExitOk;
}

Outcome<int> Unseal(Session& session, const SealSourceOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(v1::UnsealRequest request, SealSourceOf(options));
  const auto answer = client->Unseal(request);
  WipeSource(request);
  if (!answer.ok()) return answer.error();
  return answer->shares_missing() > 0 ? PrintShared(session, *answer) : PrintState(session, "unsealed");
}

Outcome<int> Seal(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_TRY(client->Seal({}));
  return PrintState(session, "sealed");
}

void AddInit(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<InitOptions>();
  CLI::App& init =
      tree.AddCommand(group, "init", "Make the root key and leave the service unsealed, once a store",
                      "  coffer operator init --key-file /media/usb/coffer.key --recovery-identity recovery.txt\n"
                      "  coffer operator init --shares 3/5 --recovery-identity recovery.txt\n"
                      "  coffer operator init --passphrase --accept-total-loss",
                      [options](Session& session) { return Init(session, *options); });
  AddNewSealOptions(init, options->seal, SealChoice::kOne);
  AddRecoveryOptions(init, options->recovery);
  init.add_flag("--accept-total-loss", options->accept_total_loss, "There is no recovery slot, and that is understood");
}

void AddUnseal(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<SealSourceOptions>();
  CLI::App& unseal =
      tree.AddCommand(group, "unseal", "Unlock the root key; without an option, with the configured key file",
                      "  coffer operator unseal\n  coffer operator unseal --key-file /media/usb/coffer.key\n"
                      "  coffer operator unseal --passphrase\n  coffer operator unseal --share\n"
                      "  coffer operator unseal --recovery-identity recovery.txt",
                      [options](Session& session) { return Unseal(session, *options); });
  AddUnsealOptions(unseal, *options);
}

}  // namespace

void AddOperatorCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("operator", "The service's life: init, unseal, seal, backup, recover, status");
  AddInit(tree, group);
  AddUnseal(tree, group);
  tree.AddCommand(group, "seal", "Wipe every key from the service's memory", "  coffer operator seal", Seal);
  AddOperatorStatusCommand(tree, group);
  AddSealSlotCommands(tree, group);
  AddRecoveryCommands(tree, group);
  AddMergeCommand(tree, group);
}

}  // namespace coffer::cli
