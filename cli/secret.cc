// coffer secret: the vault, by path.
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/field_values.h"
#include "cli/pages.h"
#include "cli/printing.h"
#include "cli/secret_input.h"
#include "cli/secret_options.h"
#include "cli/times.h"
#include "client/wipe_message.h"
#include "crypto/base64.h"
#include "io/clock.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kMaxSecret = std::size_t{1} << 20;
constexpr std::string_view kNewlineKept =
    "coffer: note: the value ends with a newline, which was kept; without it: --strip-newline, or printf %s\n";
constexpr std::uint64_t kMaxVersion = 0x7fff'ffff'ffff'ffff;

struct PutOptions : SecretOptions {
  std::string file;
  bool strip_newline = false;
  std::optional<std::uint64_t> expected;
  std::string expires;
  std::vector<std::string> metadata;
  bool clear_metadata = false;
};

struct GetOptions : SecretOptions {
  std::uint64_t version = 0;
};

std::string_view StateName(v1::SecretVersionState state) {
  switch (state) {
    case v1::SECRET_VERSION_STATE_LIVE:
      return "live";
    case v1::SECRET_VERSION_STATE_DELETED:
      return "deleted";
    case v1::SECRET_VERSION_STATE_DESTROYED:
      return "destroyed";
    default:
      return "unknown";
  }
}

Json VersionJson(const v1::SecretVersion& version) {
  Json json = {{"version", version.version()},
               {"state", StateName(version.state())},
               {"created_at", FormatTime(version.created_us(), true)},
               {"expires_at", nullptr},
               {"created_by", version.created_by()},
               {"key_version", version.key_version()}};
  if (version.expires_us() != 0) json["expires_at"] = FormatTime(version.expires_us(), true);
  return json;
}

Json MetadataJson(const google::protobuf::RepeatedPtrField<v1::Metadata>& metadata) {
  Json json = Json::object();
  for (const v1::Metadata& pair : metadata) json[pair.key()] = pair.value();
  return json;
}

Outcome<void> SetMetadata(const PutOptions& options, v1::PutSecretRequest& request) {
  request.set_set_metadata(options.clear_metadata || !options.metadata.empty());
  for (const std::string& text : options.metadata) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == text.npos) return UsageFailure("--meta takes KEY=VALUE");
    v1::Metadata* const pair = request.add_metadata();
    pair->set_key(text.substr(0, equals));
    pair->set_value(text.substr(equals + 1));
  }
  return {};
}

Outcome<v1::PutSecretRequest> PutRequest(const PutOptions& options) {
  v1::PutSecretRequest request;
  request.set_tenant(options.tenant);
  request.set_path(options.path);
  if (options.expected) request.set_expected_version(*options.expected);
  COFFER_TRY(SetMetadata(options, request));
  if (!options.expires.empty()) {
    auto expiry = ParseExpiry(options.expires, SystemClock().UnixMicros());
    if (!expiry.ok()) return Failure(std::move(expiry).error().At("--expires"));
    request.set_expires_us(*expiry);
  }
  return request;
}

// One line with a newline is what `echo` and editors write, and seldom what a password is. A text of several lines
// (PEM) ends with one on purpose.
bool LooksLikeEchoed(std::string_view value) { return value.find('\n') + 1 == value.size() && !value.empty(); }

Outcome<int> Put(Session& session, const PutOptions& options) {
  COFFER_ASSIGN_OR_RETURN(auto request, PutRequest(options));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  COFFER_ASSIGN_OR_RETURN(SecretBytes value, ReadValue(options.file, "Value: ", kMaxSecret));
  if (options.strip_newline) value = WithoutFinalNewline(std::move(value));
  request.set_value(std::string(AsText(value.Expose(SecretAccess::kReply))));
  const bool note = LooksLikeEchoed(request.value());
  const auto answer = client->PutSecret(request);
  client::WipeMessageField(*request.mutable_value());
  if (!answer.ok()) return answer.error();
  if (session.json()) {
    Json json = {{"path", options.path}};
    json.update(VersionJson(*answer));
    COFFER_TRY(PrintJson(json));
  } else {
    COFFER_TRY(Print(options.path + " version " + std::to_string(answer->version()) + "\n"));
  }
  // The secret is stored: a standard error that is gone changes nothing.
  if (note) static_cast<void>(WriteAll(STDERR_FILENO, AsBytes(kNewlineKept)));
  return kExitOk;
}

