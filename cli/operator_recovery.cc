// coffer operator backup, recover, restore, check and new-recovery-identity.
#include <algorithm>

#include "cli/commands.h"
#include "cli/operator_seal.h"
#include "cli/printing.h"
#include "cli/secret_input.h"
#include "client/wipe_message.h"
#include "crypto/share.h"

namespace coffer::cli {
namespace {

struct RecoverOptions {
  SealSourceOptions seal;
  std::string backup;
  bool new_journal = false;
  bool apply = false;
  bool go_back = false;
  std::string reason;
};

// One word of a shell.
std::string Quoted(const std::string& word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+:,@").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The command that does what was explained.
std::string RepairCommand(const RecoverOptions& options, bool new_journal, bool go_back) {
  const SealSourceOptions& seal = options.seal;
  std::string command = "coffer operator recover";
  const auto add = [&command](std::string_view option, const std::string& value) {
    if (!value.empty()) command.append(" ").append(option).append(" ").append(Quoted(value));
  };
  add("--backup", options.backup);
  add("--recovery-identity", seal.recovery_identity);
  for (const std::string& file : seal.share_files) add("--share-file", file);
  add("--key-file", seal.key_file);
  add("--passphrase-file", seal.passphrase_file);
  if (seal.passphrase) command += " --passphrase";
  if (seal.pkcs11) command += " --pkcs11";
  add("--pin-file", seal.pin_file);
  if (seal.command) command += " --command";
  if (new_journal) command += " --new-journal";
  if (go_back) command += " --go-back";
  return command + " --apply --reason 'the reason'";
}

bool IsOlder(const v1::RecoverResponse& answer) {
  return answer.source() != "store" && answer.store_epoch() > answer.source_epoch();
}

bool IsSame(const v1::RecoverResponse& answer) {
  return answer.source() == "journal" && answer.store_epoch() == answer.source_epoch() && answer.rows_missing() == 0 &&
         answer.rows_changed() == 0 && answer.rows_extra() == 0;
}

// What there is to do, in words.
std::string Advice(const v1::RecoverResponse& answer, const RecoverOptions& options) {
  const std::string same = RepairCommand(options, options.new_journal, options.go_back);
  if (IsSame(answer) && answer.loses()) {
    return "Store and journal hold the same, and the audit log that recorded what was done to them is gone: they may "
           "have been put back together. Look for that log, or compare the epoch with your notes and your latest "
           "backup. To go on with the log that is here:\n  " +
           RepairCommand(options, options.new_journal, true) + "\n";
  }
  if (IsSame(answer)) {
    return "Store and journal hold the same: unseal the service. Should that be refused, this writes both anew:\n  " +
           same + "\n";
  }
  if (answer.source() == "store" && answer.loses()) {
    return "The old key journal is whole, authentic, and newer than the store or another continuation of it: what is "
           "only "
           "in it would be lost. Without --new-journal the store is made from it. To lose it all the same:\n  " +
           RepairCommand(options, true, true) + "\n";
  }
  if (answer.source() == "store") {
    return "The store as it is would be believed, and a new journal begun. Keys and secrets that are only in the old "
           "journal are lost: do it only when the store is known to be the latest. Compare its epoch with your notes "
           "and your latest backup.\n  " +
           same + "\n";
  }
  if (answer.loses() && !IsOlder(answer)) {
    return "What it would be made from is no continuation of everything that is there, or the audit log has recorded a "
           "newer state: what was acknowledged in that would be lost. Look for a newer backup or journal first. To go "
           "on all the same:\n  " +
           RepairCommand(options, options.new_journal, true) + "\n";
  }
  if (IsOlder(answer)) {
    return "The store is newer than what it would be made from: the rows it has too many would be lost, with whatever "
           "was encrypted under their keys.\nWhen the journal was damaged or put back, and the store is the latest, "
           "begin a new journal:\n  " +
           RepairCommand(options, true, false) + "\nWhen the store is not to be believed, go back:\n  " +
           RepairCommand(options, false, true) + "\n";
  }
  return "Nothing was changed yet. This repairs it:\n  " + same + "\n";
}

std::string SourceText(const v1::RecoverResponse& answer) {
  const std::string epoch = ", epoch " + std::to_string(answer.source_epoch());
  if (answer.source() == "journal") return "the key journal" + epoch;
  return (answer.source() == "backup" ? "the backup" : "the store as it is") + epoch;
}

Json RecoverJson(const v1::RecoverResponse& answer, const RecoverOptions& options) {
  Json json = {{"finding", answer.finding()},
               {"store_epoch", answer.store_epoch()},
               {"source", answer.source()},
               {"source_epoch", answer.source_epoch()},
               {"rows_missing", answer.rows_missing()},
               {"rows_changed", answer.rows_changed()},
               {"rows_extra", answer.rows_extra()},
               {"recovered", answer.recovered()},
               {"loses", answer.loses()},
               {"journal_damaged_bytes", answer.journal_damaged_bytes()},
               {"journal_kept_as", answer.journal_kept_as()}};
  if (!answer.recovered()) json["repair"] = RepairCommand(options, options.new_journal || IsOlder(answer), false);
  return json;
}

std::string RecoverText(const v1::RecoverResponse& answer, const RecoverOptions& options) {
  const std::string store = answer.store_epoch() == 0 ? "none" : "epoch " + std::to_string(answer.store_epoch());
  const bool done = answer.recovered();
  const std::string lines = AlignedLines({{"finding", answer.finding()},
                                          {done ? "store was" : "store", store},
                                          {done ? "made from" : "would be made from", SourceText(answer)},
                                          {"rows missing", std::to_string(answer.rows_missing())},
                                          {"rows changed", std::to_string(answer.rows_changed())},
                                          {"rows too many", std::to_string(answer.rows_extra())}});
  std::string more;
  if (answer.journal_damaged_bytes() > 0) {
    more = "The key journal is damaged: its last " + std::to_string(answer.journal_damaged_bytes()) +
           " bytes cannot be read.\n";
  }
  if (!answer.journal_kept_as().empty()) more += "The old key journal is kept as " + answer.journal_kept_as() + ".\n";
  return lines + more +
         (done ? "recovered and unsealed. Take a backup: coffer operator backup FILE\n" : Advice(answer, options));
}

// What to do when there is nothing to recover from, or not from that.
Failure Explained(const client::RpcError& error) {
  Failure failure(error);
  if (!error.from_service) return failure;
  const auto says = [&error](std::string_view part) { return error.message.find(part) != std::string::npos; };
  if (says("neither a key journal nor a backup")) {
    failure.next_step =
        "--backup FILE names one; --new-journal believes the store as it is, where there is one: whoever put it back "
        "is believed too";
  } else if (says("of another store")) {
    failure.next_step =
        "put the right journal into its place (key_journal), name a backup of this store, or begin a new journal with "
        "--new-journal";
  } else if (error.code == ErrorCode::kIntegrity) {
    failure.next_step =
        "when it is the store's file that cannot be read: stop the service, give store.db and store.db-wal another "
        "name, "
        "start it, and recover again; keep the key journal where it is";
  }
  return failure;
}

Outcome<v1::RecoverRequest> RequestOf(const RecoverOptions& options) {
  v1::RecoverRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_seal(), SealSourceOf(options.seal));
  if (options.seal.any() && !options.seal.recovery_identity.empty()) {
    COFFER_ASSIGN_OR_RETURN(const IdentityFile file, ReadIdentityFile(options.seal.recovery_identity));
    AppendSecret(file.text, *request.mutable_recovery_identity());
  }
  for (const std::string& file : options.seal.share_files) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes share, ReadValue(file, "Share: ", kMaxTypedShare));
    AppendSecret(share, *request.add_shares());
  }
  if (!options.backup.empty()) {
    COFFER_ASSIGN_OR_RETURN(*request.mutable_backup_path(), AbsolutePath(options.backup));
  }
  request.set_new_journal(options.new_journal);
  request.set_go_back(options.go_back);
  request.set_reason(options.reason);
  return request;
}

