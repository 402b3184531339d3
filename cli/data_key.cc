// coffer data-key: keys for the caller's own use, wrapped by the service.
#include <unistd.h>

#include "cli/byte_sink.h"
#include "cli/commands.h"
#include "cli/destroy_options.h"
#include "cli/field_values.h"
#include "cli/printing.h"
#include "client/wipe_message.h"
#include "crypto/base64.h"
#include "io/file.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr std::uint64_t kMaxWrapped = 1'024;  // bytes read; the service wants 114

struct DataKeyOptions {
  std::string keyring;
  std::string tenant;
  std::string wrapped;
  std::string out;
};

Outcome<void> WriteFile(const std::string& path, std::string_view bytes) {
  COFFER_ASSIGN_OR_RETURN(ByteSink sink, ByteSink::Open(path));
  COFFER_TRY(sink.Write(bytes));
  return sink.Finish();
}

// A key's bytes mean nothing to people and do harm on a screen.
Outcome<void> CheckOutput(const DataKeyOptions& options) {
  if (!options.out.empty() || !IsTerminal(STDOUT_FILENO)) return {};
  return UsageFailure("--out is needed: a key is not written to a terminal");
}

// To --out, else to standard output; as JSON together with the rest.
Outcome<void> WritePlaintext(const Session& session, const DataKeyOptions& options, Json json, std::string& plaintext) {
  Outcome<void> written;
  if (!options.out.empty()) written = WriteFile(options.out, plaintext);
  if (options.out.empty() && session.json()) json["plaintext_base64"] = ToBase64(AsBytes(plaintext));
  if (written.ok() && session.json()) written = PrintJson(json);
  if (written.ok() && options.out.empty() && !session.json()) written = Print(plaintext);
  client::WipeMessageField(plaintext);
  return written;
}

Outcome<int> Generate(Session& session, const DataKeyOptions& options) {
  COFFER_TRY(CheckOutput(options));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  v1::GenerateDataKeyRequest request;
  request.set_keyring(options.keyring);
  request.set_tenant(options.tenant);
  COFFER_ASSIGN_OR_RETURN(auto answer, client->GenerateDataKey(request));
  COFFER_TRY(WriteFile(options.wrapped, answer.wrapped()));
  COFFER_TRY(WritePlaintext(session, options, {{"keyring", options.keyring}, {"wrapped", options.wrapped}},
                            *answer.mutable_plaintext()));
  return kExitOk;
}

Outcome<int> Unwrap(Session& session, const DataKeyOptions& options) {
  COFFER_TRY(CheckOutput(options));
  const Result<Bytes> wrapped = ReadFile(options.wrapped, kMaxWrapped);
  if (!wrapped.ok()) return FileFailure("--wrapped", options.wrapped, wrapped.error());
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  v1::UnwrapDataKeyRequest request;
  request.set_keyring(options.keyring);
  request.set_tenant(options.tenant);
  request.set_wrapped(std::string(AsText(*wrapped)));
  COFFER_ASSIGN_OR_RETURN(auto answer, client->UnwrapDataKey(request));
  COFFER_TRY(WritePlaintext(session, options, {{"keyring", options.keyring}}, *answer.mutable_plaintext()));
  return kExitOk;
}

CLI::App& AddDataKeyCommand(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                            const std::string& examples, const std::shared_ptr<DataKeyOptions>& options,
                            Outcome<int> (*act)(Session&, const DataKeyOptions&)) {
  CLI::App& command = tree.AddCommand(group, name, description, examples,
                                      [options, act](Session& session) { return act(session, *options); });
  command.add_option("keyring", options->keyring, "The keyring")->type_name("KEYRING")->required()->check(IsName());
  command.add_option("--tenant", options->tenant, "Whose; \"default\" unless told")
      ->type_name("TENANT")
      ->check(IsName());
  command.add_option("--out", options->out, "A new file for the key (mode 0600); standard output unless told")
      ->type_name("FILE");
  return command;
}

}  // namespace

void AddDataKeyCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("data-key", "Keys for your own use: made here, kept by you, wrapped");
  auto generating = std::make_shared<DataKeyOptions>();
  AddDataKeyCommand(tree, group, "generate", "A fresh 32-byte key, plain and wrapped",
                    "  coffer data-key generate shop --wrapped files.key --out /run/plain.key\n"
                    "  coffer data-key generate shop --wrapped files.key | encrypt-files",
                    generating, Generate)
      .add_option("--wrapped", generating->wrapped, "A new file for the wrapped key")
      ->type_name("FILE")
      ->required();
  auto unwrapping = std::make_shared<DataKeyOptions>();
  AddDataKeyCommand(tree, group, "unwrap", "The plain key of a wrapped one",
                    "  coffer data-key unwrap shop --wrapped files.key | decrypt-files", unwrapping, Unwrap)
      .add_option("--wrapped", unwrapping->wrapped, "The wrapped key")
      ->type_name("FILE")
      ->required();
}

}  // namespace coffer::cli
