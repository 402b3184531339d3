// coffer keyring: the keys' names, versions and states.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/pages.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "crypto/names.h"

namespace coffer::cli {
namespace {

struct KeyringOptions {
  std::string name;
  std::uint32_t version = 0;
  std::uint32_t expected = 0;
  std::string purpose = "encrypt";
};

std::string_view VersionStateName(v1::KeyVersionState state) {
  switch (state) {
    case v1::KEY_VERSION_STATE_ENABLED:
      return "enabled";
    case v1::KEY_VERSION_STATE_DISABLED:
      return "disabled";
    default:
      return "unknown";
  }
}

constexpr std::array<std::pair<std::string_view, v1::KeyringPurpose>, 3> kPurposes = {
    {{"encrypt", v1::KEYRING_PURPOSE_ENCRYPT},
     {"deterministic", v1::KEYRING_PURPOSE_DETERMINISTIC},
     {"index", v1::KEYRING_PURPOSE_INDEX}}};

std::string_view PurposeName(v1::KeyringPurpose purpose) {
  for (const auto& [name, known] : kPurposes) {
    if (known == purpose) return name;
  }
  return "unknown";
}

v1::KeyringPurpose PurposeOf(std::string_view name) {
  for (const auto& [known, purpose] : kPurposes) {
    if (known == name) return purpose;
  }
  return v1::KEYRING_PURPOSE_UNSPECIFIED;
}

Json KeyringHeadJson(const v1::Keyring& keyring) {
  return {{"name", keyring.name()},
          {"uuid", keyring.uuid()},
          {"purpose", PurposeName(keyring.purpose())},
          {"primary_version", keyring.primary_version()},
          {"created_at", FormatTime(keyring.created_us(), true)}};
}

Json KeyringJson(const v1::Keyring& keyring) {
  Json versions = Json::array();
  for (const v1::KeyVersion& version : keyring.versions()) {
    versions.push_back({{"version", version.version()},
                        {"state", VersionStateName(version.state())},
                        {"created_at", FormatTime(version.created_us(), true)},
                        {"changed_at", FormatTime(version.changed_us(), true)},
                        {"data_keys", version.data_keys()}});
  }
  Json json = KeyringHeadJson(keyring);
  json["versions"] = versions;
  return json;
}

std::string KeyringText(const v1::Keyring& keyring) {
  Table versions({"VERSION", "STATE", "CREATED", "CHANGED", "DATA KEYS"});
  for (const v1::KeyVersion& version : keyring.versions()) {
    const bool primary = version.version() == keyring.primary_version();
    versions.Add({std::to_string(version.version()) + (primary ? " (primary)" : ""),
                  std::string(VersionStateName(version.state())), FormatTime(version.created_us()),
                  FormatTime(version.changed_us()), std::to_string(version.data_keys())});
  }
  return AlignedLines({{"keyring", keyring.name()},
                       {"uuid", keyring.uuid()},
                       {"purpose", std::string(PurposeName(keyring.purpose()))},
                       {"created", FormatTime(keyring.created_us())}}) +
         "\n" + versions.ToText();
}

Outcome<int> PrintKeyring(const Session& session, client::RpcResult<v1::Keyring> keyring) {
  if (!keyring.ok()) return keyring.error();
  COFFER_TRY(session.json() ? PrintJson(KeyringJson(*keyring)) : Print(KeyringText(*keyring)));
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
  command.add_option("name", options->name, "The keyring")
      ->type_name("NAME")
      ->required()
      ->check(Checked([](const std::string& text) {
        return IsSlug(text) ? "" : "must be a name of a-z, 0-9 and -, up to 63 characters";
      }));
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
  CLI::App& group = tree.AddGroup("keyring", "Keys: create, rotate, disable");
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
  AddKeyringCommand(
      tree, group, "show", "One keyring with its versions", "  coffer keyring show shop", options(),
      [](Client& client, const KeyringOptions& of) { return client.GetKeyring(Named<v1::GetKeyringRequest>(of)); });

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
}

}  // namespace coffer::cli
