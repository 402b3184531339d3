// coffer keyring rotate-kek, set-rotation, destroy, cancel-destroy: what happens to keys besides rotation.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/destroy_options.h"
#include "cli/key_texts.h"
#include "cli/times.h"
#include "crypto/names.h"

namespace coffer::cli {
namespace {

struct LifeOptions : DestroyOptions {
  std::uint32_t version = 0;
  bool no_sources = false;
  std::string period;
};

Outcome<int> PrintKeyring(const Session& session, client::RpcResult<v1::Keyring> keyring) {
  if (!keyring.ok()) return keyring.error();
  COFFER_TRY(session.json() ? PrintJson(KeyringJson(*keyring, nullptr)) : Print(KeyringText(*keyring, nullptr)));
  return kExitOk;
}

Outcome<int> RotateKek(Session& session, const LifeOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::RotateKekRequest request;
  request.set_name(options.name);
  return PrintKeyring(session, client->RotateKek(request));
}

Outcome<int> SetRotation(Session& session, const LifeOptions& options) {
  v1::SetRotationRequest request;
  request.set_name(options.name);
  if (options.period != "off") {
    auto period = ParseDuration(options.period);
    if (!period.ok()) return Failure(std::move(period).error().At("period"));
    request.set_period_us(*period);
  }
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  return PrintKeyring(session, client->SetRotation(request));
}

Outcome<int> Destroy(Session& session, const LifeOptions& options) {
  v1::ScheduleDestroyRequest request;
  COFFER_TRY(SetOrder(options, request));
  request.set_version(options.version);
  request.set_no_sources(options.no_sources);
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  return PrintKeyring(session, client->ScheduleDestroy(request));
}

Outcome<int> CancelDestroy(Session& session, const LifeOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::CancelDestroyRequest request;
  request.set_name(options.name);
  request.set_version(options.version);
  return PrintKeyring(session, client->CancelDestroy(request));
}

CLI::App& AddCommand(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                     const std::string& examples, const std::shared_ptr<LifeOptions>& options,
                     Outcome<int> (*act)(Session&, const LifeOptions&)) {
  CLI::App& command = tree.AddCommand(group, name, description, examples,
                                      [options, act](Session& session) { return act(session, *options); });
  command.add_option("name", options->name, "The keyring")->type_name("NAME")->required()->check(IsName());
  return command;
}

void AddVersion(CLI::App& command, LifeOptions& options) {
  command.add_option("version", options.version, "The version")
      ->type_name("VERSION")
      ->required()
      ->check(NumberBetween(1, 0xffff'ffff));
}

}  // namespace

CLI::Validator IsName() {
  return Checked([](const std::string& text) {
    return IsSlug(text) ? "" : "must be a name of a-z, 0-9 and -, up to 63 characters";
  });
}

void AddDestroyOptions(CLI::App& command, DestroyOptions& options) {
  command.add_option("--reason", options.reason, "Why it is destroyed; that of the approval unless told")
      ->type_name("TEXT");
  command.add_option("--delay", options.delay, "When, from now, like 30d; the service's own delay unless told")
      ->type_name("DURATION");
}

Outcome<std::int64_t> DelayOf(const DestroyOptions& options) {
  if (options.delay.empty()) return std::int64_t{0};
  auto delay = ParseDuration(options.delay);
  if (!delay.ok()) return Failure(std::move(delay).error().At("--delay"));
  return *delay;
}

void AddKeyringLifeCommands(CommandTree& tree, CLI::App& group) {
  const auto options = [] { return std::make_shared<LifeOptions>(); };
  AddCommand(tree, group, "rotate-kek", "Wrap the keyring's data keys under a new key; ciphertexts stay as they are",
             "  coffer keyring rotate-kek shop\n  coffer keyring rotate-kek shop --role dba", options(), RotateKek);

  auto rotating = options();
  AddCommand(tree, group, "set-rotation", "Rotate by itself when the primary version has this age",
             "  coffer keyring set-rotation shop 90d\n  coffer keyring set-rotation shop off", rotating, SetRotation)
      .add_option("period", rotating->period, "1h to 3650d, or off")
      ->type_name("PERIOD")
      ->required();

  auto destroying = options();
  CLI::App& destroy = AddCommand(tree, group, "destroy", "Refuse a version now, and erase its keys after a delay",
                                 "  coffer census show shop\n"
                                 "  coffer keyring destroy shop 1 --ask 'retired, ticket 4711'\n"
                                 "  coffer keyring destroy shop 1 --delay 30d --no-sources --ask 'a test keyring'",
                                 destroying, Destroy);
  AddVersion(destroy, *destroying);
  AddDestroyOptions(destroy, *destroying);
  tree.AddApprovalOptions(destroy);
  destroy.add_flag("--no-sources", destroying->no_sources,
                   "No database holds ciphertexts: needed where no census source is registered");

  auto cancelling = options();
  CLI::App& cancel = AddCommand(tree, group, "cancel-destroy", "Bring a version back that is scheduled for destruction",
                                "  coffer keyring cancel-destroy shop 1", cancelling, CancelDestroy);
  AddVersion(cancel, *cancelling);
}

}  // namespace coffer::cli
