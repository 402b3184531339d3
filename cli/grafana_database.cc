#include "cli/grafana_database.h"

#include "cli/secret_input.h"
#include "io/terminal.h"
#include "plugins/grafana/rotation/vault_rotation.h"
#include "plugins/grafana/secret_key.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kMaxKeyFile = 1'026;  // a key's limit and a line end

bool HoldsPassword(std::string_view database) {
  const std::size_t scheme = database.find("://");
  const std::size_t at = database.rfind('@');
  if (database.find("password=") != std::string_view::npos) return true;
  if (scheme == std::string_view::npos || at == std::string_view::npos) return false;
  const std::size_t colon = database.find(':', scheme + 1);
  return colon != std::string_view::npos && colon < at;
}

}  // namespace

Outcome<void> CheckDatabaseName(std::string_view database) {
  if (!HoldsPassword(database)) return {};
  return Failure(kExitUsage, "database: a password does not belong on the command line",
                 "leave it out, and put it into PGPASSWORD, ~/.pgpass (PGPASSFILE) or a service file (?service=NAME)");
}

Outcome<std::optional<SecretBytes>> ReadGrafanaKey(std::string_view option, const std::string& file) {
  if (file.empty()) return std::optional<SecretBytes>();
  auto key = ReadValue(file, {}, kMaxKeyFile);
  if (!key.ok()) return Failure(key.error().exit_code, std::string(option) + ": " + key.error().sentence);
  SecretBytes line = WithoutFinalNewline(std::move(key).value());
  if (line.empty()) return UsageFailure(std::string(option) + ": there is no key in the file");
  return std::optional(std::move(line));
}

Outcome<SecretBytes> GrafanaSecretKey(const std::string& file, GrafanaVault& vault) {
  COFFER_ASSIGN_OR_RETURN(std::optional<SecretBytes> given, ReadGrafanaKey("--secret-key-file", file));
  if (given) return std::move(*given);
  const Status settled = grafana::CheckNoRotationPending(vault, grafana::GrafanaKey::kSecurity);
  if (!settled.ok()) return vault.FailureOf(settled.error());
  auto key = grafana::FetchSecretKey(vault, grafana::GrafanaKey::kSecurity, false);
  if (key.ok()) return std::move(key).value();
  Failure failure = vault.FailureOf(key.error());
  if (key.error().code() == ErrorCode::kNotFound) {
    failure.next_step =
        "name a file with [security] secret_key of this Grafana with --secret-key-file, or put it into the vault:\n"
        "  coffer grafana secret-key import\n"
        "where it is Grafana's public default, this database gets another one first: coffer grafana rotate-secret-key";
  }
  return failure;
}

Failure DatabaseFailure(const Error& error) {
  return Failure(error.path().empty() ? Error(error).At("database") : error);
}

Failure WritingFailure(const Error& error) {
  Failure failure = DatabaseFailure(error);
  if (error.code() == ErrorCode::kUnavailable) {
    failure.next_step = "stop Grafana, and whatever else writes to this database, then say the same again";
  }
  if (error.code() == ErrorCode::kAlreadyExists) {
    failure.next_step = "a backup from before is never overwritten: name another file with --backup, and keep both";
  }
  return failure;
}

}  // namespace coffer::cli
