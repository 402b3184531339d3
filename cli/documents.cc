// coffer completion, coffer man: what the tree of commands says about itself.
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/man_pages.h"
#include "cli/printing.h"
#include "io/file.h"

namespace coffer::cli {
namespace {

Outcome<int> PrintScript(const std::string& script) {
  COFFER_TRY(Print(script));
  return kExitOk;
}

Outcome<int> WritePages(const CLI::App& root, const std::string& folder) {
  for (const auto& [name, text] : ManPages(root, COFFER_VERSION)) {
    COFFER_TRY(WriteFileDurably(folder + "/" + name, AsBytes(text), 0644));
  }
  return kExitOk;
}

}  // namespace

void AddDocumentCommands(CommandTree& tree) {
  const CLI::App& root = tree.root();
  CLI::App& completion = tree.AddGroup("completion", "Completion scripts for shells");
  tree.AddCommand(completion, "bash", "For bash", "  source <(coffer completion bash)",
                  [&root](Session&) { return PrintScript(BashCompletion(root)); });
  tree.AddCommand(completion, "zsh", "For zsh", "  coffer completion zsh > \"${fpath[1]}/_coffer\"",
                  [&root](Session&) { return PrintScript(ZshCompletion(root)); });
  tree.AddCommand(completion, "fish", "For fish", "  coffer completion fish > ~/.config/fish/completions/coffer.fish",
                  [&root](Session&) { return PrintScript(FishCompletion(root)); });

  auto folder = std::make_shared<std::string>();
  CLI::App& man = tree.AddCommand(tree.root(), "man", "Write the man pages into a folder",
                                  "  coffer man --dir /usr/local/share/man/man1",
                                  [&root, folder](Session&) { return WritePages(root, *folder); });
  man.group("");
  man.add_option("--dir", *folder, "Where to")->type_name("DIR")->required();
}

}  // namespace coffer::cli
