#include "cli/secret_input.h"

#include <unistd.h>

#include "crypto/argon2.h"
#include "crypto/secret_equality.h"
#include "io/file.h"
#include "io/terminal.h"

namespace coffer::cli {

Outcome<SecretBytes> ReadValue(const std::string& file, std::string_view prompt, std::size_t max_bytes) {
  if (file == kStandardInput || (file.empty() && !IsTerminal(STDIN_FILENO))) {
    return ReadSecretFromFd(STDIN_FILENO, max_bytes);
  }
  if (file.empty()) return PromptSecret(prompt);
  // Other people's files are read as their modes are: what they hold becomes a secret only here.
  COFFER_ASSIGN_OR_RETURN(Bytes bytes, ReadFile(file, max_bytes));
  SecretBytes value = SecretBytes::CopyOf(bytes);
  Wipe(bytes);
  return value;
}

Outcome<SecretBytes> ReadPassphrase(const std::string& file, bool confirm) {
  constexpr std::size_t kNewline = 2;
  if (file == kStandardInput) {
    COFFER_ASSIGN_OR_RETURN(SecretBytes text, ReadSecretFromFd(STDIN_FILENO, kMaxPassphrase + kNewline));
    return WithoutFinalNewline(std::move(text));
  }
  if (!file.empty()) {
    COFFER_ASSIGN_OR_RETURN(SecretBytes text, ReadSecretFile(file, kMaxPassphrase + kNewline));
    return WithoutFinalNewline(std::move(text));
  }
  COFFER_ASSIGN_OR_RETURN(SecretBytes first, PromptSecret("Passphrase: "));
  if (!confirm) return first;
  COFFER_ASSIGN_OR_RETURN(const SecretBytes second, PromptSecret("The same again: "));
  if (!EqualConstantTime(first, second)) {
    return UsageFailure("the two passphrases are not the same");
  }
  return first;
}

void AppendSecret(const SecretBytes& secret, std::string& field) {
  field += AsText(secret.Expose(SecretAccess::kReply));
}

}  // namespace coffer::cli
