#include "cli/person_signer.h"

#include "cli/secret_input.h"
#include "crypto/person_key.h"
#include "io/file.h"

namespace coffer::cli {

void AddSignerOptions(CLI::App& command, SignerOptions& options) {
  command.add_option("--key", options.key_file, "Your signing key (coffer identity new)")
      ->type_name("FILE")
      ->required()
      ->envname("COFFER_KEY");
  command
      .add_option("--passphrase-file", options.passphrase_file, "Takes its passphrase from there (-: standard input)")
      ->type_name("FILE");
}

Outcome<NoteSigner> OpenSigner(const SignerOptions& options) {
  const Result<SecretBytes> file = ReadSecretFile(options.key_file, kMaxPersonKeyFile);
  if (!file.ok()) return FileFailure("--key", options.key_file, file.error());
  SecretBytes passphrase;
  if (IsEncryptedPersonKey(*file)) {
    COFFER_ASSIGN_OR_RETURN(passphrase, ReadPassphrase(options.passphrase_file, false));
  }
  Result<NoteSigner> signer = ReadPersonKey(*file, passphrase);
  if (!signer.ok()) return FileFailure("--key", options.key_file, signer.error());
  return std::move(signer).value();
}

}  // namespace coffer::cli
