// One run of the seal command: secrets through pipes, within a deadline, with nothing of our environment.
#pragma once

#include <string>
#include <vector>

#include "crypto/ids.h"
#include "crypto/secret_bytes.h"

namespace coffer::keysvc::internal {

struct CommandRun {
  std::vector<std::string> argv;  // argv[0] absolute
  KeyId slot;
  std::int64_t timeout_micros = 0;
  std::size_t max_output = 0;  // bytes
};

// What the command writes to its standard output, of at most max_output bytes, when it exits with 0. It gets `input`
// as its standard input, then end of file (it need not read it); PATH=/usr/bin:/bin and COFFER_SEAL_SLOT=<slot id> as
// its environment; /dev/null as its standard error.
//
// kPermissionDenied: it exited with 1. kInvalidArgument: it cannot be started, or wrote more than max_output.
// kUnavailable: any other exit, a signal, the deadline, or no resources. It does not run on after this returns, but
// what it started itself may: it has lost its pipes then.
Result<SecretBytes> RunSealCommand(const CommandRun& run, const SecretBytes& input);

}  // namespace coffer::keysvc::internal
