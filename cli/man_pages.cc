#include "cli/man_pages.h"

namespace coffer::cli {
namespace {

// Text that roff prints as it is.
std::string Escaped(const std::string& text) {
  std::string escaped;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    line_start = c == '\n';
  }
  return escaped;
}

std::string PageName(const CLI::App& command) {
  std::string name = FullName(command);
  for (char& c : name) c = c == ' ' ? '-' : c;
  return name;
}

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string OptionNames(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += "\\fB\\-" + Escaped(name) + "\\fR, ";
  for (const std::string& name : option.get_lnames()) names += "\\fB\\-\\-" + Escaped(name) + "\\fR, ";
  names.resize(names.size() - 2);
  if (option.get_items_expected_max() > 0) names += " \\fI" + Escaped(option.get_type_name()) + "\\fR";
  return names;
}

void AppendOptions(const CLI::App& command, std::string& page) {
  for (const CLI::Option* const argument : ArgumentsOf(command)) {
    page += ".TP\n\\fI" + Escaped(argument->get_type_name()) + "\\fR\n" + Escaped(argument->get_description()) + "\n";
  }
  for (const CLI::Option* const option : OptionsOf(command)) {
    page += ".TP\n" + OptionNames(*option) + "\n" + Escaped(option->get_description()) + "\n";
  }
}

void AppendExamples(const CLI::App& command, std::string& page) {
  constexpr std::string_view kHeading = "Examples:\n";
  const std::string footer = command.get_footer();
  if (!footer.starts_with(kHeading)) return;
  page += ".PP\nExamples:\n.PP\n.nf\n" + Escaped(footer.substr(kHeading.size())) + "\n.fi\n";
}

// A command with what it takes, as a subsection.
void AppendCommand(const CLI::App& command, std::string& page) {
  std::string usage = FullName(command);
  for (const CLI::Option* const argument : ArgumentsOf(command)) {
    const bool required = argument->get_required();
    usage += (required ? " " : " [") + argument->get_type_name() + (required ? "" : "]");
  }
  page += ".SS " + Escaped(usage) + "\n" + Escaped(command.get_description()) + ".\n";
  AppendOptions(command, page);
  AppendExamples(command, page);
  for (const CLI::App* const below : CommandsOf(command)) AppendCommand(*below, page);
}

std::string Heading(const CLI::App& command, const std::string& version) {
  const std::string name = PageName(command);
  return ".TH " + Upper(Escaped(name)) + " 1 \"\" \"coffer " + Escaped(version) + "\" \"Coffer\"\n.SH NAME\n" +
         Escaped(name) + " \\- " + Escaped(command.get_description()) + "\n.SH SYNOPSIS\n.B " +
         Escaped(FullName(command)) + "\n.I COMMAND\n[options]\n";
}

std::string RootPage(const CLI::App& root, const std::string& version) {
  std::string page = Heading(root, version) + ".SH COMMANDS\n";
  std::string commands;
  for (const CLI::App* const below : CommandsOf(root)) {
    if (CommandsOf(*below).empty()) {
      AppendCommand(*below, commands);
    } else {
      page += ".TP\n.BR " + Escaped(PageName(*below)) + " (1)\n" + Escaped(below->get_description()) + "\n";
    }
  }
  page += commands + ".SH OPTIONS\nThese may stand anywhere.\n";
  AppendOptions(root, page);
  return page + ".SH NOTES\n" + Escaped(root.get_footer()) + "\n";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ManPages(const CLI::App& root, const std::string& version) {
  std::vector<std::pair<std::string, std::string>> pages = {{"coffer.1", RootPage(root, version)}};
  for (const CLI::App* const group : CommandsOf(root)) {
    if (CommandsOf(*group).empty()) continue;
    std::string page = Heading(*group, version) + ".SH COMMANDS\n";
    for (const CLI::App* const below : CommandsOf(*group)) AppendCommand(*below, page);
    page += ".SH SEE ALSO\n.BR coffer (1)\nfor the options that every command takes.\n";
    pages.emplace_back(PageName(*group) + ".1", std::move(page));
  }
  return pages;
}

}  // namespace coffer::cli
