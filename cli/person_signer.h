// A person's signing key as an option: the file, and where its passphrase comes from.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "cli/outcome.h"
#include "crypto/note_key.h"

namespace coffer::cli {

struct SignerOptions {
  std::string key_file;
  std::string passphrase_file;
};

// --key and --passphrase-file.
void AddSignerOptions(CLI::App& command, SignerOptions& options);

// Opens the key; asks for its passphrase when it has one and no file says it.
Outcome<NoteSigner> OpenSigner(const SignerOptions& options);

}  // namespace coffer::cli
