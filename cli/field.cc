// coffer field: columns of records, encrypted, decrypted, rewrapped.
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/field_stream.h"
#include "cli/printing.h"
#include "cli/secret_options.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

struct FieldOptions {
  std::string in;
  std::string out;
  std::string format;
  std::string field;
  std::string column;
  std::vector<std::string> maps;
  std::vector<std::string> row;
  std::string null_text;
  std::string plain_form = "text";
  std::string cipher_form = "text";
  SecretOptions whose;  // the tenant alone
  bool keep_going = false;
};

Outcome<std::vector<FieldMapping>> MappingsOf(const FieldOptions& options) {
  std::vector<FieldMapping> mappings;
  if (!options.field.empty()) {
    if (options.field.find('=') != std::string::npos)
      return UsageFailure("--field takes SCOPE.TABLE.COLUMN; --map takes =COLUMN too");
    COFFER_ASSIGN_OR_RETURN(FieldMapping mapping, ParseMapping(options.field));
    if (!options.column.empty()) mapping.column = options.column;
    mappings.push_back(std::move(mapping));
  }
  for (const std::string& text : options.maps) {
    COFFER_ASSIGN_OR_RETURN(FieldMapping mapping, ParseMapping(text));
    mappings.push_back(std::move(mapping));
  }
  if (mappings.empty()) return UsageFailure("name the field with --field, or several with --map");
  constexpr std::size_t kMaxColumns = 64;
  if (mappings.size() > kMaxColumns) return UsageFailure("a record may have 64 fields, no more");
  return mappings;
}

std::unique_ptr<RecordFormat> FormatOf(const FieldOptions& options) {
  const bool csv = options.format.empty() ? options.in.ends_with(".csv") : options.format == "csv";
  return csv ? MakeCsv(options.null_text) : MakeJsonLines();
}

StreamOptions StreamOptionsOf(const FieldOptions& options, FieldAct act) {
  return {.act = act,
          .forms = {.plain = options.plain_form == "base64" ? PlainForm::kBase64 : PlainForm::kText,
                    .cipher = options.cipher_form == "hex" ? CipherForm::kHex : CipherForm::kText},
          .tenant = options.whose.tenant,
          .keep_going = options.keep_going};
}

// Standard output is the records' own unless they go to a file.
Outcome<void> PrintCounts(const Session& session, const StreamCounts& counts, FieldAct act) {
  Json json = {{"records", counts.records}, {"values", counts.values}, {"failed", counts.failed}};
  if (act == FieldAct::kRewrap) json["rewrapped"] = counts.rewrapped;
  if (session.json()) return PrintJson(json);
  std::string text = std::to_string(counts.records) + " records, " + std::to_string(counts.values) + " values";
  if (act == FieldAct::kRewrap) text += ", " + std::to_string(counts.rewrapped) + " rewrapped";
  return Print(text + "\n");
}

Outcome<int> Stream(Session& session, const FieldOptions& options, FieldAct act) {
  COFFER_ASSIGN_OR_RETURN(const auto mappings, MappingsOf(options));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  COFFER_ASSIGN_OR_RETURN(const FieldPlan plan, MakePlan(*client, mappings, options.row));
  COFFER_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(options.in));
  COFFER_ASSIGN_OR_RETURN(ByteSink sink, ByteSink::Open(options.out));
  const auto format = FormatOf(options);
  COFFER_ASSIGN_OR_RETURN(
      const StreamCounts counts,
      RunStream(*client, plan, *format, source, sink, StreamOptionsOf(options, act), IsTerminal(STDERR_FILENO)));
  if (sink.is_file()) COFFER_TRY(PrintCounts(session, counts, act));
  if (counts.failed == 0) return kExitOk;
  return Failure(kExitFailed, std::to_string(counts.failed) + " value(s) did not decrypt",
                 options.keep_going
                     ? "they are null in the output"
                     : "nothing of their batch and behind it was written; --keep-going writes null for them");
}

