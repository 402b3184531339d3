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
      context, context_, response, act,
      [](std::uint64_t serial, v1::ApplyPolicyResponse& message) { message.set_serial(serial); }, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::GetPolicy(grpc::CallbackServerContext* context,
                                                const v1::GetPolicyRequest* request, v1::GetPolicyResponse* response) {
  const auto act = [this, request](const Caller& caller) { return service_.ShowPolicy(caller, request->serial()); };
  return AnswerWith(context, context_, response, act, FillPolicy, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::ListApprovals(grpc::CallbackServerContext* context,
                                                    const v1::ListApprovalsRequest*,
                                                    v1::ListApprovalsResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.ListApprovals(caller); };
  return AnswerWith(
      context, context_, response, act,
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
      context, context_, response, act, [](bool, v1::ApproveResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AccessDoor::Deny(grpc::CallbackServerContext* context, const v1::DenyRequest* request,
                                           v1::DenyResponse* response) {
  const auto act = [this, request](const Caller& caller) { return service_.Deny(caller, request->id()); };
  return AnswerWith(
      context, context_, response, act, [](bool, v1::DenyResponse&) {}, RunOn::kOperator);
}

}  // namespace coffer::keysvc
