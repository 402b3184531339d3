// The command groups. Each adds itself to the tree.
#pragma once

#include "cli/command_tree.h"

namespace coffer::cli {

void AddOperatorCommands(CommandTree& tree);
void AddCatalogCommands(CommandTree& tree);
void AddKeyringCommands(CommandTree& tree);
void AddTenantCommands(CommandTree& tree);
void AddSecretCommands(CommandTree& tree);
// The part of `coffer secret` that changes versions' states.
void AddSecretVersionCommands(CommandTree& tree, CLI::App& secret);
void AddFieldCommands(CommandTree& tree);
// The parts of `coffer catalog` and `coffer field` about indexes.
void AddCatalogPlanCommand(CommandTree& tree, CLI::App& catalog);
void AddFieldSearchCommand(CommandTree& tree, CLI::App& field);
void AddGrafanaCommands(CommandTree& tree);
// Completion scripts and man pages of all that was added.
void AddDocumentCommands(CommandTree& tree);

}  // namespace coffer::cli
