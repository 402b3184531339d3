#include "cli/completion.h"

namespace coffer::cli {
namespace {

// "--server --role ...": of the command and, since they may stand anywhere, of the root.
std::string OptionWords(const CLI::App& command) {
  std::string words;
  for (const CLI::Option* const option : OptionsOf(command)) {
    for (const std::string& name : option->get_lnames()) words += " --" + name;
  }
  return words;
}

std::string Words(const CLI::App& command, const CLI::App& root) {
  std::string words;
  for (const CLI::App* const below : CommandsOf(command)) words += (words.empty() ? "" : " ") + below->get_name();
  words += OptionWords(command);
  if (&command != &root) words += OptionWords(root);
  return words;
}

// Options that take a value, as alternatives of a shell pattern.
void CollectValued(const CLI::App& command, std::string& pattern) {
  for (const CLI::Option* const option : OptionsOf(command)) {
    if (option->get_items_expected_max() == 0) continue;
    for (const std::string& name : option->get_lnames()) pattern += (pattern.empty() ? "--" : "|--") + name;
    for (const std::string& name : option->get_snames()) pattern += "|-" + name;
  }
  for (const CLI::App* const below : CommandsOf(command)) CollectValued(*below, pattern);
}

// The lines of a shell `case` that give each command its words.
void AppendCases(const CLI::App& command, const CLI::App& root, std::string& cases) {
  cases += "    '" + FullName(command) + "') words='" + Words(command, root) + "' ;;\n";
  for (const CLI::App* const below : CommandsOf(command)) AppendCases(*below, root, cases);
}

std::string CommandPaths(const CLI::App& command) {
  std::string paths;
  for (const CLI::App* const below : CommandsOf(command)) {
    paths += (paths.empty() ? "'" : "|'") + FullName(*below) + "'";
    const std::string deeper = CommandPaths(*below);
    if (!deeper.empty()) paths += "|" + deeper;
  }
  return paths;
}

// Finds the command that the words before the cursor name, then its words. `array` is how the shell counts.
std::string Finder(const CLI::App& root, const std::string& loop) {
  std::string valued;
  CollectValued(root, valued);
  std::string cases;
  AppendCases(root, root, cases);
  return "  local command=coffer words='' word previous=''\n" + loop + "    case \"$previous\" in " + valued +
         ") previous=''; continue ;; esac\n"
         "    previous=\"$word\"\n"
         "    case \"$command $word\" in\n"
         "      " +
         CommandPaths(root) +
         ") command=\"$command $word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$command\" in\n" +
         cases + "  esac\n";
}

// Inside single quotes.
std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

void AppendFish(const CLI::App& command, std::string& script) {
  const bool is_root = command.get_parent() == nullptr;
  const std::string where = "complete -c coffer -n " + FishQuoted("__coffer_at " + FishQuoted(FullName(command)));
  for (const CLI::App* const below : CommandsOf(command)) {
    script += where + " -f -a " + FishQuoted(below->get_name()) + " -d " + FishQuoted(below->get_description()) + "\n";
  }
  for (const CLI::Option* const option : OptionsOf(command)) {
    for (const std::string& name : option->get_lnames()) {
      script += (is_root ? std::string("complete -c coffer") : where) + " -l " + FishQuoted(name) +
                (option->get_items_expected_max() > 0 ? " -r" : "") + " -d " + FishQuoted(option->get_description()) +
                "\n";
    }
  }
  for (const CLI::App* const below : CommandsOf(command)) AppendFish(*below, script);
}

}  // namespace

std::string BashCompletion(const CLI::App& root) {
  std::string valued;
  CollectValued(root, valued);
  return "# bash completion for coffer; written by `coffer completion bash`\n"
         "_coffer() {\n" +
         Finder(root, "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n") +
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  case \"$previous\" in " +
         valued +
         ") words='' ;; esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "}\n"
         "complete -o default -o bashdefault -F _coffer coffer\n";
}

std::string ZshCompletion(const CLI::App& root) {
  std::string valued;
  CollectValued(root, valued);
  return "#compdef coffer\n"
         "# zsh completion for coffer; written by `coffer completion zsh`\n"
         "_coffer() {\n"
         "  local -a before=(\"${(@)words[2,CURRENT-1]}\")\n"
         "  _coffer_words \"${before[@]}\"\n"
         "}\n"
         "_coffer_words() {\n" +
         Finder(root, "  for word in \"$@\"; do\n") + "  case \"$previous\" in " + valued +
         ") _files; return ;; esac\n"
         "  compadd -- ${=words}\n"
         "  _files\n"
         "}\n"
         "compdef _coffer coffer\n";
}

std::string FishCompletion(const CLI::App& root) {
  std::string valued;
  CollectValued(root, valued);
  std::string script =
      "# fish completion for coffer; written by `coffer completion fish`\n"
      "function __coffer_at\n"
      "  set -l command coffer\n"
      "  set -l skip 0\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    if test $skip = 1; set skip 0; continue; end\n"
      "    if string match -qr -- '^(" +
      valued +
      ")$' $word; set skip 1; continue; end\n"
      "    string match -q -- '-*' $word; or set command \"$command $word\"\n"
      "  end\n"
      "  test \"$command\" = \"$argv[1]\"\n"
      "end\n";
  AppendFish(root, script);
  return script;
}

}  // namespace coffer::cli
