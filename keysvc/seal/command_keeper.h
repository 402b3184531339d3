// CommandKeeper: slot keys encrypted by a program of the operator's, which asks a cloud's key service or whatever else
// keeps keys (deploy/seal-command.example).
//
//   <argv> encrypt    stdin: the slot key, 32 raw bytes    stdout: what is kept, 1 byte to 64 KiB
//   <argv> decrypt    stdin: what was kept                 stdout: the 32 bytes again
//
// Exit 0: done. 1: refused for good, the next slot is tried. Anything else: an outage. COFFER_SEAL_SLOT is the slot's
// id in decimal, for the program to bind what it encrypts to; we cannot. Standard error is dropped, because programs
// like to print there what they were given.
#pragma once

#include <string>
#include <vector>

#include "keysvc/service/seal_slots.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxCommandWords = 32;
inline constexpr std::uint32_t kMaxCommandSeconds = 600;

// From the configuration, never from the store.
struct CommandOptions {
  std::vector<std::string> argv;       // 1 to kMaxCommandWords; the first absolute. No shell reads it
  std::uint32_t timeout_seconds = 30;  // 1 to kMaxCommandSeconds
};

// Thread-safe, without a lock: runs may overlap.
class CommandKeeper final : public SlotKeeper {
 public:
  explicit CommandKeeper(CommandOptions options) : options_(std::move(options)) {}

  // `pin` must be empty. kPermissionDenied: the command refuses. kUnavailable: it fails, or is killed at its deadline.
  // kInvalidArgument: a wrong option, a program that cannot be run, or output that is empty, too long, or holds the
  // key as it was given.
  Result<SlotParams> Encrypt(KeyId slot, const SecretBytes& key, const SecretBytes& pin) override;
  // Likewise; kInvalidArgument also when the output has not exactly 32 bytes.
  Result<SecretBytes> Decrypt(KeyId slot, const SlotParams& params, const SecretBytes& pin) override;

 private:
  Result<SecretBytes> Run(const std::string& verb, KeyId slot, const SecretBytes& input, std::size_t max_output) const;

  const CommandOptions options_;
};

}  // namespace coffer::keysvc
