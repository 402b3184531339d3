// coffer operator: the store's life.
#include <filesystem>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/secret_input.h"
#include "cli/times.h"
#include "client/wipe_message.h"

namespace coffer::cli {
namespace {

struct SealOptions {
  std::string key_file;
  bool passphrase = false;
  std::string passphrase_file;
  bool accept_total_loss = false;
  bool allow_same_device = false;
  bool asks_passphrase() const { return passphrase || !passphrase_file.empty(); }
};

void AddSealOptions(CLI::App& command, SealOptions& options) {
  CLI::Option* const key_file =
      command.add_option("--key-file", options.key_file, "Key file on the service's host")->type_name("FILE");
  CLI::Option* const prompt =
      command.add_flag("--passphrase", options.passphrase, "Ask for a passphrase on the terminal");
  CLI::Option* const file = command.add_option("--passphrase-file", options.passphrase_file,
                                               "Read a passphrase from a file, - for standard input");
  file->type_name("FILE");
  key_file->excludes(prompt);
  key_file->excludes(file);
  prompt->excludes(file);
}

// The service runs elsewhere in the file system, on the same host.
Outcome<std::string> AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return Failure(kExitFailed, "the current folder is gone");
  return absolute.lexically_normal().string();
}

void SetPassphrase(const SecretBytes& passphrase, std::string& field) {
  field = AsText(passphrase.Expose(SecretAccess::kReply));
}

std::string NextSteps(const v1::InitRequest& request) {
  if (request.has_passphrase()) {
    return "Keep the passphrase in a safe place, now: whoever loses it loses every secret.\n"
           "After each start of the service: coffer operator unseal --passphrase\n";
  }
  const std::string& path = request.key_file().path();
  return "Copy the key file to a safe place off this machine, now: whoever loses it loses every secret.\n"
         "Name it in the service's configuration, and restarts need nobody: key_file = \"" +
         path +
         "\"\n"
         "Without that, after each start of the service: coffer operator unseal --key-file " +
         path + "\n";
}

Outcome<int> Init(Session& session, const SealOptions& options) {
  if (options.key_file.empty() && !options.asks_passphrase()) {
    return UsageFailure("choose what locks the root key: --key-file, --passphrase or --passphrase-file");
  }
  if (!options.accept_total_loss) {
    return Failure(kExitUsage, "there is no recovery slot: whoever loses the key file or passphrase loses every secret",
                   "say --accept-total-loss to go on");
  }
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::InitRequest request;
  request.set_accept_total_loss(true);
  if (options.asks_passphrase()) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes passphrase, ReadPassphrase(options.passphrase_file, true));
    SetPassphrase(passphrase, *request.mutable_passphrase());
  } else {
    COFFER_ASSIGN_OR_RETURN(*request.mutable_key_file()->mutable_path(), AbsolutePath(options.key_file));
    request.mutable_key_file()->set_allow_same_device(options.allow_same_device);
  }
  const auto answer = client->Init(request);
  if (request.has_passphrase()) client::WipeMessageField(*request.mutable_passphrase());
  if (!answer.ok()) return answer.error();
  if (session.json()) {
    COFFER_TRY(PrintJson({{"store_uuid", answer->store_uuid()}, {"state", "unsealed"}}));
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

Outcome<int> Unseal(Session& session, const SealOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::UnsealRequest request;
  if (options.asks_passphrase()) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes passphrase, ReadPassphrase(options.passphrase_file, false));
    SetPassphrase(passphrase, *request.mutable_passphrase());
  } else if (!options.key_file.empty()) {
    COFFER_ASSIGN_OR_RETURN(*request.mutable_key_file_path(), AbsolutePath(options.key_file));
  }
  const auto answer = client->Unseal(request);
  if (request.has_passphrase()) client::WipeMessageField(*request.mutable_passphrase());
  if (!answer.ok()) return answer.error();
  return PrintState(session, "unsealed");
}

Outcome<int> Seal(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_TRY(client->Seal({}));
  return PrintState(session, "sealed");
}

