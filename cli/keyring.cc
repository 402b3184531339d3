// coffer keyring: the keys' names, versions and states. The rest of their life is in keyring_life.cc.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/destroy_options.h"
#include "cli/key_texts.h"
#include "cli/pages.h"
#include "cli/times.h"

namespace coffer::cli {
namespace {

struct KeyringOptions {
  std::string name;
  std::uint32_t version = 0;
  std::uint32_t expected = 0;
  std::string purpose = "encrypt";
};

Outcome<int> PrintKeyring(const Session& session, client::RpcResult<v1::Keyring> keyring) {
  if (!keyring.ok()) return keyring.error();
  COFFER_TRY(session.json() ? PrintJson(KeyringJson(*keyring, nullptr)) : Print(KeyringText(*keyring, nullptr)));
  return kExitOk;
}

// With its census: that is what is asked before a version is destroyed.
Outcome<int> Show(Session& session, const KeyringOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::GetKeyringRequest request;
  request.set_name(options.name);
  COFFER_ASSIGN_OR_RETURN(const auto keyring, client->GetKeyring(request));
  v1::GetCensusRequest counted;
  counted.set_keyring(options.name);
  COFFER_ASSIGN_OR_RETURN(const auto census, client->GetCensus(counted));
  COFFER_TRY(session.json() ? PrintJson(KeyringJson(keyring, &census)) : Print(KeyringText(keyring, &census)));
  return kExitOk;
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  Json list = Json::array();
  Table table({"KEYRING", "PURPOSE", "PRIMARY", "CREATED"});
  const auto take = [&list, &table](const v1::ListKeyringsResponse& page) {
    for (const v1::Keyring& keyring : page.keyrings()) {
      list.push_back(KeyringHeadJson(keyring));
      table.Add({keyring.name(), std::string(PurposeName(keyring.purpose())), std::to_string(keyring.primary_version()),
                 FormatTime(keyring.created_us())});
    }
  };
  COFFER_TRY(ForEachPage(*client, &client::Client::ListKeyrings, v1::ListKeyringsRequest(), take));
  COFFER_TRY(session.json() ? PrintJson({{"keyrings", list}}) : Print(table.ToText()));
  return kExitOk;
}

// A command about one keyring: `act` sends the call.
template <typename Act>
CLI::App& AddKeyringCommand(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                            const std::string& examples, const std::shared_ptr<KeyringOptions>& options, Act act) {
  CLI::App& command =
      tree.AddCommand(group, name, description, examples, [options, act](Session& session) -> Outcome<int> {
        COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
        return PrintKeyring(session, act(*client, *options));
      });
  command.add_option("name", options->name, "The keyring")->type_name("NAME")->required()->check(IsName());
  return command;
}

template <typename Request>
Request Named(const KeyringOptions& options) {
  Request request;
  request.set_name(options.name);
  return request;
}

template <typename Request>
Request NamedVersion(const KeyringOptions& options) {
  auto request = Named<Request>(options);
  request.set_version(options.version);
  return request;
}

void AddVersionArgument(CLI::App& command, KeyringOptions& options) {
  command.add_option("version", options.version, "The version")
      ->type_name("VERSION")
      ->required()
      ->check(NumberBetween(1, 0xffff'ffff));
}

}  // namespace

void AddKeyringCommands(CommandTree& tree) {
  using client::Client;
  CLI::App& group = tree.AddGroup("keyring", "Keys: create, rotate, disable, destroy");
  const auto options = [] { return std::make_shared<KeyringOptions>(); };

  auto creating = options();
  CLI::App& create =
      AddKeyringCommand(tree, group, "create", "Make a keyring with version 1",
                        "  coffer keyring create shop\n  coffer keyring create shop-index --purpose index", creating,
                        [](Client& client, const KeyringOptions& of) {
                          auto request = Named<v1::CreateKeyringRequest>(of);
                          request.set_purpose(PurposeOf(of.purpose));
                          return client.CreateKeyring(request);
                        });
  create
      .add_option("--purpose", creating->purpose,
                  "encrypt, index (tokens to search by) or deterministic (equal values look equal)")
      ->type_name("PURPOSE")
      ->check(OneOf({"encrypt", "index", "deterministic"}));
  tree.AddCommand(group, "list", "All keyrings", "  coffer keyring list --role dba", List);
  auto showing = options();
  tree.AddCommand(group, "show", "One keyring: versions, what is due, census", "  coffer keyring show shop",
                  [showing](Session& session) { return Show(session, *showing); })
      .add_option("name", showing->name, "The keyring")
      ->type_name("NAME")
      ->required()
      ->check(IsName());

  auto rotation = options();
  CLI::App& rotate = AddKeyringCommand(tree, group, "rotate", "Add a version and encrypt under it from now on",
                                       "  coffer keyring rotate shop\n  coffer keyring rotate shop --expect 3",
                                       rotation, [](Client& client, const KeyringOptions& of) {
                                         auto request = Named<v1::RotateKeyringRequest>(of);
                                         request.set_expected_primary_version(of.expected);
                                         return client.RotateKeyring(request);
                                       });
  rotate
      .add_option("--expect", rotation->expected,
                  "Only while this is the primary version: a repeat does not rotate twice")
      ->type_name("VERSION")
      ->check(NumberBetween(1, 0xffff'ffff));

  auto disabling = options();
  CLI::App& disable =
      AddKeyringCommand(tree, group, "disable", "Refuse a version until it is enabled again",
                        "  coffer keyring disable shop 1", disabling, [](Client& client, const KeyringOptions& of) {
                          return client.DisableKeyVersion(NamedVersion<v1::DisableKeyVersionRequest>(of));
                        });
  AddVersionArgument(disable, *disabling);

  auto enabling = options();
  CLI::App& enable =
      AddKeyringCommand(tree, group, "enable", "Bring a disabled version back", "  coffer keyring enable shop 1",
                        enabling, [](Client& client, const KeyringOptions& of) {
                          return client.EnableKeyVersion(NamedVersion<v1::EnableKeyVersionRequest>(of));
                        });
  AddVersionArgument(enable, *enabling);
  AddKeyringLifeCommands(tree, group);
}

}  // namespace coffer::cli
