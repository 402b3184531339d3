#include "policy/roles.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace coffer::policy {
namespace {

std::string Padded(std::string_view text, std::size_t width) {
  std::string padded(text);
  padded.resize(std::max(width, padded.size()), ' ');
  return padded;
}

// The table that people review: one operation a line, one role a column.
std::string Matrix() {
  std::string text = Padded("operation", 22);
  for (const Role role : AllRoles()) text += "  " + Padded(RoleName(role), 12);
  text += "\n";
  for (const Operation operation : AllOperations()) {
    text += Padded(OperationName(operation), 22);
    for (const Role role : AllRoles()) {
      std::string_view word = MayEver(role, operation).allowed ? "yes" : "-";
      text += "  " + Padded(word, 12);
    }
    if (NeedsSecondPerson(operation)) text += "  second person";
    text += "\n";
  }
  std::string trimmed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) trimmed += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  return trimmed;
}

TEST(Roles, DecisionsAreTheReviewedMatrix) {
  std::ifstream file("tests/policy/roles_matrix.txt");
  std::stringstream reviewed;
  reviewed << file.rdbuf();
  EXPECT_EQ(Matrix(), reviewed.str());
}

TEST(Roles, EveryDecisionNamesItsRuleAndReason) {
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      const RoleDecision decision = MayEver(role, operation);
      EXPECT_FALSE(decision.rule.empty());
      EXPECT_FALSE(decision.reason.empty());
      if (decision.allowed) {
        EXPECT_EQ(decision.rule.rfind(RoleName(role), 0), 0u) << decision.rule;
      }
    }
  }
}

TEST(Roles, WhatNoRuleAllowsIsDenied) {
  const RoleDecision decision = MayEver(Role::kAuditor, Operation::kDecryptFields);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.rule, "default-deny");
}

TEST(Roles, ValuesOutsideTheEnumsAreDenied) {
  EXPECT_FALSE(MayEver(Role::kAdmin, static_cast<Operation>(kOperationCount)).allowed);
  EXPECT_FALSE(MayEver(Role::kAdmin, static_cast<Operation>(255)).allowed);
  for (const Operation operation : AllOperations()) {
    EXPECT_FALSE(MayEver(static_cast<Role>(kRoleCount), operation).allowed);
    EXPECT_FALSE(MayEver(static_cast<Role>(255), operation).allowed);
  }
  EXPECT_EQ(RoleName(static_cast<Role>(99)), "?");
  EXPECT_EQ(OperationName(static_cast<Operation>(99)), "?");
}

TEST(Roles, DatabaseAdministratorsNeverSeePlaintextWeakenOrDestroy) {
  const std::set<Operation> never = {
      Operation::kDecryptFields,   Operation::kEncryptFields,    Operation::kGetSecret,
      Operation::kPutSecret,       Operation::kApplyCatalog,     Operation::kDestroySecret,
      Operation::kScheduleDestroy, Operation::kShredTenant,      Operation::kRemoveCensusSource,
      Operation::kUnwrapDataKey,   Operation::kGenerateDataKey,  Operation::kDisableVersion,
      Operation::kUnseal,          Operation::kInitStore,        Operation::kIssueGrant,
      Operation::kCreateToken,     Operation::kAllowCertificate, Operation::kBreakGlass};
  for (const Operation operation : never)
    EXPECT_FALSE(MayEver(Role::kDba, operation).allowed) << OperationName(operation);
}

TEST(Roles, OnlyApplicationsReadValues) {
  for (const Role role : AllRoles()) {
    for (const Operation operation :
         {Operation::kDecryptFields, Operation::kGetSecret, Operation::kUnwrapDataKey, Operation::kGenerateDataKey}) {
      EXPECT_EQ(MayEver(role, operation).allowed, role == Role::kApp) << RoleName(role);
    }
  }
}

