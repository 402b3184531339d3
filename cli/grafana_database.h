// What the commands on a Grafana's database take: its name and Grafana's keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/grafana_vault.h"
#include "cli/outcome.h"
#include "crypto/secret_bytes.h"

namespace coffer::cli {

// Refuses a password in a URL or in libpq's "key=value" text: who has the process list has it too.
Outcome<void> CheckDatabaseName(std::string_view database);

// A key of Grafana's, a line of a file or of standard input ("-"); nothing for no file. `option` is for failures.
Outcome<std::optional<SecretBytes>> ReadGrafanaKey(std::string_view option, const std::string& file);

// Grafana's [security] secret_key, of --secret-key-file `file` or, when that is empty, the vault's. Not the vault's
// while a rotation is pending: then only the database knows which one it has.
Outcome<SecretBytes> GrafanaSecretKey(const std::string& file, GrafanaVault& vault);

// Where nothing else says so, the error is about the database.
Failure DatabaseFailure(const Error& error);
// The same, of a database that is to be changed.
Failure WritingFailure(const Error& error);

}  // namespace coffer::cli
