#include "cli/recovery.h"

#include <chrono>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/secret_input.h"
#include "cli/times.h"
#include "crypto/age_file.h"
#include "io/file.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr const char* kIdentityOption = "--recovery-identity";
constexpr mode_t kSecretMode = 0600;

Result<SecretBytes> ReadIdentityText(const std::string& path) {
  if (path == kStandardInput) return ReadSecretFromFd(STDIN_FILENO, kMaxAgeIdentityFile);
  return ReadSecretFile(path, kMaxAgeIdentityFile);
}

// The error names the file.
Failure OptionFailure(std::string_view option, const Error& error) {
  return Failure(kExitFailed, std::string(option) + ": " + error.ToString());
}

std::int64_t UnixMicros() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

CLI::Option* AddRecoveryOptions(CLI::App& command, RecoveryOptions& options) {
  CLI::Option* const identity = command
                                    .add_option(kIdentityOption, options.identity_file,
                                                "Identity file of a recovery slot, read here; - is standard input")
                                    ->type_name("FILE");
  command
      .add_option("--recovery-recipient", options.recipients,
                  "\"age1...\", once for each; the identity file's own unless told. One of them has to be the file's")
      ->type_name("RECIPIENT")
      ->allow_extra_args(false)
      ->needs(identity)
      ->check(Checked([](const std::string& text) {
        return AgeRecipient::Parse(text).ok() ? "" : "must be an age recipient: age1 and 58 characters";
      }));
  return identity;
}

Outcome<IdentityFile> ReadIdentityFile(const std::string& path) {
  IdentityFile file;
  Result<SecretBytes> text = ReadIdentityText(path);
  if (!text.ok()) return OptionFailure(kIdentityOption, text.error());
  file.text = std::move(text).value();
  Result<std::vector<AgeIdentity>> identities = ParseAgeIdentities(file.text);
  if (!identities.ok()) return FileFailure(kIdentityOption, path, identities.error());
  file.identities = std::move(identities).value();
  return file;
}

Outcome<void> ProveRecovery(client::Client& client, const RecoveryOptions& options, v1::NewRecovery& recovery) {
  COFFER_ASSIGN_OR_RETURN(const IdentityFile file, ReadIdentityFile(options.identity_file));
  v1::StartRecoveryRequest request;
  for (const std::string& recipient : options.recipients) request.add_recipients(recipient);
  if (options.recipients.empty()) {
    for (const AgeIdentity& identity : file.identities) request.add_recipients(identity.Recipient().ToText());
  }
  COFFER_ASSIGN_OR_RETURN(const auto answer, client.StartRecovery(request));
  const Result<SecretBytes> proof = AgeDecrypt(file.identities, AsBytes(answer.challenge()));
  if (!proof.ok()) {
    return Failure(kExitFailed, "--recovery-identity does not open what is encrypted to these recipients",
                   "name the identity file of one of them");
  }
  *recovery.mutable_recipients() = request.recipients();
  AppendSecret(*proof, *recovery.mutable_proof());
  return {};
}

Outcome<std::string> MakeIdentityFile(const std::string& path) {
  const AgeIdentity identity = AgeIdentity::Generate();
  std::string recipient = identity.Recipient().ToText();
  std::string text = "# created: " + FormatTime(UnixMicros()) + "\n# public key: " + recipient + "\n";
  AppendSecret(identity.ToText(), text);
  text += '\n';
  const Status made = CreateFileDurably(path, SecretBytes::Absorb(std::move(text)), kSecretMode);
  if (!made.ok()) return OptionFailure("--out", made.error());
  return recipient;
}

}  // namespace coffer::cli