// Explains, and then, when asked to, does it: what would lose newer rows only when that was said.
client::RpcResult<v1::RecoverResponse> ExplainAndApply(client::Client& client, v1::RecoverRequest& request,
                                                       const RecoverOptions& options, bool& refused) {
  const auto explained = client.Recover(request);
  if (!explained.ok() || !options.apply) return explained;
  refused = explained->loses() && !options.go_back;
  if (refused) return explained;
  request.set_apply(true);
  return client.Recover(request);
}

Outcome<int> Recover(Session& session, const RecoverOptions& options) {
  if (!options.seal.any() && options.seal.recovery_identity.empty() && options.seal.share_files.empty()) {
    return UsageFailure(
        "name what opens a seal slot: --recovery-identity FILE, --share-file FILE for each share, or --key-file, "
        "--passphrase, --pkcs11 or --command");
  }
  COFFER_TRY(
      CheckOneStandardInput({options.seal.passphrase_file, options.seal.pin_file, options.seal.recovery_identity}));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(v1::RecoverRequest request, RequestOf(options));
  bool refused = false;
  const auto answer = ExplainAndApply(*client, request, options, refused);
  WipeSource(*request.mutable_seal());
  client::WipeMessageField(*request.mutable_recovery_identity());
  for (std::string& share : *request.mutable_shares()) client::WipeMessageField(share);
  if (!answer.ok()) return Explained(answer.error());
  if (refused) {
    return Failure(kExitFailed,
                   "something that is there, or that the audit log has recorded, would be lost: nothing was changed",
                   "without --apply the command explains what there is to choose from");
  }
  COFFER_TRY(session.json() ? PrintJson(RecoverJson(*answer, options)) : Print(RecoverText(*answer, options)));
  return kExitOk;
}

