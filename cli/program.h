// The whole program but main(), so that tests can have its tree.
#pragma once

#include "cli/command_tree.h"

namespace coffer::cli {

// Adds every command.
void AddAllCommands(CommandTree& tree);

// Keeps secrets off disks, runs one command, gives the exit code.
int RunProgram(int argc, const char* const* argv);

}  // namespace coffer::cli