void AddStreamOptions(CLI::App& command, FieldOptions& options) {
  command.add_option("--field", options.field, "The field of the values")->type_name("SCOPE.TABLE.COLUMN");
  command
      .add_option("--column", options.column, "The record's column that holds them; called as in the field unless told")
      ->type_name("NAME");
  command.add_option("--map", options.maps, "A field and its column; once a field")
      ->type_name("FIELD=NAME")
      ->allow_extra_args(false);
  command.add_option("--row", options.row, "The columns of the row id, in catalog order")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  AddTenantOption(command, options.whose);
  command.add_option("--in", options.in, "Records; standard input unless told")->type_name("FILE");
  command.add_option("--out", options.out, "Where they go, a new file of mode 0600; standard output unless told")
      ->type_name("FILE");
  command.add_option("--format", options.format, "jsonl or csv; by the input's name, else jsonl")
      ->type_name("FORM")
      ->check(OneOf({"jsonl", "csv"}));
  command.add_option("--null", options.null_text, "How CSV says NULL, unquoted; an empty cell unless told")
      ->type_name("TEXT");
}

void AddPlaintextForm(CLI::App& command, FieldOptions& options) {
  command.add_option("--plaintext", options.plain_form, "text or base64")
      ->type_name("FORM")
      ->check(OneOf({"text", "base64"}));
}

void AddCiphertextForm(CLI::App& command, FieldOptions& options) {
  command
      .add_option("--ciphertext", options.cipher_form,
                  "text (coffer:v1:...) or hex (\\x..., as PostgreSQL writes bytea)")
      ->type_name("FORM")
      ->check(OneOf({"text", "hex"}));
}

void AddKeepGoing(CLI::App& command, FieldOptions& options) {
  command.add_flag("--keep-going", options.keep_going, "Write null for what does not decrypt, and go on");
}

CLI::App& AddStream(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                    const std::string& examples, const std::shared_ptr<FieldOptions>& options, FieldAct act) {
  CLI::App& command = tree.AddCommand(group, name, description, examples,
                                      [options, act](Session& session) { return Stream(session, *options, act); });
  AddStreamOptions(command, *options);
  return command;
}

}  // namespace

void AddFieldCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("field", "Columns of JSON Lines or CSV: encrypt, decrypt, rewrap");

  auto encrypting = std::make_shared<FieldOptions>();
  CLI::App& encrypt = AddStream(
      tree, group, "encrypt", "Replace values with their ciphertexts",
      "  coffer field encrypt --field shop.user.email --row id < users.jsonl > encrypted.jsonl\n"
      "  coffer field encrypt --map shop.user.email --map shop.user.phone=tel --row id --in users.csv --out new.csv",
      encrypting, FieldAct::kEncrypt);
  AddPlaintextForm(encrypt, *encrypting);
  AddCiphertextForm(encrypt, *encrypting);

  auto decrypting = std::make_shared<FieldOptions>();
  CLI::App& decrypt =
      AddStream(tree, group, "decrypt", "Replace ciphertexts with their values",
                "  coffer field decrypt --field shop.user.email --row id --in encrypted.jsonl\n"
                "  coffer field decrypt --field shop.user.email --row id --keep-going < dump.csv --format csv",
                decrypting, FieldAct::kDecrypt);
  AddPlaintextForm(decrypt, *decrypting);
  AddKeepGoing(decrypt, *decrypting);

  auto rewrapping = std::make_shared<FieldOptions>();
  CLI::App& rewrap =
      AddStream(tree, group, "rewrap", "Bring ciphertexts to the primary key version; no value leaves the service",
                "  coffer field rewrap --field shop.user.email --row id --role dba --in dump.csv --out rewrapped.csv",
                rewrapping, FieldAct::kRewrap);
  AddCiphertextForm(rewrap, *rewrapping);
  AddKeepGoing(rewrap, *rewrapping);
}

}  // namespace coffer::cli
