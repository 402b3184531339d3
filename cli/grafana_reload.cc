#include "cli/grafana_reload.h"

#include <algorithm>
#include <array>
#include <poll.h>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "io/file.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

// Of one call, which is made again anyway.
constexpr std::chrono::seconds kVaultPatience{5};
constexpr std::int64_t kLongestEvery = 86'400 * kMicrosPerSecond;
constexpr std::uint64_t kMaxAuthorities = 1024 * 1024;
constexpr std::size_t kMaxLogin = 4'098;  // a login's limit and a newline
constexpr std::string_view kDefaultUser = "admin";

std::string CheckEvery(const std::string& text) {
  const auto every = ParseDuration(text);
  return every.ok() && *every <= kLongestEvery ? "" : "must be a duration from 1s to 1d";
}

std::string CheckPath(const std::string& text) { return SecretPath::Parse(text).ok() ? "" : "must be a secret's path"; }

std::string CheckUser(const std::string& text) {
  const bool fine =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
  return fine ? "" : "must be a login name of visible ASCII without ':'";
}

std::string CheckServer(const std::string& text) {
  const Status fine = grafana::CheckGrafanaUrl(text);
  return fine.ok() ? "" : fine.error().ToString();
}

bool TakesToken(const ReloadOptions& options) { return !options.token_file.empty() || !options.token_secret.empty(); }

Result<SecretBytes> ReadLogin(const ReloadOptions& options, grafana::VaultPort& vault) {
  const std::string& file = options.password_file.empty() ? options.token_file : options.password_file;
  if (!file.empty()) return ReadSecretFile(file, kMaxLogin, SecretFileReaders::kGroupToo);
  const std::string& path = options.password_secret.empty() ? options.token_secret : options.password_secret;
  COFFER_ASSIGN_OR_RETURN(SecretPath parsed, SecretPath::Parse(path));
  auto stored = vault.Get(SecretReference{std::move(parsed), std::nullopt});
  if (!stored.ok()) return Error(std::move(stored).error()).At(path);
  return std::move(stored->value);
}

grafana::AdminApiOptions ApiOptions(const ReloadOptions& options, grafana::VaultPort& vault) {
  grafana::AdminApiOptions api;
  api.url = options.url;
  if (!TakesToken(options)) api.user = options.user.empty() ? kDefaultUser : options.user;
  api.secret = [&options, &vault] { return ReadLogin(options, vault); };
  api.ca_file = options.ca;
  return api;
}

// In one piece, between Grafana's own lines. A log that nobody reads holds up no end of Grafana: the line is lost.
void Say(const std::string& line) {
  constexpr int kPatienceMs = 1'000;
  pollfd log{STDERR_FILENO, POLLOUT, 0};
  if (poll(&log, 1, kPatienceMs) != 1) return;
  static_cast<void>(WriteAll(STDERR_FILENO, AsBytes("coffer: " + line + "\n")));
}

}  // namespace

void AddReloadOptions(CLI::App& command, ReloadOptions& options) {
  CLI::Option* const url =
      command.add_option("--grafana-url", options.url,
                         "Where the started Grafana answers: it is reloaded when a secret has a new version");
  url->type_name("URL")->check(Checked(CheckServer));
  command.add_option("--reload-every", options.every, "How often the vault is asked for new versions (30s)")
      ->type_name("DURATION")
      ->check(Checked(CheckEvery))
      ->needs(url);
  CLI::Option* const user =
      command.add_option("--grafana-user", options.user, "A server administrator of Grafana (admin)");
  user->type_name("NAME")->check(Checked(CheckUser))->needs(url);
  command.add_option("--grafana-password-file", options.password_file, "The password's file, read at each reload")
      ->type_name("FILE")
      ->needs(url);
  command
      .add_option("--grafana-password-secret", options.password_secret, "The password's path in the vault, likewise")
      ->type_name("PATH")
      ->check(Checked(CheckPath))
      ->needs(url);
  command
      .add_option("--grafana-token-file", options.token_file,
                  "In place of a password: the file of a token that has provisioning:reload")
      ->type_name("FILE")
      ->needs(url)
      ->excludes(user);
  command.add_option("--grafana-token-secret", options.token_secret, "The token's path in the vault")
      ->type_name("PATH")
      ->check(Checked(CheckPath))
      ->needs(url)
      ->excludes(user);
  command.add_option("--grafana-ca", options.ca, "Who signs Grafana's certificate (PEM); the system's unless told")
      ->type_name("FILE")
      ->needs(url);
}

Outcome<void> CheckReloadOptions(const ReloadOptions& options) {
  if (options.url.empty()) return {};
  const std::array<const std::string*, 4> logins = {&options.password_file, &options.password_secret,
                                                    &options.token_file, &options.token_secret};
  if (std::count_if(logins.begin(), logins.end(), [](const std::string* login) { return !login->empty(); }) == 1) {
    return {};
  }
  return UsageFailure(
      "--grafana-url takes one login: --grafana-password-file, --grafana-password-secret, --grafana-token-file or "
      "--grafana-token-secret");
}

GrafanaReload::GrafanaReload(std::unique_ptr<client::Client> client, const ReloadOptions& options,
                             const std::string& tenant)
    : client_(std::move(client)), options_(options), vault_(*client_, tenant), api_(ApiOptions(options_, vault_)) {}

Outcome<std::unique_ptr<GrafanaReload>> GrafanaReload::Create(const Session& session, const client::Client& client,
                                                              const ReloadOptions& options, const std::string& tenant) {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<client::Client> calls, client.ForCalls(session.claims(), kVaultPatience));
  return std::make_unique<GrafanaReload>(std::move(calls), options, tenant);
}

Outcome<void> GrafanaReload::Join(grafana::PreparedRun& run) {
  if (!options_.ca.empty()) {
    const auto authorities = ReadFile(options_.ca, kMaxAuthorities);
    if (!authorities.ok()) return Failure(kExitFailed, "--grafana-ca: " + authorities.error().ToString());
  }
  const Status login = api_.CheckLogin();
  if (!login.ok()) return vault_.FailureOf(login.error());
  COFFER_ASSIGN_OR_RETURN(const std::int64_t every, ParseDuration(options_.every));
  const grafana::ReloadPorts ports{vault_, vault_, api_, clock_, Say, [this] { client_->CancelCalls(); }};
  const Status joined = run.ReloadWith(ports, std::chrono::microseconds(every));
  if (!joined.ok()) return vault_.FailureOf(joined.error());
  return {};
}

}  // namespace coffer::cli
