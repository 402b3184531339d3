// The recovery identity: an age identity file of the operator, off the service's host in the best of cases. The service
// learns who the recipients are, and that an identity of theirs is at hand.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/outcome.h"
#include "client/client.h"
#include "crypto/age_keys.h"

namespace coffer::cli {

struct RecoveryOptions {
  std::string identity_file;            // "-": standard input
  std::vector<std::string> recipients;  // empty: those of the identity file

  bool wanted() const { return !identity_file.empty(); }
};

// --recovery-identity and --recovery-recipient. Gives the first.
CLI::Option* AddRecoveryOptions(CLI::App& command, RecoveryOptions& options);

struct IdentityFile {
  SecretBytes text;  // as it was read
  std::vector<AgeIdentity> identities;
};
// Fails, with the file and the line, for what is no identity file, or one that others may read.
Outcome<IdentityFile> ReadIdentityFile(const std::string& path);

// Has the service encrypt a challenge for the recipients, opens it here, and puts recipients and answer into
// `recovery`. Fails when no identity of the file is of the recipients.
Outcome<void> ProveRecovery(client::Client& client, const RecoveryOptions& options, v1::NewRecovery& recovery);

// Makes an identity file like age-keygen's, of mode 0600, which must not exist. Gives the recipient's text.
Outcome<std::string> MakeIdentityFile(const std::string& path);

}  // namespace coffer::cli
