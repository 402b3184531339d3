#include "cli/command_tree.h"

#include <gtest/gtest.h>

#include "cli/completion.h"
#include "cli/man_pages.h"
#include "cli/program.h"

namespace coffer::cli {
namespace {

void ForEach(const CLI::App& command, const std::function<void(const CLI::App&)>& act) {
  act(command);
  for (const CLI::App* const below : CommandsOf(command)) ForEach(*below, act);
}

int RunWith(CommandTree& tree, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "coffer");
  return tree.Run(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandTree, RunsTheHandlerOfTheCommandThatWasNamed) {
  CommandTree tree;
  std::string ran;
  CLI::App& group = tree.AddGroup("group", "A group");
  for (const std::string name : {"one", "two"}) {
    tree.AddCommand(group, name, "A command", "", [&ran, name](Session&) -> Outcome<int> {
      ran += name;
      return 7;
    });
  }
  EXPECT_EQ(RunWith(tree, {"group", "two"}), 7);
  EXPECT_EQ(ran, "two");
}

TEST(CommandTree, AFailureGivesItsExitCode) {
  CommandTree tree;
  tree.AddCommand(tree.root(), "fail", "A command", "",
                  [](Session&) -> Outcome<int> { return Failure(5, "it failed"); });
  EXPECT_EQ(RunWith(tree, {"fail"}), 5);
}

TEST(CommandTree, AnExceptionOfALibraryEndsTheCommandOnly) {
  CommandTree tree;
  tree.AddCommand(tree.root(), "throw", "A command", "",
                  [](Session&) -> Outcome<int> { throw std::length_error("x"); });
  EXPECT_EQ(RunWith(tree, {"throw"}), kExitFailed);
}

TEST(CommandTree, NothingRunsOnBadUsage) {
  for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
           {}, {"two"}, {"one", "extra"}, {"one", "--bad"}, {"one", "--timeout", "x"}, {"one", "--role"}}) {
    CommandTree tree;
    bool ran = false;
    tree.AddCommand(tree.root(), "one", "A command", "", [&ran](Session&) -> Outcome<int> {
      ran = true;
      return 0;
    });
    EXPECT_EQ(RunWith(tree, arguments), kExitUsage);
    EXPECT_FALSE(ran);
  }
}

TEST(CommandTree, GlobalOptionsMayStandAnywhere) {
  for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
           {"--output", "json", "one"}, {"one", "--output", "json"}, {"one", "-o", "json"}}) {
    CommandTree tree;
    bool json = false;
    tree.AddCommand(tree.root(), "one", "A command", "", [&json](Session& session) -> Outcome<int> {
      json = session.json();
      return 0;
    });
    EXPECT_EQ(RunWith(tree, arguments), 0);
    EXPECT_TRUE(json);
  }
}

TEST(AllCommands, SayWhatTheyAreAndWhatTheirOptionsAre) {
  CommandTree tree;
  AddAllCommands(tree);
  std::size_t commands = 0;
  ForEach(tree.root(), [&commands](const CLI::App& command) {
    ++commands;
    EXPECT_FALSE(command.get_description().empty()) << FullName(command);
    for (const CLI::Option* const option : OptionsOf(command)) {
      EXPECT_FALSE(option->get_description().empty()) << FullName(command) << " " << option->get_name();
    }
  });
  EXPECT_GT(commands, 35U);
}

TEST(AllCommands, NoOptionTakesASecretFromTheArguments) {
  CommandTree tree;
  AddAllCommands(tree);
  ForEach(tree.root(), [](const CLI::App& command) {
    for (const CLI::Option* const option : OptionsOf(command)) {
      for (const std::string& name : option->get_lnames()) {
        const bool secret = name == "value" || name == "password" || name == "secret" || name == "passphrase";
        EXPECT_FALSE(secret && option->get_items_expected_max() > 0) << FullName(command) << " --" << name;
      }
    }
  });
}

TEST(Documents, NameEveryCommand) {
  CommandTree tree;
  AddAllCommands(tree);
  std::string pages;
  for (const auto& [name, text] : ManPages(tree.root(), "1.2.3")) pages += text;
  const std::string bash = BashCompletion(tree.root());
  const std::string zsh = ZshCompletion(tree.root());
  const std::string fish = FishCompletion(tree.root());
  ForEach(tree.root(), [&](const CLI::App& command) {
    EXPECT_NE(bash.find("'" + FullName(command) + "'"), std::string::npos) << FullName(command);
    EXPECT_NE(zsh.find("'" + FullName(command) + "'"), std::string::npos) << FullName(command);
    if (command.get_parent() != nullptr) {
      EXPECT_NE(fish.find("'" + command.get_name() + "'"), std::string::npos) << FullName(command);
    }
    for (const CLI::Option* const option : OptionsOf(command)) {
      for (const std::string& name : option->get_lnames()) {
        EXPECT_NE(bash.find("--" + name), std::string::npos) << name;
        EXPECT_NE(fish.find("-l '" + name + "'"), std::string::npos) << name;
      }
    }
  });
  EXPECT_NE(pages.find("coffer 1.2.3"), std::string::npos);
}

TEST(Documents, HideTheCommandThatWritesThem) {
  CommandTree tree;
  AddAllCommands(tree);
  for (const CLI::App* const command : CommandsOf(tree.root())) EXPECT_NE(command->get_name(), "man");
}

}  // namespace
}  // namespace coffer::cli
