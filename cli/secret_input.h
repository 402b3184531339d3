// Secrets that a command takes: from a file, from standard input or from a hidden prompt; never from its arguments.
#pragma once

#include <string>

#include "cli/outcome.h"
#include "crypto/secret_bytes.h"

namespace coffer::cli {

// The bytes as they are. `file`: a path, "-" for standard input, or empty for a prompt where standard input is a
// terminal and standard input where it is none. More than `max_bytes` is a usage failure. What was typed at the prompt
// comes without its newline.
Outcome<SecretBytes> ReadValue(const std::string& file, std::string_view prompt, std::size_t max_bytes);

// A passphrase from a file ("-": standard input) without its final newline, or, when `file` is empty, from the
// terminal; asked twice when `confirm`. More than kMaxPassphrase bytes are a usage failure.
Outcome<SecretBytes> ReadPassphrase(const std::string& file, bool confirm);

// Into a field of a request, which is wiped after the call (client/wipe_message.h).
void AppendSecret(const SecretBytes& secret, std::string& field);

}  // namespace coffer::cli