Outcome<int> Get(Session& session, const GetOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  v1::GetSecretRequest request;
  request.set_tenant(options.tenant);
  request.set_path(options.path);
  request.set_version(options.version);
  COFFER_ASSIGN_OR_RETURN(auto answer, client->GetSecret(request));
  Outcome<void> printed;
  if (session.json()) {
    Json json = {{"path", options.path}, {"value_base64", ToBase64(AsBytes(answer.value()))}};
    json.update(VersionJson(answer.version()));
    json["metadata"] = MetadataJson(answer.metadata());
    printed = PrintJson(json);
  } else {
    printed = Print(answer.value());
    // On a terminal the prompt would stick to the value; elsewhere the bytes are the value's and nothing else.
    if (printed.ok() && IsTerminal(STDOUT_FILENO) && !answer.value().ends_with('\n')) printed = Print("\n");
  }
  client::WipeMessageField(*answer.mutable_value());
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

Outcome<int> List(Session& session, const SecretOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  v1::ListSecretsRequest request;
  request.set_tenant(options.tenant);
  request.set_prefix(options.path);
  Json list = Json::array();
  Table table({"PATH", "VERSION", "CREATED", "UPDATED"});
  const auto take = [&list, &table](const v1::ListSecretsResponse& page) {
    for (const v1::SecretEntry& entry : page.secrets()) {
      list.push_back({{"path", entry.path()},
                      {"current_version", entry.current_version()},
                      {"created_at", FormatTime(entry.created_us(), true)},
                      {"updated_at", FormatTime(entry.updated_us(), true)}});
      table.Add({entry.path(), std::to_string(entry.current_version()), FormatTime(entry.created_us()),
                 FormatTime(entry.updated_us())});
    }
  };
  COFFER_TRY(ForEachPage(*client, &client::Client::ListSecrets, std::move(request), take));
  COFFER_TRY(session.json() ? PrintJson({{"secrets", list}}) : Print(table.ToText()));
  return kExitOk;
}

std::string HistoryText(const Table& versions, const Json& metadata) {
  std::string text = versions.ToText();
  for (const auto& [key, value] : metadata.items()) text += key + "=" + value.get<std::string>() + "\n";
  return text;
}

Outcome<int> History(Session& session, const SecretOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  v1::GetSecretHistoryRequest request;
  request.set_tenant(options.tenant);
  request.set_path(options.path);
  Json list = Json::array();
  Json metadata = Json::object();
  Table table({"VERSION", "STATE", "CREATED", "EXPIRES", "BY", "KEY VERSION"});
  const auto take = [&list, &metadata, &table](const v1::GetSecretHistoryResponse& page) {
    for (const v1::SecretVersion& version : page.versions()) {
      list.push_back(VersionJson(version));
      table.Add({std::to_string(version.version()), std::string(StateName(version.state())),
                 FormatTime(version.created_us()),
                 version.expires_us() == 0 ? "never" : FormatTime(version.expires_us()), version.created_by(),
                 std::to_string(version.key_version())});
    }
    metadata = MetadataJson(page.metadata());
  };
  COFFER_TRY(ForEachPage(*client, &client::Client::GetSecretHistory, std::move(request), take));
  if (session.json()) {
    COFFER_TRY(PrintJson({{"path", options.path}, {"versions", list}, {"metadata", metadata}}));
  } else {
    COFFER_TRY(Print(HistoryText(table, metadata)));
  }
  return kExitOk;
}

void AddPut(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<PutOptions>();
  CLI::App& put =
      tree.AddCommand(group, "put", "Add a version; the value comes from standard input, a file or a hidden prompt",
                      "  coffer secret put grafana/1/prod-db/password\n"
                      "  printf %s \"$NEW\" | coffer secret put app/token --expect 0 --expires 30d\n"
                      "  coffer secret put app/tls-key --file key.pem --meta owner=web",
                      [options](Session& session) { return Put(session, *options); });
  AddSecretOptions(put, *options);
  put.add_option("--file", options->file, "Read the value from a file, - for standard input")->type_name("FILE");
  put.add_flag("--strip-newline", options->strip_newline,
               "Take one newline off the value's end; a line that keeps its newline gets a note");
  put.add_option("--expect", options->expected, "Only while this is the current version; 0: while there is none")
      ->type_name("VERSION")
      ->check(NumberBetween(0, kMaxVersion));
  put.add_option("--expires", options->expires, "When it stops being readable: 2027-01-31T00:00:00Z, or in 30d")
      ->type_name("TIME");
  CLI::Option* const meta =
      put.add_option("--meta", options->metadata, "Metadata, stored and listed in clear; replaces what is there")
          ->type_name("KEY=VALUE");
  meta->allow_extra_args(false);
  put.add_flag("--clear-meta", options->clear_metadata, "Remove the metadata")->excludes(meta);
}

}  // namespace

void AddSecretCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("secret", "The vault: put, get, list, delete, destroy");
  AddPut(tree, group);

  auto get_options = std::make_shared<GetOptions>();
  CLI::App& get = tree.AddCommand(group, "get", "Print a value as it is",
                                  "  coffer secret get app/tls-key > key.pem\n"
                                  "  coffer secret get app/token --version 3\n"
                                  "  coffer secret get app/token --output json | jq -r .value_base64 | base64 -d",
                                  [get_options](Session& session) { return Get(session, *get_options); });
  AddSecretOptions(get, *get_options);
  get.add_option("--version", get_options->version, "Which one; the current one unless told")
      ->type_name("VERSION")
      ->check(NumberBetween(1, kMaxVersion));

  auto list_options = std::make_shared<SecretOptions>();
  CLI::App& list = tree.AddCommand(group, "list", "Paths, without values", "  coffer secret list grafana/1/",
                                   [list_options](Session& session) { return List(session, *list_options); });
  list.add_option("prefix", list_options->path, "What the paths begin with")->type_name("PREFIX");
  AddTenantOption(list, *list_options);

  auto history_options = std::make_shared<SecretOptions>();
  CLI::App& history = tree.AddCommand(
      group, "history", "A secret's versions, newest first, without values", "  coffer secret history app/token",
      [history_options](Session& session) { return History(session, *history_options); });
  AddSecretOptions(history, *history_options);
  AddSecretVersionCommands(tree, group);
}

}  // namespace coffer::cli
