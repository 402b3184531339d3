// The command groups. Each adds itself to the tree.
#pragma once

#include "cli/command_tree.h"

namespace coffer::cli {

void AddOperatorCommands(CommandTree& tree);
// The parts of `coffer operator`.
void AddOperatorStatusCommand(CommandTree& tree, CLI::App& group);
void AddSealSlotCommands(CommandTree& tree, CLI::App& group);
void AddRecoveryCommands(CommandTree& tree, CLI::App& group);
void AddMergeCommand(CommandTree& tree, CLI::App& group);
void AddCatalogCommands(CommandTree& tree);
void AddKeyringCommands(CommandTree& tree);
// The part of `coffer keyring` about KEKs, rotation by age and destruction.
void AddKeyringLifeCommands(CommandTree& tree, CLI::App& keyring);
void AddTenantCommands(CommandTree& tree);
void AddCensusCommands(CommandTree& tree);
void AddDataKeyCommands(CommandTree& tree);
void AddSecretCommands(CommandTree& tree);
// The part of `coffer secret` that changes versions' states.
void AddSecretVersionCommands(CommandTree& tree, CLI::App& secret);
void AddDbCommands(CommandTree& tree);
// The parts of `coffer db`: an application's database.
void AddDbPlanCommand(CommandTree& tree, CLI::App& group);
void AddDbCheckCommand(CommandTree& tree, CLI::App& group);
void AddDbDumpCommand(CommandTree& tree, CLI::App& group);
void AddDbRewrapCommand(CommandTree& tree, CLI::App& group);
void AddDbCensusCommand(CommandTree& tree, CLI::App& group);
void AddFieldCommands(CommandTree& tree);
// The parts of `coffer catalog` and `coffer field` about indexes.
void AddCatalogPlanCommand(CommandTree& tree, CLI::App& catalog);
void AddFieldSearchCommand(CommandTree& tree, CLI::App& field);
void AddGrafanaCommands(CommandTree& tree);
// The part of `coffer grafana` that looks at its database.
void AddGrafanaScanCommand(CommandTree& tree, CLI::App& grafana);
// The parts that change what its database is encrypted with.
void AddGrafanaRotateCommands(CommandTree& tree, CLI::App& grafana);
void AddGrafanaRotateDataKeysCommand(CommandTree& tree, CLI::App& grafana);
// The parts that take credentials out of its database into the vault, and back.
void AddGrafanaTransferCommands(CommandTree& tree, CLI::App& grafana);
// The part of `coffer grafana` that serves Grafana.
void AddGrafanaSecureValuesCommand(CommandTree& tree, CLI::App& grafana);
void AddIdentityCommands(CommandTree& tree);
void AddPolicyCommands(CommandTree& tree);
// The part of `coffer policy` about single acts.
void AddPolicyActCommands(CommandTree& tree, CLI::App& policy);
// The part of `coffer policy` that changes a service's.
void AddPolicyApplyCommands(CommandTree& tree, CLI::App& policy);
void AddApprovalCommands(CommandTree& tree);
void AddGrantCommands(CommandTree& tree);
void AddBreakGlassCommands(CommandTree& tree);
void AddTokenCommands(CommandTree& tree);
void AddCertificateCommands(CommandTree& tree);
void AddAuditCommands(CommandTree& tree);
// The parts of `coffer audit`, each called by AddAuditCommands.
void AddAuditReadCommands(CommandTree& tree, CLI::App& audit);
void AddAuditProofCommands(CommandTree& tree, CLI::App& audit);
void AddAuditVerifyCommands(CommandTree& tree, CLI::App& audit);
void AddAuditWitnessCommands(CommandTree& tree, CLI::App& audit);
// Completion scripts and man pages of all that was added.
void AddDocumentCommands(CommandTree& tree);

}  // namespace coffer::cli