TEST(Roles, OnlyAuditorsReadWhoDidWhatAndEverybodySeesCheckpoints) {
  for (const Role role : AllRoles()) {
    for (const Operation operation :
         {Operation::kQueryRecords, Operation::kAggregateRecords, Operation::kTailRecords}) {
      EXPECT_EQ(MayEver(role, operation).allowed, role == Role::kAuditor) << RoleName(role);
    }
    EXPECT_TRUE(MayEver(role, Operation::kGetCheckpoint).allowed) << RoleName(role);
    EXPECT_TRUE(MayEver(role, Operation::kProveConsistency).allowed) << RoleName(role);
  }
  EXPECT_EQ(MayEver(Role::kAdmin, Operation::kQueryRecords).rule, "admin-sees-no-people");
  EXPECT_FALSE(MayEver(Role::kApp, Operation::kProveRecord).allowed);
}

TEST(Roles, WhatCannotBeUndoneNeedsASecondPerson) {
  const std::set<Operation> asking = {
      Operation::kDestroySecret, Operation::kScheduleDestroy, Operation::kShredTenant, Operation::kRemoveCensusSource,
      Operation::kAddSealSlot,   Operation::kRemoveSealSlot,  Operation::kRekey,       Operation::kMergeStore,
      Operation::kWeakenCatalog, Operation::kIssueGrant,      Operation::kCreateToken, Operation::kAllowCertificate};
  for (const Operation operation : AllOperations()) {
    EXPECT_EQ(NeedsSecondPerson(operation), asking.contains(operation)) << OperationName(operation);
  }
}

// Giving access asks two; taking it back, and what a signature decides, no policy can refuse.
TEST(Roles, WhatARoleAloneDecides) {
  const std::set<Operation> by_role = {Operation::kInitStore,
                                       Operation::kUnseal,
                                       Operation::kSeal,
                                       Operation::kStartRecovery,
                                       Operation::kRecoverStore,
                                       Operation::kShowStatus,
                                       Operation::kApplyPolicy,
                                       Operation::kShowPolicy,
                                       Operation::kListApprovals,
                                       Operation::kApprove,
                                       Operation::kDeny,
                                       Operation::kListGrants,
                                       Operation::kRevokeGrant,
                                       Operation::kBreakGlass,
                                       Operation::kListTokens,
                                       Operation::kRevokeToken,
                                       Operation::kDenyCertificate,
                                       Operation::kReviewBreakGlass,
                                       Operation::kListDeniedCertificates};
  for (const Operation operation : AllOperations()) {
    EXPECT_EQ(IsDecidedByRole(operation), by_role.contains(operation)) << OperationName(operation);
    EXPECT_FALSE(IsDecidedByRole(operation) && NeedsSecondPerson(operation)) << OperationName(operation);
  }
}

TEST(Roles, WhoUsesAnEmergencyNeverReviewsIt) {
  for (const Role role : AllRoles()) {
    EXPECT_EQ(MayEver(role, Operation::kBreakGlass).allowed, role == Role::kApp || role == Role::kRestorer);
    EXPECT_EQ(MayEver(role, Operation::kReviewBreakGlass).allowed, role == Role::kAuditor);
  }
}

TEST(Roles, NamesAreReadBack) {
  std::set<std::string_view> names;
  for (const Role role : AllRoles()) {
    EXPECT_EQ(ParseRole(RoleName(role)), role);
    names.insert(RoleName(role));
  }
  EXPECT_EQ(names.size(), kRoleCount);
  for (const char* text : {"", "root", "App", "app ", "backup_agent", "admin\n", "?"})
    EXPECT_FALSE(ParseRole(text)) << text;
}

TEST(Roles, OperationNamesDiffer) {
  std::set<std::string_view> names;
  for (const Operation operation : AllOperations()) names.insert(OperationName(operation));
  EXPECT_EQ(names.size(), kOperationCount);
  EXPECT_EQ(OperationName(Operation::kEncryptFields), "EncryptFields");
  EXPECT_EQ(OperationName(Operation::kDestroySecret), "DestroySecret");
  EXPECT_EQ(OperationName(Operation::kShowCatalog), "ShowCatalog");
}

}  // namespace
}  // namespace coffer::policy
