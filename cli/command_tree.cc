#include "cli/command_tree.h"

#include <algorithm>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/printing.h"
#include "policy/roles.h"

namespace coffer::cli {
namespace {

constexpr const char* kDescription =
    "Coffer: field-level encryption and secrets, kept from the people who run the database.";
constexpr const char* kFooter =
    "The service is found at --server, else COFFER_SERVER, else unix:/run/coffer.\n"
    "Exit codes: 0 done, 1 refused or failed, 2 asked wrongly.";

// What CLI11 could not place. Its own sentence repeats it, and what was typed may be a secret in the wrong place.
std::string SentenceOfExtras(const CLI::App& root, const CLI::App& command) {
  for (const std::string& extra : root.remaining(true)) {
    const std::string option = extra.substr(0, extra.find('='));
    const bool is_option =
        option.starts_with("--") && option.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == option.npos;
    if (is_option && option != "--") return "there is no option " + option;
  }
  return CommandsOf(command).empty() ? "there are more arguments than it takes" : "there is no such command";
}

std::string SentenceOf(const CLI::ParseError& error, const CLI::App& root, const CLI::App& command) {
  switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::ExtrasError:
      return SentenceOfExtras(root, command);
    case CLI::ExitCodes::RequiredError:
      if (CommandsOf(command).empty()) return error.what();
      return root.remaining_size(true) == 0 ? "name a command" : SentenceOfExtras(root, command);
    // Their sentences are made of names and of what our own checks say.
    case CLI::ExitCodes::ValidationError:
    case CLI::ExitCodes::RequiresError:
    case CLI::ExitCodes::ExcludesError:
    case CLI::ExitCodes::ArgumentMismatch:
      return error.what();
    default:
      return "an option's value has the wrong form";
  }
}

void PrintFailure(const Failure& failure, bool colors) {
  std::string text = Colored("coffer:", Color::kRed, colors) + " " + failure.sentence + "\n";
  for (std::string_view rest = failure.next_step; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    text.append("  ").append(line).append("\n");
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  // Nothing is left to do when standard error is gone too.
  const auto ignored = WriteAll(STDERR_FILENO, AsBytes(text));
  static_cast<void>(ignored);
}

int PrintAsked(const std::string& id, bool json) {
  const Outcome<void> printed = json ? PrintJson({{"done", false}, {"approval", id}})
                                     : Print("asked: approval " + id +
                                             "\nNothing is done yet. Another person approves it with\n"
                                             "  coffer approval approve " +
                                             id +
                                             " --key FILE\n"
                                             "and then the same command with --approval " +
                                             id + " in place of --ask does it.\n");
  return printed.ok() ? kExitOk : kExitFailed;
}

std::vector<std::string> RoleNames() {
  std::vector<std::string> names;
  for (const policy::Role role : policy::AllRoles()) names.emplace_back(policy::RoleName(role));
  return names;
}

}  // namespace

CommandTree::CommandTree() : root_(kDescription, "coffer") {
  root_.fallthrough();
  root_.require_subcommand(1);
  root_.set_version_flag("--version", "coffer " COFFER_VERSION, "Print the version");
  root_.set_help_flag("-h,--help", "Print this help");
  root_.footer(kFooter);
  root_.get_formatter()->column_width(34);
  AddGlobalOptions();
}

void CommandTree::AddGlobalOptions() {
  root_.add_option("--server", globals_.server, "unix:FOLDER, unix:FOLDER/ROLE.sock or HOST:PORT")
      ->type_name("ADDRESS");
  root_.add_option("--role", globals_.role, "Whose socket of a folder is used")
      ->type_name("ROLE")
      ->check(OneOf(RoleNames()));
  root_.add_option("--tls-ca", globals_.tls.ca, "Who signs the service's certificate (PEM)")
      ->type_name("FILE")
      ->envname("COFFER_TLS_CA");
  root_.add_option("--tls-cert", globals_.tls.certificate, "Our certificate (PEM)")
      ->type_name("FILE")
      ->envname("COFFER_TLS_CERT");
  root_.add_option("--tls-key", globals_.tls.key, "Its key (PEM)")->type_name("FILE")->envname("COFFER_TLS_KEY");
  root_.add_option("--token-file", globals_.tls.token, "A bearer token, instead of a certificate (mode 0600)")
      ->type_name("FILE")
      ->envname("COFFER_TOKEN_FILE");
  root_.add_option("--tls-server-name", globals_.server_name, "The name in the service's certificate")
      ->type_name("NAME");
  root_.add_option("-o,--output", globals_.output, "text or json")->type_name("FORM")->check(OneOf({"text", "json"}));
  root_.add_option("--timeout", globals_.timeout_s, "Seconds that one call may take (30)")
      ->type_name("SECONDS")
      ->check(NumberBetween(1, 3'600));
  root_.add_option("--claim-purpose", globals_.claims.purpose, "For the audit log: what the call is for")
      ->type_name("TEXT")
      ->envname("COFFER_PURPOSE");
  root_.add_option("--claim-on-behalf-of", globals_.claims.on_behalf_of, "For the audit log: for whom")
      ->type_name("NAME")
      ->envname("COFFER_ON_BEHALF_OF");
  root_.add_option("--claim-request-id", globals_.claims.request_id, "For the audit log: your own id of the call")
      ->type_name("ID")
      ->envname("COFFER_REQUEST_ID");
  root_.add_flag("--no-color", globals_.no_color, "No colours, as with NO_COLOR");
  AddApprovalOptions(root_);  // a policy may ask approvals for whatever command
}

void CommandTree::AddApprovalOptions(CLI::App& command) {
  CLI::Option* const ask =
      command.add_option("--ask", globals_.approval.reason, "Asks others to approve it, and why; nothing is done yet")
          ->type_name("REASON");
  command.add_option("--approval", globals_.approval.id, "Does what others have approved")
      ->type_name("ID")
      ->excludes(ask);
}

CLI::App& CommandTree::AddGroup(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* const group = parent.add_subcommand(name, description);
  group->require_subcommand(1);
  group->footer("");
  return *group;
}

CLI::App& CommandTree::AddCommand(CLI::App& parent, const std::string& name, const std::string& description,
                                  const std::string& examples, Handler handler) {
  CLI::App* const command = parent.add_subcommand(name, description);
  command->require_subcommand(0);
  command->footer(examples.empty() ? "" : "Examples:\n" + examples);
  handlers_.emplace(command, std::move(handler));
  return *command;
}

const CLI::App* CommandTree::Chosen() const {
  const CLI::App* chosen = &root_;
  for (auto below = chosen->get_subcommands(); !below.empty(); below = chosen->get_subcommands())
    chosen = below.front();
  return chosen;
}

Outcome<int> CommandTree::Explain(const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    const bool version = error.get_name() == "CallForVersion";
    const CLI::App* const parent = Chosen()->get_parent();  // whose name the help puts before the command's own
    const std::string before = parent == nullptr ? "" : FullName(*parent);
    COFFER_TRY(Print(version ? std::string(error.what()) + "\n" : Chosen()->help(before)));
    return kExitOk;
  }
  const CLI::App& chosen = *Chosen();
  return Failure(kExitUsage, SentenceOf(error, root_, chosen), "see `" + FullName(chosen) + " --help`");
}

Outcome<int> CommandTree::ParseAndRun(int argc, const char* const* argv) {
  try {
    root_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Explain(error);
  }
  const auto handler = handlers_.find(Chosen());
  COFFER_CHECK(handler != handlers_.end());
  Session session(globals_);
  return handler->second(session);
}

int CommandTree::Run(int argc, const char* const* argv) {
  try {
    const Outcome<int> outcome = ParseAndRun(argc, argv);
    if (outcome.ok()) return *outcome;
    if (!outcome.error().asked.empty()) return PrintAsked(outcome.error().asked, globals_.output == "json");
    PrintFailure(outcome.error(), Session(globals_).Colors(STDERR_FILENO));
    return outcome.error().exit_code;
  } catch (const std::exception&) {
    // A library's exception that nobody expected: its text is not known to be harmless.
    PrintFailure(Failure(kExitFailed, "internal error"), false);
    return kExitFailed;
  }
}

std::string FullName(const CLI::App& command) {
  const CLI::App* const parent = command.get_parent();
  return parent == nullptr ? command.get_name() : FullName(*parent) + " " + command.get_name();
}

std::vector<const CLI::App*> CommandsOf(const CLI::App& parent) {
  return parent.get_subcommands(
      [](const CLI::App* command) { return !command->get_name().empty() && !command->get_group().empty(); });
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& command) {
  return command.get_options(
      [](const CLI::Option* option) { return option->nonpositional() && !option->get_group().empty(); });
}

std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

}  // namespace coffer::cli
