#include "keysvc/seal/command_keeper.h"

#include <algorithm>

#include "keysvc/seal/internal/command_run.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kSecond = 1'000'000;  // microseconds

Error Bad(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

Status CheckOptions(const CommandOptions& options) {
  if (options.argv.empty() || options.argv.size() > kMaxCommandWords) {
    return Bad("must have 1 to 32 words").At("seal_command.argv").WithLimit(kMaxCommandWords);
  }
  if (options.argv.front().empty() || options.argv.front().front() != '/') {
    return Bad("must begin with an absolute path").At("seal_command.argv");
  }
  if (options.timeout_seconds == 0 || options.timeout_seconds > kMaxCommandSeconds) {
    return Bad("must be 1 to 600").At("seal_command.timeout_seconds").WithLimit(kMaxCommandSeconds);
  }
  return {};
}

Status CheckNoPin(const SecretBytes& pin) {
  if (!pin.empty()) return Bad("is not for a seal command").At("pin");
  return {};
}

bool Holds(ByteView text, ByteView part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end()) != text.end();
}

}  // namespace

Result<SecretBytes> CommandKeeper::Run(const std::string& verb, KeyId slot, const SecretBytes& input,
                                       std::size_t max_output) const {
  COFFER_TRY(CheckOptions(options_));
  internal::CommandRun run{.argv = options_.argv,
                           .slot = slot,
                           .timeout_micros = options_.timeout_seconds * kSecond,
                           .max_output = max_output};
  run.argv.push_back(verb);
  return internal::RunSealCommand(run, input);
}

Result<SlotParams> CommandKeeper::Encrypt(KeyId slot, const SecretBytes& key, const SecretBytes& pin) {
  COFFER_TRY(CheckNoPin(pin));
  if (key.size() != kKeySize) return Bad("a slot key has 32 bytes").At("key");
  COFFER_ASSIGN_OR_RETURN(const SecretBytes output, Run("encrypt", slot, key, kMaxSlotBlob));
  if (output.empty()) return Bad("wrote nothing").At("seal_command");
  const ByteView encrypted = output.Expose(SecretAccess::kCipher);
  // A wrapper that forgot to encrypt would otherwise put the key into the store.
  if (Holds(encrypted, key.Expose(SecretAccess::kCipher))) {
    return Bad("gives the key back as it was given").At("seal_command");
  }
  return SlotParams(CommandSlot{.encrypted = CopyOf(encrypted)});
}

Result<SecretBytes> CommandKeeper::Decrypt(KeyId slot, const SlotParams& params, const SecretBytes& pin) {
  COFFER_TRY(CheckNoPin(pin));
  const auto* kept = std::get_if<CommandSlot>(&params);
  if (kept == nullptr || kept->encrypted.empty() || kept->encrypted.size() > kMaxSlotBlob) {
    return Bad("is not a slot of a seal command").At("slot");
  }
  COFFER_ASSIGN_OR_RETURN(SecretBytes key, Run("decrypt", slot, SecretBytes::CopyOf(kept->encrypted), kKeySize));
  if (key.size() != kKeySize) return Bad("wrote other than the 32 bytes of a key").At("seal_command");
  return key;
}

}  // namespace coffer::keysvc