std::string_view StateName(v1::ServiceState state) {
  switch (state) {
    case v1::SERVICE_STATE_UNINITIALISED:
      return "uninitialised";
    case v1::SERVICE_STATE_SEALED:
      return "sealed";
    case v1::SERVICE_STATE_UNSEALED:
      return "unsealed";
    case v1::SERVICE_STATE_COMPROMISED:
      return "compromised";
    default:
      return "unknown";
  }
}

Json StatusJson(const v1::GetStatusResponse& status) {
  Json slots = Json::array();
  for (const std::string& slot : status.seal_slots()) slots.push_back(slot);
  return {{"state", StateName(status.state())},
          {"version", status.version()},
          {"store_uuid", status.store_uuid()},
          {"store_epoch", status.store_epoch()},
          {"keyrings", status.keyrings()},
          {"tenants", status.tenants()},
          {"data_keys", status.data_keys()},
          {"scopes", status.scopes()},
          {"started_at", FormatTime(status.started_us(), true)},
          {"memory_locked", status.memory_locked()},
          {"principal", status.principal()},
          {"seal_slots", slots}};
}

std::string StatusText(const v1::GetStatusResponse& status, bool colors) {
  const bool unsealed = status.state() == v1::SERVICE_STATE_UNSEALED;
  std::string slots;
  for (const std::string& slot : status.seal_slots()) slots += (slots.empty() ? "" : ", ") + slot;
  const auto dash = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  return AlignedLines({{"state", Colored(StateName(status.state()), unsealed ? Color::kGreen : Color::kYellow, colors)},
                       {"version", status.version()},
                       {"store", dash(status.store_uuid())},
                       {"epoch", std::to_string(status.store_epoch())},
                       {"keyrings", std::to_string(status.keyrings())},
                       {"tenants", std::to_string(status.tenants())},
                       {"data keys", std::to_string(status.data_keys())},
                       {"scopes", std::to_string(status.scopes())},
                       {"started", FormatTime(status.started_us())},
                       {"memory", status.memory_locked() ? "locked" : "could be swapped out"},
                       {"you are", dash(status.principal())},
                       {"seal slots", dash(slots)}});
}

Outcome<int> Status(Session& session, bool check) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto status, client->GetStatus({}));
  if (session.json()) {
    COFFER_TRY(PrintJson(StatusJson(status)));
  } else {
    COFFER_TRY(Print(StatusText(status, session.Colors(STDOUT_FILENO))));
  }
  return check && status.state() != v1::SERVICE_STATE_UNSEALED ? kExitFailed : kExitOk;
}

void AddInit(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<SealOptions>();
  CLI::App& init = tree.AddCommand(group, "init", "Make the root key and leave the service unsealed, once a store",
                                   "  coffer operator init --key-file /media/usb/coffer.key --accept-total-loss\n"
                                   "  coffer operator init --passphrase --accept-total-loss",
                                   [options](Session& session) { return Init(session, *options); });
  AddSealOptions(init, *options);
  init.add_flag("--accept-total-loss", options->accept_total_loss, "There is no recovery slot, and that is understood");
  init.add_flag("--allow-same-device", options->allow_same_device, "Allow the key file beside the store");
}

}  // namespace

void AddOperatorCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("operator", "The service's life: init, unseal, seal, status");
  AddInit(tree, group);

  auto options = std::make_shared<SealOptions>();
  CLI::App& unseal =
      tree.AddCommand(group, "unseal", "Unlock the root key; without an option, with the configured key file",
                      "  coffer operator unseal\n  coffer operator unseal --key-file /media/usb/coffer.key\n"
                      "  coffer operator unseal --passphrase",
                      [options](Session& session) { return Unseal(session, *options); });
  AddSealOptions(unseal, *options);

  tree.AddCommand(group, "seal", "Wipe every key from the service's memory", "  coffer operator seal", Seal);

  auto check = std::make_shared<bool>(false);
  CLI::App& status =
      tree.AddCommand(group, "status", "What state the service is in",
                      "  coffer operator status\n  coffer operator status --check && start-the-application",
                      [check](Session& session) { return Status(session, *check); });
  status.add_flag("--check", *check, "Exit 1 when the service is not unsealed");
}

}  // namespace coffer::cli
