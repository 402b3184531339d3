// coffer audit: reads the audit log. Each part of the group is a file of its own.
#include "cli/commands.h"

namespace coffer::cli {

void AddAuditCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("audit", "What was asked of the service, by whom, and the proof that it is so");
  AddAuditReadCommands(tree, group);
  AddAuditProofCommands(tree, group);
  AddAuditVerifyCommands(tree, group);
  AddAuditWitnessCommands(tree, group);
}

}  // namespace coffer::cli
