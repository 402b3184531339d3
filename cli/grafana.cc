// coffer grafana: Grafana's secrets in the vault.
#include <cstdlib>
#include <sys/stat.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/grafana_reload.h"
#include "cli/grafana_vault.h"
#include "cli/printing.h"
#include "cli/secret_input.h"
#include "cli/secret_options.h"
#include "io/directory.h"
#include "io/file.h"
#include "io/process_memory.h"
#include "io/terminal.h"
#include "plugins/grafana/import.h"
#include "plugins/grafana/rotation/vault_rotation.h"
#include "plugins/grafana/run.h"
#include "plugins/grafana/secret_key.h"
#include "plugins/grafana/yaml_tree.h"

namespace coffer::cli {
namespace {

struct ImportCommandOptions {
  std::string file;
  std::string out;
  bool in_place = false;
  grafana::ImportOptions import;
  SecretOptions whose;  // the tenant alone
};

std::string_view OutcomeName(grafana::ImportOutcome outcome) {
  switch (outcome) {
    case grafana::ImportOutcome::kCreated:
      return "created";
    case grafana::ImportOutcome::kUnchanged:
      return "unchanged";
    case grafana::ImportOutcome::kUpdated:
      return "updated";
  }
  return "unknown";
}

Json ImportJson(const grafana::ImportResult& result, const std::string& written, bool dry_run) {
  Json secrets = Json::array();
  for (const grafana::ImportedSecret& secret : result.secrets) {
    secrets.push_back({{"path", secret.path.text()}, {"line", secret.line}, {"outcome", OutcomeName(secret.outcome)}});
  }
  Json notes = Json::array();
  for (const grafana::Note& note : result.notes) notes.push_back({{"line", note.line}, {"text", note.text}});
  Json json = {{"dry_run", dry_run},
               {"secrets", secrets},
               {"references", result.references},
               {"notes", notes},
               {"file", nullptr}};
  if (!written.empty()) json["file"] = written;
  return json;
}

std::string ImportText(const grafana::ImportResult& result, bool dry_run) {
  std::string text;
  for (const grafana::ImportedSecret& secret : result.secrets) {
    text += "line " + std::to_string(secret.line) + ": " + secret.path.text() + " " +
            std::string(OutcomeName(secret.outcome)) + "\n";
  }
  for (const grafana::Note& note : result.notes) {
    text += "line " + std::to_string(note.line) + ": note: " + std::string(note.text) + "\n";
  }
  text += std::to_string(result.secrets.size()) + " secret(s), " + std::to_string(result.references) +
          " reference(s) already there";
  return text + (dry_run ? "; nothing was changed\n" : "\n");
}

// With the mode of the file that was read, which Grafana can read.
Outcome<void> WriteRewritten(const std::string& path, const ImportCommandOptions& options, const std::string& text) {
  constexpr mode_t kUnlessKnown = 0640;
  COFFER_ASSIGN_OR_RETURN(const FileFacts facts, FactsOf(options.file));
  const bool regular = facts.kind == FileKind::kRegular;
  if (options.in_place && !regular) return UsageFailure("--in-place would replace a link: name the file itself");
  return WriteFileDurably(path, AsBytes(text), regular ? facts.permissions : kUnlessKnown);
}

Outcome<void> CheckImport(const Session& session, const ImportCommandOptions& options) {
  const bool to_output = options.out.empty() && !options.in_place && !options.import.dry_run;
  if (session.json() && to_output)
    return UsageFailure("with --output json say where the file goes: --out, --in-place or --dry-run");
  return {};
}

Outcome<int> Import(Session& session, const ImportCommandOptions& options) {
  COFFER_TRY(CheckImport(session, options));
  COFFER_ASSIGN_OR_RETURN(Bytes text, ReadFile(options.file, grafana::kMaxYamlBytes));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  GrafanaVault vault(*client, options.whose.tenant);
  const auto imported = grafana::ImportFile(AsText(text), vault, options.import);
  Wipe(text);
  if (!imported.ok()) return vault.FailureOf(imported.error());
  const std::string target = options.import.dry_run ? "" : options.in_place ? options.file : options.out;
  if (!target.empty()) COFFER_TRY(WriteRewritten(target, options, imported->rewritten));
  if (session.json()) {
    COFFER_TRY(PrintJson(ImportJson(*imported, target, options.import.dry_run)));
  } else if (target.empty() && !options.import.dry_run) {
    COFFER_TRY(Print(imported->rewritten));
    COFFER_TRY(WriteAll(STDERR_FILENO, AsBytes(ImportText(*imported, false))));
  } else {
    COFFER_TRY(Print(ImportText(*imported, options.import.dry_run)));
  }
  return kExitOk;
}

struct RunCommandOptions {
  grafana::RunOptions run;
  std::vector<std::string> shared;
  ReloadOptions reload;
  SecretOptions whose;  // the tenant alone
};

// Neither key is handed out while its database may be under another one.
Outcome<void> CheckNoRotationPending(GrafanaVault& vault) {
  for (const grafana::GrafanaKey key : {grafana::GrafanaKey::kSecurity, grafana::GrafanaKey::kSecretsManager}) {
    const Status settled = grafana::CheckNoRotationPending(vault, key);
    if (!settled.ok()) return vault.FailureOf(settled.error());
  }
  return {};
}

Outcome<int> Run(Session& session, RunCommandOptions& options) {
  COFFER_TRY(CheckReloadOptions(options.reload));
  // Before gRPC starts threads, which then hold the signals too.
  const grafana::SignalHold hold;
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  GrafanaVault vault(*client, options.whose.tenant);
  const char* const runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  options.run.runtime_dir = runtime_dir == nullptr ? "" : runtime_dir;
  options.run.shared.insert(options.shared.begin(), options.shared.end());
  options.run.hidden_variables = {"COFFER_SERVER",   "COFFER_STATE_DIR", "COFFER_TLS_CA",
                                  "COFFER_TLS_CERT", "COFFER_TLS_KEY",   "COFFER_TOKEN_FILE"};
  COFFER_TRY(CheckNoRotationPending(vault));
  auto prepared = grafana::PreparedRun::Prepare(options.run, vault);
  if (!prepared.ok()) return vault.FailureOf(prepared.error());
  if (prepared->plaintexts() > 0) {
    const std::string note = "coffer: " + std::to_string(prepared->plaintexts()) +
                             " value(s) of secureJsonData are plain text; move them: coffer grafana import FILE\n";
    COFFER_TRY(WriteAll(STDERR_FILENO, AsBytes(note)));
  }
  std::unique_ptr<GrafanaReload> reload;
  if (!options.reload.url.empty()) {
    // The last values stay here as long as Grafana runs; where the system gives no lock, they may reach swap.
    static_cast<void>(LockMemory(true));
    COFFER_ASSIGN_OR_RETURN(reload, GrafanaReload::Create(session, *client, options.reload, options.whose.tenant));
    COFFER_TRY(reload->Join(*prepared));
  }
  const auto exit_code = std::move(*prepared).Execute();
  if (!exit_code.ok()) return Failure(kExitFailed, exit_code.error().ToString());
  return *exit_code;
}

struct KeyCommandOptions {
  std::string which = "security";
  std::string file;
  SecretOptions whose;  // the tenant alone
};

grafana::GrafanaKey KeyOf(const KeyCommandOptions& options) {
  return options.which == "security" ? grafana::GrafanaKey::kSecurity : grafana::GrafanaKey::kSecretsManager;
}

Outcome<int> PrintKey(const Session& session, grafana::GrafanaKey key) {
  const std::string path = grafana::KeyPath(key).text();
  if (session.json()) {
    COFFER_TRY(PrintJson({{"path", path}, {"variable", grafana::KeyVariable(key)}}));
  } else {
    COFFER_TRY(Print(path + " is in the vault; `coffer grafana run` hands it to Grafana\n"));
  }
  return kExitOk;
}

Outcome<int> CreateKey(Session& session, const KeyCommandOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  GrafanaVault vault(*client, options.whose.tenant);
  const auto key = grafana::FetchSecretKey(vault, KeyOf(options), true);
  if (!key.ok()) return vault.FailureOf(key.error());
  return PrintKey(session, KeyOf(options));
}

Outcome<int> ImportKey(Session& session, const KeyCommandOptions& options) {
  constexpr std::size_t kMaxKey = 1'026;  // a key's limit and a newline
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  COFFER_ASSIGN_OR_RETURN(SecretBytes key, ReadValue(options.file, "Grafana's secret_key: ", kMaxKey));
  GrafanaVault vault(*client, options.whose.tenant);
  const auto imported = grafana::ImportSecretKey(vault, KeyOf(options), WithoutFinalNewline(std::move(key)));
  if (!imported.ok()) {
    Failure failure = vault.FailureOf(imported.error());
    if (imported.error().code() == ErrorCode::kAlreadyExists) {
      failure.next_step =
          "another Grafana has a tenant of its own (--tenant); to replace this one's: coffer secret put " +
          grafana::KeyPath(KeyOf(options)).text();
    }
    return failure;
  }
  return PrintKey(session, KeyOf(options));
}

void AddImport(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<ImportCommandOptions>();
  CLI::App& command = tree.AddCommand(group, "import", "Move a provisioning file's secrets into the vault",
                                      "  coffer grafana import datasources/prod.yaml --dry-run\n"
                                      "  coffer grafana import datasources/prod.yaml --in-place",
                                      [options](Session& session) { return Import(session, *options); });
  command.add_option("file", options->file, "A datasource provisioning file")->type_name("FILE")->required();
  CLI::Option* const out =
      command.add_option("--out", options->out, "Where the file with references goes; standard output unless told");
  out->type_name("FILE");
  CLI::Option* const in_place = command.add_flag("--in-place", options->in_place, "Replace the file");
  CLI::Option* const dry_run = command.add_flag("--dry-run", options->import.dry_run, "Ask the vault, change nothing");
  in_place->excludes(out);
  dry_run->excludes(out);
  dry_run->excludes(in_place);
  command.add_flag("--overwrite", options->import.overwrite, "A path that holds another value gets a new version");
  AddTenantOption(command, options->whose);
}

void AddRun(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<RunCommandOptions>();
  CLI::App& command = tree.AddCommand(
      group, "run", "Start Grafana with its secrets, in a folder in memory that is wiped at the end",
      "  coffer grafana run --provisioning /etc/grafana/provisioning \\\n"
      "    -- grafana server --homepath /usr/share/grafana\n"
      "  coffer grafana run --provisioning /etc/grafana/provisioning --grafana-url http://127.0.0.1:3000 \\\n"
      "    --grafana-password-secret grafana/admin_password \\\n"
      "    -- grafana server --homepath /usr/share/grafana",
      [options](Session& session) { return Run(session, *options); });
  command.add_option("--provisioning", options->run.provisioning_dir, "Grafana's provisioning folder")
      ->type_name("DIR")
      ->required();
  command.add_flag("--make-keys", options->run.make_missing_keys,
                   "Make Grafana's keys when the vault has none: for one without a database");
  command.add_option("--shared", options->shared, "A secret's path that any datasource may use")
      ->type_name("PATH")
      ->allow_extra_args(false);
  AddReloadOptions(command, options->reload);
  AddTenantOption(command, options->whose);
  command.add_option("command", options->run.command, "The program and its arguments, after --")
      ->type_name("COMMAND")
      ->required();
}

void AddKeyOptions(CLI::App& command, KeyCommandOptions& options) {
  command
      .add_option("--which", options.which,
                  "security (unless told) or secrets-manager: the section of Grafana's settings")
      ->type_name("SECTION")
      ->check(OneOf({"security", "secrets-manager"}));
  AddTenantOption(command, options.whose);
}

}  // namespace

void AddGrafanaCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("grafana", "Grafana's secrets, without a change to Grafana");
  AddImport(tree, group);
  AddRun(tree, group);
  AddGrafanaScanCommand(tree, group);
  AddGrafanaRotateCommands(tree, group);
  AddGrafanaTransferCommands(tree, group);
  AddGrafanaSecureValuesCommand(tree, group);

  CLI::App& keys = tree.AddGroup(group, "secret-key", "Grafana's own secret_key");

  auto creating = std::make_shared<KeyCommandOptions>();
  CLI::App& create = tree.AddCommand(keys, "create", "Make one for a Grafana without a database, where there is none",
                                     "  coffer grafana secret-key create\n"
                                     "  coffer grafana secret-key create --which secrets-manager\n"
                                     "Where there is a database under a key: secret-key import, or rotate-secret-key.",
                                     [creating](Session& session) { return CreateKey(session, *creating); });
  AddKeyOptions(create, *creating);

  auto importing = std::make_shared<KeyCommandOptions>();
  CLI::App& import = tree.AddCommand(keys, "import", "Put an existing Grafana's into the vault",
                                     "  coffer grafana secret-key import --file old-key.txt",
                                     [importing](Session& session) { return ImportKey(session, *importing); });
  import.add_option("--file", importing->file, "Read it from a file, - for standard input")->type_name("FILE");
  AddKeyOptions(import, *importing);
}

}  // namespace coffer::cli
