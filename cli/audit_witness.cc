// coffer audit witness, witness-keygen: a witness of audit logs as a process of its own, on another host than theirs.
#include <iostream>
#include <signal.h>

#include "audit/signing_key.h"
#include "audit/witness.h"
#include "cli/audit_keys.h"
#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "crypto/text_form.h"
#include "io/dir_lock.h"
#include "io/directory.h"
#include "io/http_server.h"

namespace coffer::cli {
namespace {

constexpr char kDefaultListen[] = "127.0.0.1:7480";

struct WitnessArguments {
  std::vector<std::string> log_keys;
  std::string listen = kDefaultListen;
  std::string key_file;
  std::string state;
};

struct KeygenArguments {
  std::string name;
  std::string key_file;
};

// The signals that end the process, blocked in every thread from here on and waited for in one.
sigset_t BlockStopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return stop;
}

Outcome<std::vector<audit::WitnessedLog>> LogsFrom(const std::vector<std::string>& keys) {
  std::vector<audit::WitnessedLog> logs;
  for (const std::string& text : keys) {
    COFFER_ASSIGN_OR_RETURN(NoteVerifier key, ReadVkey("--log-key", text, NoteKeyType::kSignature));
    std::string origin = key.name();
    logs.push_back({.origin = std::move(origin), .keys = {std::move(key)}});
  }
  return logs;
}

// Whoever asks begins with a guess, after a restart with 0, and is told what is kept; a log that has no more than that
// is another matter.
std::string ConflictText(const audit::WitnessAnswer& answer) {
  const std::string kept = answer.body.substr(0, answer.body.size() - 1);
  const Result<std::uint64_t> size = FromDecimal(kept, audit::kMaxTreeSize);
  if (size.ok() && answer.size > *size) return " asked to go on from another size than the " + kept + " kept";
  return " conflicts with the " + kept + " kept";
}

// One line an answer: when, which log, how many records, what was answered.
void Say(const Clock& clock, const audit::WitnessAnswer& answer) {
  std::string line = FormatTime(clock.UnixMicros()) + " " + std::to_string(answer.status);
  if (!answer.origin.empty()) line += " " + answer.origin + " " + std::to_string(answer.size);
  if (answer.status == 409) line += ConflictText(answer);
  if (answer.status == 422) line += " does not continue what was kept";
  std::cerr << line + "\n" << std::flush;
}

HttpReply Serve(audit::Witness& witness, const Clock& clock, const HttpRequest& request) {
  if (request.target != audit::kAddCheckpointPath) return {.status = 404, .body = "there is nothing here\n"};
  if (request.method != "POST") return {.status = 405, .body = "post a checkpoint\n"};
  audit::WitnessAnswer answer = witness.AddCheckpoint(request.body);
  Say(clock, answer);
  return {.status = answer.status, .content_type = std::move(answer.content_type), .body = std::move(answer.body)};
}

Outcome<int> RunWitness(const WitnessArguments& arguments) {
  const Result<HostAndPort> listen = HostAndPort::Parse(arguments.listen);
  if (!listen.ok()) return Failure(Error(listen.error()).At("--listen"));
  COFFER_ASSIGN_OR_RETURN(std::vector<audit::WitnessedLog> logs, LogsFrom(arguments.log_keys));
  Result<NoteCosigner> cosigner = audit::ReadWitnessKey(arguments.key_file);
  if (!cosigner.ok()) return FileFailure("--key", arguments.key_file, cosigner.error());
  const Status made = MakeDirectory(arguments.state, 0700);
  if (!made.ok()) return FileFailure("--state", arguments.state, made.error());
  const Result<DirLock> lock = DirLock::Acquire(arguments.state);
  if (!lock.ok()) return FileFailure("--state", arguments.state, lock.error());
  const SystemClock clock;
  const auto store = audit::FilesOfWitness(arguments.state);
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<audit::Witness> witness,
                          audit::Witness::Create(std::move(cosigner).value(), std::move(logs), *store, clock));
  const sigset_t stop = BlockStopSignals();
  HttpServerOptions options;
  options.host = listen->host;
  options.port = listen->port;
  options.max_body = audit::kMaxWitnessRequest;
  Result<std::unique_ptr<HttpServer>> server =
      HttpServer::Start(options, [&](const HttpRequest& request) { return Serve(*witness, clock, request); });
  if (!server.ok()) return Failure(kExitFailed, "--listen: " + server.error().ToString());
  COFFER_TRY(Print("witness " + witness->verifier().ToText() + "\nlistening on port " +
                   std::to_string((*server)->port()) + "\n"));
  int signal_number = 0;
  sigwait(&stop, &signal_number);
  return kExitOk;
}

Outcome<int> MakeKey(Session& session, const KeygenArguments& arguments) {
  const Result<NoteCosigner> cosigner = audit::MakeWitnessKey(arguments.key_file, arguments.name);
  if (!cosigner.ok() && cosigner.error().code() == ErrorCode::kInvalidArgument) {
    return UsageFailure("--name: " + cosigner.error().ToString());
  }
  if (!cosigner.ok()) return FileFailure("--key", arguments.key_file, cosigner.error());
  const std::string vkey = cosigner->verifier().ToText();
  COFFER_TRY(session.json() ? PrintJson({{"name", cosigner->verifier().name()}, {"vkey", vkey}}) : Print(vkey + "\n"));
  return kExitOk;
}

}  // namespace

void AddAuditWitnessCommands(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<WitnessArguments>();
  CLI::App& witness = tree.AddCommand(
      group, "witness", "Be a witness: remember each log's largest checkpoint, and cosign only what continues it",
      "  coffer audit witness --log-key log.vkey --key witness.key --state /var/lib/coffer-witness\n"
      "  coffer audit witness --log-key a.vkey --log-key b.vkey --listen 10.0.0.7:7480 --key w.key --state state",
      [arguments](Session&) { return RunWitness(*arguments); });
  witness.add_option("--log-key", arguments->log_keys, "The key of a log, as text or in a file; again for more")
      ->type_name("VKEY")
      ->allow_extra_args(false)
      ->required();
  witness
      .add_option("--listen", arguments->listen, std::string("Where to listen, plain HTTP (") + kDefaultListen + ")")
      ->type_name("ADDRESS:PORT");
  witness.add_option("--key", arguments->key_file, "The witness's key, made by witness-keygen")
      ->type_name("FILE")
      ->required();
  witness.add_option("--state", arguments->state, "Where it remembers; made when absent")->type_name("DIR")->required();

  auto keygen = std::make_shared<KeygenArguments>();
  CLI::App& make = tree.AddCommand(
      group, "witness-keygen", "Make a witness's key; prints its public part, for cofferd's configuration and auditors",
      "  coffer audit witness-keygen --name witness.example/w1 --key witness.key",
      [keygen](Session& session) { return MakeKey(session, *keygen); });
  make.add_option("--name", keygen->name, "Its name, best a URL without a scheme; no spaces, no '+'")
      ->type_name("NAME")
      ->required();
  make.add_option("--key", keygen->key_file, "Where to put it; must not be there")->type_name("FILE")->required();
}

}  // namespace coffer::cli