Outcome<int> Backup(Session& session, const std::string& file) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::BackupRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_path(), AbsolutePath(file));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->Backup(request));
  const std::vector<std::string> recipients(answer.recipients().begin(), answer.recipients().end());
  if (session.json()) {
    COFFER_TRY(PrintJson({{"path", request.path()},
                          {"bytes", answer.bytes()},
                          {"rows", answer.rows()},
                          {"store_epoch", answer.store_epoch()},
                          {"recipients", recipients}}));
    return kExitOk;
  }
  std::string names;
  for (const std::string& recipient : recipients) names += (names.empty() ? "" : ", ") + recipient;
  const std::string lines = AlignedLines({{"backup", request.path()},
                                          {"bytes", std::to_string(answer.bytes())},
                                          {"rows", std::to_string(answer.rows())},
                                          {"epoch", std::to_string(answer.store_epoch())},
                                          {"encrypted to", names}});
  COFFER_TRY(Print(lines +
                   "Move it off this host. Keep the key journal, and prune nothing of it: it has what comes after this "
                   "backup.\nA backup opens with the identity that it is encrypted to, for as long as the file "
                   "exists.\n"));
  return kExitOk;
}

Outcome<int> Check(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->CheckStore({}));
  if (session.json()) {
    COFFER_TRY(PrintJson({{"rows", answer.rows()},
                          {"store_epoch", answer.store_epoch()},
                          {"journal_bytes", answer.journal_bytes()},
                          {"journal_complete", answer.journal_complete()}}));
    return kExitOk;
  }
  const bool journal = answer.journal_bytes() > 0;
  COFFER_TRY(Print(AlignedLines({{"store", std::to_string(answer.rows()) + " rows, all authentic"},
                                 {"epoch", std::to_string(answer.store_epoch())},
                                 {"journal", journal ? std::to_string(answer.journal_bytes()) + " bytes" : "none"},
                                 {"alone it makes the same store", answer.journal_complete() ? "yes" : "no"}})));
  return kExitOk;
}

Outcome<int> MakeIdentity(const Session& session, const std::string& file) {
  COFFER_ASSIGN_OR_RETURN(const std::string recipient, MakeIdentityFile(file));
  if (session.json()) {
    COFFER_TRY(PrintJson({{"recipient", recipient}}));
  } else {
    COFFER_TRY(Print("recipient: " + recipient +
                     "\nKeep the file off the service's host, in two places: who has it opens the service and every "
                     "backup.\nMake it a way in: coffer operator init, or slots add, --recovery-identity FILE\n"));
  }
  return kExitOk;
}

void AddRecover(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                const std::string& examples) {
  auto options = std::make_shared<RecoverOptions>();
  CLI::App& recover = tree.AddCommand(group, name, description, examples,
                                      [options](Session& session) { return Recover(session, *options); });
  AddRecoverSealOptions(recover, options->seal);
  recover.add_option("--backup", options->backup, "A backup, on the service's host")->type_name("FILE");
  recover.add_flag("--new-journal", options->new_journal, "Believe the store as it is, and begin a new journal");
  recover.add_flag("--go-back", options->go_back, "Although something that is there, or was recorded, is lost by it");
  CLI::Option* const reason =
      recover.add_option("--reason", options->reason, "Why, for the audit log; needed with --apply")->type_name("TEXT");
  recover.add_flag("--apply", options->apply, "Do it; else it is explained only")->needs(reason);
}

}  // namespace

void AddRecoveryCommands(CommandTree& tree, CLI::App& group) {
  auto backup = std::make_shared<std::string>();
  CLI::App& write =
      tree.AddCommand(group, "backup", "Write the whole store to a file, encrypted to the recovery recipients",
                      "  coffer operator backup /backup/coffer-2027-01-31.age",
                      [backup](Session& session) { return Backup(session, *backup); });
  write.add_option("file", *backup, "A new file on the service's host")->type_name("FILE")->required();

  AddRecover(tree, group, "recover", "Say what is wrong with a store, and bring it back from its journal or a backup",
             "  coffer operator recover --recovery-identity recovery.txt\n"
             "  coffer operator recover --recovery-identity recovery.txt --apply --reason 'the disk died'\n"
             "  coffer operator recover --key-file /media/usb/coffer.key --new-journal");
  AddRecover(tree, group, "restore", "The same as recover, for a service that has no store",
             "  coffer operator restore --backup /backup/coffer.age --recovery-identity recovery.txt\n"
             "  coffer operator restore --backup /backup/coffer.age --recovery-identity recovery.txt --apply "
             "--reason 'the site is gone'");

  tree.AddCommand(group, "check", "Check every row of the store and of its key journal", "  coffer operator check",
                  Check);

  auto out = std::make_shared<std::string>();
  CLI::App& make = tree.AddCommand(group, "new-recovery-identity", "Make an age identity file for recovery",
                                   "  coffer operator new-recovery-identity --out recovery.txt",
                                   [out](Session& session) { return MakeIdentity(session, *out); });
  make.add_option("--out", *out, "A new file, here")->type_name("FILE")->required();
}

}  // namespace coffer::cli
