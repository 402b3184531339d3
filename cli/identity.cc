// coffer identity: the signing keys of persons, who sign policies and approve what others ask for.
#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/secret_input.h"
#include "crypto/names.h"
#include "crypto/person_key.h"
#include "io/file.h"

namespace coffer::cli {
namespace {

struct IdentityArguments {
  std::string name;
  std::string key_file;
  std::string passphrase_file;
  bool no_passphrase = false;
};

Outcome<void> PrintKey(Session& session, const NoteVerifier& key, bool encrypted) {
  if (session.json()) {
    return PrintJson({{"name", key.name()}, {"key", key.ToText()}, {"encrypted", encrypted}});
  }
  return Print(key.ToText() + "\n");
}

Outcome<int> New(Session& session, const IdentityArguments& arguments) {
  if (!IsSlug(arguments.name)) return UsageFailure("--name: is no person's name: [a-z0-9][a-z0-9-]{0,62}");
  SecretBytes passphrase;
  if (!arguments.no_passphrase) {
    COFFER_ASSIGN_OR_RETURN(passphrase, ReadPassphrase(arguments.passphrase_file, arguments.passphrase_file.empty()));
    if (passphrase.empty()) return UsageFailure("--passphrase-file: is empty: say --no-passphrase when that is meant");
  }
  const Result<SecretBytes> file = MakePersonKey(arguments.name, passphrase);
  if (!file.ok()) return Failure(file.error());
  const Status created = CreateFileDurably(arguments.key_file, *file, 0600);
  if (!created.ok()) return FileFailure("--key", arguments.key_file, created.error());
  const Result<NoteVerifier> key = PublicPersonKey(*file);
  if (!key.ok()) return Failure(key.error());
  COFFER_TRY(PrintKey(session, *key, !passphrase.empty()));
  return kExitOk;
}

Outcome<int> Show(Session& session, const IdentityArguments& arguments) {
  const Result<SecretBytes> file = ReadSecretFile(arguments.key_file, kMaxPersonKeyFile);
  if (!file.ok()) return FileFailure("--key", arguments.key_file, file.error());
  const Result<NoteVerifier> key = PublicPersonKey(*file);
  if (!key.ok()) return FileFailure("--key", arguments.key_file, key.error());
  COFFER_TRY(PrintKey(session, *key, IsEncryptedPersonKey(*file)));
  return kExitOk;
}

}  // namespace

void AddIdentityCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("identity", "Signing keys of persons, who sign policies and approve what others do");
  auto made = std::make_shared<IdentityArguments>();
  CLI::App& make =
      tree.AddCommand(group, "new", "Make your signing key; prints its public part, for the policy's [person.NAME]",
                      "  coffer identity new --name alice --key ~/.config/coffer/alice.key\n"
                      "  coffer identity new --name alice --key alice.key --passphrase-file /run/secrets/passphrase",
                      [made](Session& session) { return New(session, *made); });
  make.add_option("--name", made->name, "Who you are in the policy: [a-z0-9][a-z0-9-]{0,62}")
      ->type_name("NAME")
      ->required();
  make.add_option("--key", made->key_file, "Where to put it; must not be there")->type_name("FILE")->required();
  CLI::Option* const from_file =
      make.add_option("--passphrase-file", made->passphrase_file, "Takes the passphrase from there (-: standard input)")
          ->type_name("FILE");
  make.add_flag("--no-passphrase", made->no_passphrase, "Whoever reads the file is you")->excludes(from_file);

  auto shown = std::make_shared<IdentityArguments>();
  CLI::App& show = tree.AddCommand(group, "show", "Print the public part of a signing key; asks for no passphrase",
                                   "  coffer identity show --key ~/.config/coffer/alice.key",
                                   [shown](Session& session) { return Show(session, *shown); });
  show.add_option("--key", shown->key_file, "The key's file")->type_name("FILE")->required();
}

}  // namespace coffer::cli
