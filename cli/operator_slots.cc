// coffer operator slots, and rekey: the ways to open the root key.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/operator_seal.h"
#include "cli/operator_shares.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "client/wipe_message.h"

namespace coffer::cli {
namespace {

struct AddOptions {
  NewSealOptions seal;
  RecoveryOptions recovery;
  std::string label;
};

struct RemoveOptions {
  std::uint64_t slot = 0;
  bool accept_total_loss = false;
};

struct RekeyOptions {
  NewSealOptions seal;
};

// Ids are strings: they need all 64 bits, which many readers of JSON do not keep.
Json SlotJson(const v1::SealSlot& slot) {
  Json json = {{"id", std::to_string(slot.id())},
               {"kind", slot.kind()},
               {"label", slot.label()},
               {"created_at", FormatTime(slot.created_us(), true)}};
  if (slot.shares() > 0) {
    json["threshold"] = slot.threshold();
    json["shares"] = slot.shares();
  }
  if (!slot.recipients().empty()) {
    json["recipients"] = std::vector<std::string>(slot.recipients().begin(), slot.recipients().end());
  }
  return json;
}

std::string DetailsOf(const v1::SealSlot& slot) {
  if (slot.shares() > 0) {
    return "any " + std::to_string(slot.threshold()) + " of " + std::to_string(slot.shares()) + " shares";
  }
  std::string recipients;
  for (const std::string& recipient : slot.recipients()) recipients += (recipients.empty() ? "" : ", ") + recipient;
  return recipients.empty() ? "-" : recipients;
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->ListSealSlots({}));
  if (session.json()) {
    Json slots = Json::array();
    for (const v1::SealSlot& slot : answer.slots()) slots.push_back(SlotJson(slot));
    COFFER_TRY(PrintJson({{"slots", slots}}));
    return kExitOk;
  }
  Table table({"ID", "KIND", "LABEL", "CREATED", "OPENED BY"});
  for (const v1::SealSlot& slot : answer.slots()) {
    table.Add({std::to_string(slot.id()), slot.kind(), slot.label(), FormatTime(slot.created_us()), DetailsOf(slot)});
  }
  COFFER_TRY(Print(table.ToText()));
  return kExitOk;
}

Outcome<void> CheckAdd(const Session& session, const AddOptions& options) {
  if (options.seal.any() == options.recovery.wanted()) {
    return UsageFailure(
        "choose one way in: --key-file, --passphrase, --shares, --pkcs11, --command or --recovery-identity");
  }
  COFFER_TRY(
      CheckOneStandardInput({options.seal.passphrase_file, options.seal.pin_file, options.recovery.identity_file}));
  if (!options.seal.shares.empty()) COFFER_TRY(PrepareForShares(session, options.seal.shares_dir));
  return {};
}

Outcome<int> Add(Session& session, const AddOptions& options) {
  COFFER_TRY(CheckAdd(session, options));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::AddSealSlotRequest request;
  request.set_label(options.label);
  if (options.recovery.wanted()) {
    COFFER_TRY(ProveRecovery(*client, options.recovery, *request.mutable_seal()->mutable_recovery()));
  } else {
    COFFER_ASSIGN_OR_RETURN(std::vector<v1::NewSeal> seals, NewSealsOf(options.seal));
    *request.mutable_seal() = seals.front();
    WipeSeal(seals.front());
  }
  auto answer = client->AddSealSlot(request);
  WipeSeal(*request.mutable_seal());
  if (!answer.ok()) return answer.error();
  COFFER_ASSIGN_OR_RETURN(const auto files, HandOutShares(options.seal.shares_dir, *answer->mutable_shares()));
  const std::string id = std::to_string(answer->id());
  if (session.json()) {
    Json json = {{"id", id}};
    if (!files.empty()) json["share_files"] = files;
    COFFER_TRY(PrintJson(json));
  } else {
    COFFER_TRY(Print("added seal slot " + id + "\n"));
  }
  return kExitOk;
}

Outcome<int> Remove(Session& session, const RemoveOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::RemoveSealSlotRequest request;
  request.set_id(options.slot);
  request.set_accept_total_loss(options.accept_total_loss);
  COFFER_TRY(client->RemoveSealSlot(request));
  if (session.json()) {
    COFFER_TRY(PrintJson({{"removed", std::to_string(options.slot)}}));
  } else {
    COFFER_TRY(
        Print("removed. Backups and copies of the store from before still open with it: replace the root key "
              "when it leaked (`coffer operator rekey`)\n"));
  }
  return kExitOk;
}

Outcome<int> Rekey(Session& session, const RekeyOptions& options) {
  if (!options.seal.any()) {
    return UsageFailure("choose what locks the new root key: --key-file, --passphrase, --shares, --pkcs11, --command");
  }
  COFFER_TRY(CheckOneStandardInput({options.seal.passphrase_file, options.seal.pin_file}));
  if (!options.seal.shares.empty()) COFFER_TRY(PrepareForShares(session, options.seal.shares_dir));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(std::vector<v1::NewSeal> seals, NewSealsOf(options.seal));
  v1::RekeyRequest request;
  for (v1::NewSeal& seal : seals) {
    *request.add_seals() = seal;
    WipeSeal(seal);
  }
  auto answer = client->Rekey(request);
  for (v1::NewSeal& seal : *request.mutable_seals()) WipeSeal(seal);
  if (!answer.ok()) return answer.error();
  COFFER_ASSIGN_OR_RETURN(const auto files, HandOutShares(options.seal.shares_dir, *answer->mutable_shares()));
  if (session.json()) {
    Json json = {{"rekeyed", true}};
    if (!files.empty()) json["share_files"] = files;
    COFFER_TRY(PrintJson(json));
    return kExitOk;
  }
  COFFER_TRY(
      Print("the root key was replaced: old key files, passphrases and shares open the service no more. Recovery slots "
            "stay, for the same recipients.\n"
            "Backups and copies of the store made before still open with the old ones: destroy those that are not "
            "needed.\nTake a new backup: coffer operator backup FILE\n"));
  return kExitOk;
}

void AddSlots(CommandTree& tree, CLI::App& group) {
  CLI::App& slots = tree.AddGroup(group, "slots", "The ways to open the root key");
  tree.AddCommand(slots, "list", "All of them", "  coffer operator slots list", List);

  auto add_options = std::make_shared<AddOptions>();
  CLI::App& add =
      tree.AddCommand(slots, "add", "Make another way in",
                      "  coffer operator slots add --passphrase --label 'the safe' --ask 'a second way in'\n"
                      "  coffer operator slots add --recovery-identity recovery.txt --ask 'a second way in'",
                      [add_options](Session& session) { return Add(session, *add_options); });
  AddNewSealOptions(add, add_options->seal, SealChoice::kOne);
  AddRecoveryOptions(add, add_options->recovery);
  add.add_option("--label", add_options->label, "For people; the kind unless told")->type_name("TEXT");
  tree.AddApprovalOptions(add);

  auto remove_options = std::make_shared<RemoveOptions>();
  CLI::App& remove = tree.AddCommand(slots, "remove", "Take a way in away",
                                     "  coffer operator slots remove 7391 --ask 'the passphrase leaked'",
                                     [remove_options](Session& session) { return Remove(session, *remove_options); });
  remove.add_option("id", remove_options->slot, "Which, as `slots list` shows it")
      ->type_name("ID")
      ->required()
      ->check(NumberBetween(1, std::numeric_limits<std::uint64_t>::max()));
  remove.add_flag("--accept-total-loss", remove_options->accept_total_loss,
                  "The last recovery slot may go, and that is understood");
  tree.AddApprovalOptions(remove);
}

}  // namespace

void AddSealSlotCommands(CommandTree& tree, CLI::App& group) {
  AddSlots(tree, group);
  auto options = std::make_shared<RekeyOptions>();
  CLI::App& rekey =
      tree.AddCommand(group, "rekey", "Replace the root key and all slots but those of recovery",
                      "  coffer operator rekey --key-file /media/usb/new.key --ask 'the old key file leaked'\n"
                      "  coffer operator rekey --shares 3/5 --ask 'a custodian left'",
                      [options](Session& session) { return Rekey(session, *options); });
  AddNewSealOptions(rekey, options->seal, SealChoice::kMany);
  tree.AddApprovalOptions(rekey);
}

}  // namespace coffer::cli
