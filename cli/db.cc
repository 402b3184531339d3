// coffer db: an application's database, looked at and worked on from outside.
#include "cli/commands.h"

namespace coffer::cli {

void AddDbCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("db", "An application's database, PostgreSQL or SQLite");
  AddDbPlanCommand(tree, group);
  AddDbCheckCommand(tree, group);
  AddDbDumpCommand(tree, group);
  AddDbRewrapCommand(tree, group);
  AddDbCensusCommand(tree, group);
}

}  // namespace coffer::cli
