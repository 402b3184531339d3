// The tree of commands: CLI11's parser, the global options, and what each command does.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/session.h"

namespace coffer::cli {

// Does one command and gives the exit code.
using Handler = std::function<Outcome<int>(Session&)>;

class CommandTree {
 public:
  CommandTree();
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  CLI::App& root() { return root_; }
  const CLI::App& root() const { return root_; }

  // A word that only has commands below it.
  CLI::App& AddGroup(const std::string& name, const std::string& description) {
    return AddGroup(root_, name, description);
  }
  CLI::App& AddGroup(CLI::App& parent, const std::string& name, const std::string& description);
  // `examples`: lines shown at the end of its help and in its man page. The handler's options live in what it captures.
  CLI::App& AddCommand(CLI::App& parent, const std::string& name, const std::string& description,
                       const std::string& examples, Handler handler);

  // --ask and --approval among the command's own options, for an act that others always have to approve.
  void AddApprovalOptions(CLI::App& command);

  // Parses, runs, prints failures on standard error; gives the exit code. Never throws.
  int Run(int argc, const char* const* argv);

 private:
  Outcome<int> ParseAndRun(int argc, const char* const* argv);
  Outcome<int> Explain(const CLI::ParseError& error);
  const CLI::App* Chosen() const;
  void AddGlobalOptions();

  CLI::App root_;
  GlobalOptions globals_;
  std::map<const CLI::App*, Handler> handlers_;
};

// "coffer secret put".
std::string FullName(const CLI::App& command);

// The commands below `parent`, and the options of `command` that have a name with dashes, without hidden ones.
std::vector<const CLI::App*> CommandsOf(const CLI::App& parent);
std::vector<const CLI::Option*> OptionsOf(const CLI::App& command);
std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& command);

}  // namespace coffer::cli
