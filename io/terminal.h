// The terminal and secrets that people type or pipe in.
#pragma once

#include <cstddef>
#include <string_view>

#include "crypto/secret_bytes.h"

namespace coffer {

bool IsTerminal(int fd);

// Columns of the terminal at `fd`; 80 when it is none or does not say.
std::size_t TerminalWidth(int fd);

// Asks on the process's own terminal (/dev/tty), echo off, whatever standard input is; one line, its end taken off, at
// most 1,024 bytes (longer: kInvalidArgument). kFailedPrecondition: there is no terminal. kUnavailable: end of file
// (Ctrl-D), or a signal. SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGTSTP restore the terminal before they take effect; for
// that no other thread may take them, as in a command line. `prompt` is shown as it is.
Result<SecretBytes> PromptSecret(std::string_view prompt);
// The same on an open terminal.
Result<SecretBytes> PromptSecretOn(int terminal_fd, std::string_view prompt);

// All that comes from `fd` until its end, straight into memory that is wiped; more than `max_bytes` is
// kInvalidArgument.
Result<SecretBytes> ReadSecretFromFd(int fd, std::size_t max_bytes);

// Takes one "\n" or "\r\n" off the end, where one is: what `echo` and editors add.
SecretBytes WithoutFinalNewline(SecretBytes secret);

}  // namespace coffer
