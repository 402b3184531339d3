#include "keysvc/rpc/access_door.h"

#include "keysvc/rpc/seal_messages.h"

namespace coffer::keysvc {
namespace {

Status CheckSize(const std::string& text, std::size_t max, std::string_view name) {
  if (text.size() <= max) return {};
  return Error(ErrorCode::kInvalidArgument, "is longer than allowed").At(name).WithLimit(max);
}

Result<AccessService::ApplyRequest> ApplyRequestOf(const v1::ApplyPolicyRequest& message) {
  COFFER_TRY(CheckSize(message.policy(), kMaxPolicyText, "policy"));
  COFFER_TRY(CheckSize(message.signatures(), kMaxSignaturesText, "signatures"));
  AccessService::ApplyRequest request{
      .policy = message.policy(), .signatures = message.signatures(), .recovery = std::nullopt};
  if (!message.has_recovery()) return request;
  if (!request.signatures.empty()) {
    return Error(ErrorCode::kInvalidArgument, "stands instead of signatures, not beside them").At("recovery");
  }
  COFFER_ASSIGN_OR_RETURN(request.recovery, ProofOf(message.recovery()));
  return request;
}

void FillPolicy(const AccessPolicyRecord& record, v1::GetPolicyResponse& message) {
  message.set_serial(static_cast<std::uint64_t>(record.serial));
  message.set_policy(record.policy);
  message.set_signatures(record.signatures);
  message.set_recovered(record.recovered);
  message.set_applied_us(record.applied_us);
  message.set_applied_by(record.applied_by);
}

void FillApproval(const PendingApproval& pending, v1::PendingApproval& message) {
  message.set_id(pending.statement.id.ToText());
  message.set_statement(pending.text);
  message.set_asked_us(pending.asked_us);
  for (const std::string& person : pending.approved_by) message.add_approved_by(person);
}

void FillGrant(const AccessGrantRecord& record, v1::IssuedGrant& message) {
  message.set_name(record.name);
  message.set_grant(record.text);
  message.set_issued_us(record.issued_us);
  message.set_issued_by(record.issued_by);
  message.set_reason(record.reason);
}

void FillUse(const Grants::Emergency& emergency, v1::BreakGlassUse& message) {
  const BreakGlassRecord& record = emergency.record;
  message.set_id(record.id.ToText());
  message.set_statement(record.statement);
  message.set_activated_us(record.activated_us);
  message.set_ended_us(record.ended_us.value_or(0));
  message.set_reviewed_us(record.reviewed_us.value_or(0));
  message.set_reviewed_by(record.reviewed_by);
  message.set_review(record.review);
  message.set_active(emergency.active);
}

}  // namespace

grpc::ServerUnaryReactor* AccessDoor::ApplyPolicy(grpc::CallbackServerContext* context,
                                                  const v1::ApplyPolicyRequest* request,
                                                  v1::ApplyPolicyResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<std::uint64_t> {
    const Result<AccessService::ApplyRequest> wanted = ApplyRequestOf(*request);
    if (!wanted.ok()) return service_.Reject(caller, policy::Operation::kApplyPolicy, wanted.error());
    return service_.ApplyPolicy(caller, *wanted);
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](std::uint64_t serial, v1::ApplyPolicyResponse& message) { message.set_serial(serial); }, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::GetPolicy(grpc::CallbackServerContext* context,
                                                const v1::GetPolicyRequest* request, v1::GetPolicyResponse* response) {
  const auto act = [this, request](const Caller& caller) { return service_.ShowPolicy(caller, request->serial()); };
  return AnswerWith(context, context_, *request, response, act, FillPolicy, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::ListApprovals(grpc::CallbackServerContext* context,
                                                    const v1::ListApprovalsRequest* request,
                                                    v1::ListApprovalsResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.ListApprovals(caller); };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const std::vector<PendingApproval>& list, v1::ListApprovalsResponse& message) {
        for (const PendingApproval& pending : list) FillApproval(pending, *message.add_approvals());
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::Approve(grpc::CallbackServerContext* context, const v1::ApproveRequest* request,
                                              v1::ApproveResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<bool> {
    const Status size = CheckSize(request->signature(), kMaxSignaturesText, "signature");
    if (!size.ok()) return service_.Reject(caller, policy::Operation::kApprove, size.error());
    return service_.Approve(caller, request->id(), request->signature());
  };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::ApproveResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::Deny(grpc::CallbackServerContext* context, const v1::DenyRequest* request,
                                           v1::DenyResponse* response) {
  const auto act = [this, request](const Caller& caller) { return service_.Deny(caller, request->id()); };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::DenyResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::IssueGrant(grpc::CallbackServerContext* context,
                                                 const v1::IssueGrantRequest* request,
                                                 v1::IssueGrantResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<std::string> {
    const Status size = CheckSize(request->grant(), policy::kMaxIssuedGrantBytes, "grant");
    if (!size.ok()) return service_.Reject(caller, policy::Operation::kIssueGrant, size.error());
    return service_.IssueGrant(caller, request->grant());
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const std::string& name, v1::IssueGrantResponse& message) { message.set_name(name); }, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::ListGrants(grpc::CallbackServerContext* context,
                                                 const v1::ListGrantsRequest* request,
                                                 v1::ListGrantsResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.ListGrants(caller); };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const AccessService::InForce& in_force, v1::ListGrantsResponse& message) {
        for (const AccessGrantRecord& record : in_force.grants) FillGrant(record, *message.add_grants());
        for (const Grants::Emergency& emergency : in_force.emergencies) FillUse(emergency, *message.add_emergencies());
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::RevokeGrant(grpc::CallbackServerContext* context,
                                                  const v1::RevokeGrantRequest* request,
                                                  v1::RevokeGrantResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.RevokeGrant(caller, request->name(), request->reason());
  };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::RevokeGrantResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::BreakGlass(grpc::CallbackServerContext* context,
                                                 const v1::BreakGlassRequest* request,
                                                 v1::BreakGlassResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<policy::BreakGlassStatement> {
    Status size = CheckSize(request->statement(), kMaxStatementText, "statement");
    if (size.ok()) size = CheckSize(request->signature(), kMaxSignaturesText, "signature");
    if (!size.ok()) return service_.Reject(caller, policy::Operation::kBreakGlass, size.error());
    return service_.BreakGlass(caller, request->statement(), request->signature());
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const policy::BreakGlassStatement& statement, v1::BreakGlassResponse& message) {
        message.set_id(statement.id.ToText());
        message.set_until_us(statement.not_after_unix_s * kMicrosPerSecond);
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::ReviewBreakGlass(grpc::CallbackServerContext* context,
                                                       const v1::ReviewBreakGlassRequest* request,
                                                       v1::ReviewBreakGlassResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.ReviewBreakGlass(caller, request->id(), request->review());
  };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::ReviewBreakGlassResponse&) {}, RunOn::kOperator);
}

}  // namespace coffer::keysvc
