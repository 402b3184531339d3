#include "keysvc/service/approvals.h"

#include <algorithm>

#include "policy/declaration.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kSecondsPerMinute = 60;

Error NoApproval() {
  return Error(ErrorCode::kNotFound, "there is none of this id that waits: it was used, denied, or has run out")
      .At("approval");
}

// Of the policy that holds.
const policy::AccessRule* RuleOf(const policy::AccessPolicy& policy, const policy::ApprovalStatement& statement) {
  const auto is = [&statement](const policy::AccessRule& rule) {
    return rule.id == statement.rule && rule.approvals && rule.operations.Has(statement.operation);
  };
  const auto found = std::find_if(policy.rules().begin(), policy.rules().end(), is);
  return found == policy.rules().end() ? nullptr : &*found;
}

bool MaySpeak(const policy::AccessPolicy& policy, const policy::ApprovalStatement& statement,
              const policy::Person& person) {
  const policy::AccessRule* rule = RuleOf(policy, statement);
  return rule != nullptr && person.HasOneOf(rule->approvals->roles);
}

Status CheckSerial(const policy::AccessPolicy& policy, const policy::ApprovalStatement& statement) {
  if (statement.policy_serial == policy.serial()) return {};
  return Error(ErrorCode::kFailedPrecondition, "was asked for under another policy: ask again").At("approval");
}

}  // namespace

std::string Approvals::CodeOf(std::string_view requester, const Digest& request) const {
  const ByteView key = request_key_.Expose(SecretAccess::kCipher);
  return "hmac-sha256:" + ToHex(HmacSha256(key, {request, AsBytes(requester)}));
}

Result<policy::ApprovalUuid> Approvals::Ask(const policy::AccessPolicy& policy, const policy::ApprovalRule& approvals,
                                            std::string_view rule, const Asked& asked, const std::string& reason) {
  COFFER_TRY(policy::CheckReason(reason, "coffer-approval-reason"));
  const std::int64_t now = clock_.UnixMicros();
  const policy::ApprovalStatement statement{
      .store = uuid_,
      .id = policy::ApprovalUuid::Generate(static_cast<std::uint64_t>(now / 1000)),
      .policy_serial = policy.serial(),
      .rule = std::string(rule),
      .requester = std::string(asked.requester),
      .not_after_unix_s = now / kMicrosPerSecond + std::int64_t{approvals.minutes} * kSecondsPerMinute,
      .reason = reason,
      .operation = asked.operation,
      .facts = asked.facts};
  COFFER_ASSIGN_OR_RETURN(const std::string text, statement.ToText());
  COFFER_ASSIGN_OR_RETURN(const std::vector<PendingApproval> waiting, List(policy));
  const policy::Person* const person = policy.PersonOf(asked.requester);
  const auto own = [&](const PendingApproval& one) { return policy.PersonOf(one.statement.requester) == person; };
  if (waiting.size() >= kMaxApprovals ||
      static_cast<std::size_t>(std::count_if(waiting.begin(), waiting.end(), own)) >= kMaxApprovalsOfOne) {
    return Error(ErrorCode::kResourceExhausted, "as many acts as may wait for approval: deny some, or let them run out")
        .WithLimit(waiting.size() >= kMaxApprovals ? kMaxApprovals : kMaxApprovalsOfOne);
  }
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_TRY(EraseOld(mutation));
  const ApprovalRecord record{.id = Uuid{statement.id.bytes}, .statement = text, .asked_us = now};
  COFFER_TRY(mutation.Insert(Table::kApproval, ToRow(record)));
  COFFER_TRY(mutation.Commit());
  return statement.id;
}

Result<PendingApproval> Approvals::Find(const policy::AccessPolicy& policy, const std::string& id,
                                        const Asked& asked) const {
  COFFER_ASSIGN_OR_RETURN(PendingApproval found, Read(policy, id));
  COFFER_TRY(CheckSerial(policy, found.statement));
  if (found.statement.requester != asked.requester || found.statement.operation != asked.operation ||
      !(found.statement.facts == asked.facts)) {
    return Error(ErrorCode::kPermissionDenied,
                 "is for another act: by somebody else, of something else, or changed since")
        .At("approval");
  }
  return found;
}

Status Approvals::Use(policy::ApprovalUuid id) {
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_TRY(Erase(mutation, Uuid{id.bytes}));
  return mutation.Commit();
}

Result<std::vector<PendingApproval>> Approvals::List(const policy::AccessPolicy& policy) const {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store_.Scan({.table = Table::kApproval}));
  std::vector<PendingApproval> list;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(PendingApproval pending, FromRow(policy, row));
    if (pending.statement.not_after_unix_s > clock_.UnixMicros() / kMicrosPerSecond) list.push_back(std::move(pending));
  }
  return list;
}

