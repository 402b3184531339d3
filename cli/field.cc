// coffer field: columns of records, encrypted, decrypted, rewrapped.
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/field_stream.h"
#include "cli/printing.h"
#include "cli/search_term.h"
#include "cli/secret_input.h"
#include "cli/secret_options.h"
#include "client/search.h"
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
  bool tokens = false;
  std::string match_index;
  TermOptions match;
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
  StreamOptions stream;
  stream.work.act = act;
  stream.work.forms = {.plain = options.plain_form == "base64" ? PlainForm::kBase64 : PlainForm::kText,
                       .cipher = options.cipher_form == "hex" ? CipherForm::kHex : CipherForm::kText};
  stream.work.tenant = options.whose.tenant;
  stream.keep_going = options.keep_going;
  return stream;
}

// Standard output is the records' own unless they go to a file.
Outcome<void> PrintCounts(const Session& session, const StreamCounts& counts, const FieldWork& work) {
  const bool rewraps = work.act == FieldAct::kRewrap;
  Json json = {{"records", counts.records}, {"values", counts.values}, {"failed", counts.failed}};
  if (rewraps) json["rewrapped"] = counts.rewrapped;
  if (work.match != nullptr) json["unmatched"] = counts.unmatched;
  if (session.json()) return PrintJson(json);
  std::string text = std::to_string(counts.records) + " records, " + std::to_string(counts.values) + " values";
  if (rewraps) text += ", " + std::to_string(counts.rewrapped) + " rewrapped";
  if (work.match != nullptr) text += ", " + std::to_string(counts.unmatched) + " left out: not what was searched for";
  return Print(text + "\n");
}

Failure NotDecrypted(const StreamCounts& counts, bool keep_going, bool to_file) {
  std::string step;
  if (counts.undecryptable > 0) {
    step +=
        "the row id, a bound column or the tenant may not be the one it was encrypted with, or the value was changed\n";
  }
  if (counts.keys_disabled > 0) step += "a key version is disabled: see `coffer keyring show NAME`\n";
  if (keep_going) {
    step += "they are null in the output";
  } else {
    step += to_file ? "no file was written" : "nothing of their batch and behind it was written";
    step += "; --keep-going writes null for them";
  }
  return Failure(kExitFailed, std::to_string(counts.failed) + " value(s) did not decrypt", step);
}

Outcome<int> Stream(Session& session, client::Client& client, const FieldPlan& plan, const FieldOptions& options,
                    const StreamOptions& stream) {
  COFFER_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(options.in));
  COFFER_ASSIGN_OR_RETURN(ByteSink sink, ByteSink::Open(options.out));
  const auto format = FormatOf(options);
  COFFER_ASSIGN_OR_RETURN(const StreamCounts counts,
                          RunStream(client, plan, *format, source, sink, stream, IsTerminal(STDERR_FILENO)));
  const bool finished = counts.failed == 0 || options.keep_going;
  if (sink.is_file() && finished) COFFER_TRY(PrintCounts(session, counts, stream.work));
  if (counts.failed == 0) return kExitOk;
  return NotDecrypted(counts, options.keep_going, sink.is_file());
}

Outcome<void> CheckMatch(const FieldOptions& options) {
  const bool named = !options.match_index.empty();
  if (!named && (!options.match.file.empty() || options.match.at_start || options.match.at_end)) {
    return UsageFailure("what is to match is of an index: name it with --match-index");
  }
  const bool records_from_input = options.in.empty() || options.in == kStandardInput;
  if (named && records_from_input && (options.match.file.empty() || options.match.file == kStandardInput)) {
    return UsageFailure("standard input has the records: give the search term with --match-file, or them with --in");
  }
  return {};
}

Outcome<int> StreamMatching(Session& session, client::Client& client, const FieldPlan& plan,
                            const FieldOptions& options, StreamOptions stream) {
  const MappedField& field = plan.fields.front();
  COFFER_ASSIGN_OR_RETURN(const PlannedIndex index, FindIndex(field.indexes, field.field, options.match_index));
  TermOptions term = options.match;
  term.form = stream.work.forms.plain;
  COFFER_ASSIGN_OR_RETURN(v1::Search match, ReadSearch(index, term));
  stream.work.match = &match;
  auto done = Stream(session, client, plan, options, stream);
  client::WipeSearch(match);
  return done;
}

