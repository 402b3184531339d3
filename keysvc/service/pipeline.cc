#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

CallRecord Pipeline::NewRecord(const Caller& caller, policy::Operation operation) const {
  const policy::Decision decision = policy::Decide(caller.principal.role, operation);
  CallRecord record;
  record.principal = caller.principal.id;
  record.role = caller.principal.role;
  record.operation = operation;
  record.allowed = decision.allowed;
  record.rule = decision.rule;
  return record;
}

Error Pipeline::Refusal() {
  return Error(ErrorCode::kPermissionDenied, "the policy does not allow this operation to your role");
}

Error Pipeline::Reject(const Caller& caller, policy::Operation operation, Error error) const {
  CallRecord record = NewRecord(caller, operation);
  const Result<bool> result = record.allowed ? std::move(error) : Refusal();
  const Status recorded = Finish(record, result);
  return recorded.ok() ? result.error() : recorded.error();
}

Status Pipeline::Begin(CallRecord& record) const {
  if (!record.allowed) return {};
  record.phase = CallRecord::Phase::kBegin;
  return recorder_(record);
}

Status Pipeline::CheckAlone(const Caller& caller, std::string_view reason, CallRecord& record) {
  if (reason.empty()) {
    return Error(ErrorCode::kFailedPrecondition,
                 "asks a second person, and approvals do not exist yet: on the admin socket one person may do it with "
                 "--alone REASON");
  }
  // It is written into the log as it is: a control character could forge a line.
  if (!policy::IsReason(reason)) {
    return Error(ErrorCode::kInvalidArgument, "must be 1 to 200 characters that all show")
        .At("alone_reason")
        .WithLimit(policy::kMaxReason);
  }
  if (!caller.local || caller.principal.role != policy::Role::kAdmin) {
    return Error(ErrorCode::kPermissionDenied, "one person alone may do this on the admin's unix socket only")
        .At("alone_reason");
  }
  record.alone_reason = std::string(reason);
  return {};
}

}  // namespace coffer::keysvc
