// Completion scripts, written from the tree of commands: what a shell offers is what the program takes.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace coffer::cli {

// Each completes commands, option names and, after an option with a value, files.
std::string BashCompletion(const CLI::App& root);
std::string ZshCompletion(const CLI::App& root);
std::string FishCompletion(const CLI::App& root);

}  // namespace coffer::cli