Outcome<int> Run(Session& session, const FieldOptions& options, FieldAct act) {
  COFFER_ASSIGN_OR_RETURN(const auto mappings, MappingsOf(options));
  COFFER_TRY(CheckMatch(options));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  COFFER_ASSIGN_OR_RETURN(const FieldPlan plan, MakePlan(*client, mappings, options.row));
  StreamOptions stream = StreamOptionsOf(options, act);
  if (options.tokens) {
    COFFER_ASSIGN_OR_RETURN(stream.work.tokens, TokenColumns::Of(plan));
  }
  if (!options.match_index.empty()) return StreamMatching(session, *client, plan, options, std::move(stream));
  return Stream(session, *client, plan, options, stream);
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
  command
      .add_option(
          "--out", options.out,
          "Where they go, a new file of mode 0600 that is there whole or not at all; standard output unless told")
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

void AddTokens(CLI::App& command, FieldOptions& options) {
  command.add_flag("--tokens", options.tokens,
                   "Add the index tokens of each value: columns COLUMN_INDEX and COLUMN_INDEX_iv");
}

void AddMatch(CLI::App& command, FieldOptions& options) {
  command
      .add_option("--match-index", options.match_index, "Keep only what was searched for: an index of the first field")
      ->type_name("NAME");
  command.add_option("--match-file", options.match.file, "What that was, as `coffer field search` takes it")
      ->type_name("FILE");
  command.add_flag("--at-start", options.match.at_start, "N-gram indexes: it stands at the text's start");
  command.add_flag("--at-end", options.match.at_end, "N-gram indexes: it stands at the text's end");
}

CLI::App& AddStream(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                    const std::string& examples, const std::shared_ptr<FieldOptions>& options, FieldAct act) {
  CLI::App& command = tree.AddCommand(group, name, description, examples,
                                      [options, act](Session& session) { return Run(session, *options, act); });
  AddStreamOptions(command, *options);
  return command;
}

}  // namespace

void AddFieldCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("field", "Columns of JSON Lines or CSV: encrypt, decrypt, rewrap; search");

  auto encrypting = std::make_shared<FieldOptions>();
  CLI::App& encrypt = AddStream(
      tree, group, "encrypt", "Replace values with their ciphertexts",
      "  coffer field encrypt --field shop.user.email --row id < users.jsonl > encrypted.jsonl\n"
      "  coffer field encrypt --field shop.user.email --row id --format csv < users.csv > encrypted.csv\n"
      "  coffer field encrypt --map shop.user.email --map shop.user.phone=tel --row id --in users.csv --out new.csv",
      encrypting, FieldAct::kEncrypt);
  AddPlaintextForm(encrypt, *encrypting);
  AddCiphertextForm(encrypt, *encrypting);
  AddTokens(encrypt, *encrypting);

  auto decrypting = std::make_shared<FieldOptions>();
  CLI::App& decrypt =
      AddStream(tree, group, "decrypt", "Replace ciphertexts with their values",
                "  coffer field decrypt --field shop.user.email --row id --in encrypted.jsonl\n"
                "  coffer field decrypt --field shop.user.email --row id --keep-going < dump.csv --format csv",
                decrypting, FieldAct::kDecrypt);
  AddPlaintextForm(decrypt, *decrypting);
  AddKeepGoing(decrypt, *decrypting);
  AddMatch(decrypt, *decrypting);

  auto rewrapping = std::make_shared<FieldOptions>();
  CLI::App& rewrap =
      AddStream(tree, group, "rewrap", "Bring ciphertexts to the primary key version; no value leaves the service",
                "  coffer field rewrap --field shop.user.email --row id --role dba --in dump.csv --out rewrapped.csv",
                rewrapping, FieldAct::kRewrap);
  AddCiphertextForm(rewrap, *rewrapping);
  AddKeepGoing(rewrap, *rewrapping);
  AddTokens(rewrap, *rewrapping);

  AddFieldSearchCommand(tree, group);
}

}  // namespace coffer::cli
