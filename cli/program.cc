#include "cli/program.h"

#include "cli/commands.h"
#include "io/process_memory.h"

namespace coffer::cli {

void AddAllCommands(CommandTree& tree) {
  AddOperatorCommands(tree);
  AddCatalogCommands(tree);
  AddKeyringCommands(tree);
  AddTenantCommands(tree);
  AddCensusCommands(tree);
  AddDataKeyCommands(tree);
  AddSecretCommands(tree);
  AddFieldCommands(tree);
  AddDbCommands(tree);
  AddGrafanaCommands(tree);
  AddIdentityCommands(tree);
  AddPolicyCommands(tree);
  AddApprovalCommands(tree);
  AddGrantCommands(tree);
  AddBreakGlassCommands(tree);
  AddTokenCommands(tree);
  AddCertificateCommands(tree);
  AddAuditCommands(tree);
  AddDocumentCommands(tree);
}

int RunProgram(int argc, const char* const* argv) {
  // Where the kernel refuses, commands work all the same: what they hold is the caller's own.
  const Status denied = DenyCoreDumps();
  static_cast<void>(denied);
  CommandTree tree;
  AddAllCommands(tree);
  return tree.Run(argc, argv);
}

}  // namespace coffer::cli