Status Approvals::Approve(const policy::AccessPolicy& policy, const std::string& id, const policy::Person& person,
                          const std::string& signature) {
  COFFER_ASSIGN_OR_RETURN(const PendingApproval pending, Read(policy, id));
  COFFER_TRY(CheckSerial(policy, pending.statement));
  if (policy.PersonOf(pending.statement.requester) == &person) {
    return Error(ErrorCode::kPermissionDenied, "nobody approves what he asked for himself").At("approval");
  }
  if (!MaySpeak(policy, pending.statement, person)) {
    return Error(ErrorCode::kPermissionDenied, "the rule that asks names other roles than yours").At("approval");
  }
  if (!person.key.VerifiesLine(pending.text, signature)) {
    return Error(ErrorCode::kPermissionDenied, "is no signature of the caller's own key over this statement")
        .At("signature");
  }
  const ApprovalVoteRecord vote{.approval = Uuid{pending.statement.id.bytes},
                                .person = person.name,
                                .signature = signature,
                                .voted_us = clock_.UnixMicros()};
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::optional<Row> there, mutation.Get(Table::kApproval, {vote.approval}));
  if (!there) return NoApproval();
  COFFER_ASSIGN_OR_RETURN(const std::optional<Row> before,
                          mutation.Get(Table::kApprovalVote, {vote.approval, vote.person}));
  COFFER_TRY(before ? mutation.Update(Table::kApprovalVote, ToRow(vote))
                    : mutation.Insert(Table::kApprovalVote, ToRow(vote)));
  return mutation.Commit();
}

Status Approvals::Deny(const policy::AccessPolicy& policy, const std::string& id, const policy::Person& person) {
  COFFER_ASSIGN_OR_RETURN(const PendingApproval pending, Read(policy, id));
  if (!MaySpeak(policy, pending.statement, person) && policy.PersonOf(pending.statement.requester) != &person) {
    return Error(ErrorCode::kPermissionDenied, "the rule that asks names other roles than yours").At("approval");
  }
  return Use(pending.statement.id);
}

Result<PendingApproval> Approvals::Read(const policy::AccessPolicy& policy, const std::string& id) const {
  const Result<Uuid> uuid = Uuid::Parse(id);
  if (!uuid.ok()) return Error(ErrorCode::kInvalidArgument, "is no approval's id").At("approval");
  COFFER_ASSIGN_OR_RETURN(const std::optional<Row> row, store_.Get(Table::kApproval, {*uuid}));
  if (!row) return NoApproval();
  COFFER_ASSIGN_OR_RETURN(PendingApproval pending, FromRow(policy, *row));
  if (pending.statement.not_after_unix_s <= clock_.UnixMicros() / kMicrosPerSecond) return NoApproval();
  return pending;
}

Result<PendingApproval> Approvals::FromRow(const policy::AccessPolicy& policy, const Row& row) const {
  COFFER_ASSIGN_OR_RETURN(ApprovalRecord record, ApprovalFromRow(row));
  Result<policy::ApprovalStatement> statement = policy::ApprovalStatement::Parse(record.statement);
  if (!statement.ok() || statement->id.bytes != record.id.bytes || statement->store != uuid_) {
    return Error(ErrorCode::kIntegrity, "holds a statement that contradicts itself").At("approval");
  }
  PendingApproval pending{.statement = std::move(statement).value(),
                          .text = std::move(record.statement),
                          .asked_us = record.asked_us,
                          .approved_by = {}};
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                          store_.Scan({.table = Table::kApprovalVote, .equals = {record.id}}));
  for (const Row& voted : rows) {
    COFFER_ASSIGN_OR_RETURN(const ApprovalVoteRecord vote, ApprovalVoteFromRow(voted));
    const policy::Person* person = policy.FindPerson(vote.person);
    // A person who is gone, or has another key now, has not approved.
    if (person != nullptr && person->key.VerifiesLine(pending.text, vote.signature)) {
      pending.approved_by.push_back(vote.person);
    }
  }
  return pending;
}

Status Approvals::Erase(StoreMutation& mutation, const Uuid& id) const {
  const Status erased = mutation.Erase(Table::kApproval, {id});
  if (!erased.ok() && erased.error().code() == ErrorCode::kNotFound) return NoApproval();
  COFFER_TRY(erased);
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> votes, mutation.Scan({.table = Table::kApprovalVote, .equals = {id}}));
  for (const Row& vote : votes) COFFER_TRY(mutation.Erase(Table::kApprovalVote, {vote[0], vote[1]}));
  return {};
}

Status Approvals::EraseOld(StoreMutation& mutation) const {
  const std::int64_t now = clock_.UnixMicros() / kMicrosPerSecond;
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, mutation.Scan({.table = Table::kApproval}));
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(const ApprovalRecord record, ApprovalFromRow(row));
    const Result<policy::ApprovalStatement> statement = policy::ApprovalStatement::Parse(record.statement);
    if (!statement.ok() || statement->not_after_unix_s <= now) COFFER_TRY(Erase(mutation, record.id));
  }
  return {};
}

}  // namespace coffer::keysvc
