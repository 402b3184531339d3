// The options that the commands on one secret share.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace coffer::cli {

struct SecretOptions {
  std::string path;
  std::string tenant;
};

void AddTenantOption(CLI::App& command, SecretOptions& options);
// The path, checked, and the tenant.
void AddSecretOptions(CLI::App& command, SecretOptions& options);

}  // namespace coffer::cli
