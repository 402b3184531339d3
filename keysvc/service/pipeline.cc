#include "keysvc/service/pipeline.h"

#include <algorithm>

#include "crypto/names.h"
#include "policy/declaration.h"

namespace coffer::keysvc {
namespace {

audit::Authentication AuthenticationOf(policy::Principal::Method method) {
  switch (method) {
    case policy::Principal::Method::kUnixSocket:
      return audit::Authentication::kUnixSocket;
    case policy::Principal::Method::kCertificate:
      return audit::Authentication::kCertificate;
    case policy::Principal::Method::kJwt:
      return audit::Authentication::kJwt;
    case policy::Principal::Method::kToken:
      return audit::Authentication::kToken;
    case policy::Principal::Method::kDev:
      break;
  }
  return audit::Authentication::kNone;
}

Status CheckClaim(std::string_view claim, std::size_t max, bool spaces, std::string_view name) {
  const auto fits = [spaces](char c) {
    if (spaces) return c >= ' ' && c <= '~';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-").find(c) != std::string_view::npos;
  };
  if (claim.size() <= max && std::all_of(claim.begin(), claim.end(), fits)) return {};
  return Error(ErrorCode::kInvalidArgument, "is too long, or has characters that it may not have")
      .At(name)
      .WithLimit(max);
}

// An act that rules do not narrow, and that one person may do where the policy asks for no more. A catalog may be a
// graver act by what is in it: that is decided once it is read.
bool IsWhole(policy::Operation operation) {
  if (operation == policy::Operation::kApplyCatalog) return false;
  const auto facets = policy::AllFacets();
  return !policy::NeedsSecondPerson(operation) && std::none_of(facets.begin(), facets.end(), [=](policy::Facet facet) {
    return policy::HasFacet(operation, facet);
  });
}

// What a waiting thread and the log share.
struct Waiting {
  Mutex mutex;
  Condition changed;
  std::optional<Result<std::uint64_t>> answer COFFER_GUARDED_BY(mutex);
};

}  // namespace

Status Claims::Check() const {
  COFFER_TRY(CheckClaim(purpose, kMaxPurpose, false, "coffer-purpose"));
  COFFER_TRY(CheckClaim(on_behalf_of, kMaxOnBehalfOf, true, "coffer-on-behalf-of"));
  return CheckClaim(request_id, kMaxRequestId, false, "coffer-request-id");
}

Subject Subject::Named(std::string_view name) {
  Subject subject;
  if (IsSlug(name)) subject.object = name;
  return subject;
}

Subject Subject::OfSecret(std::string_view tenant, std::string_view path) {
  Subject subject = OfKey(tenant, {});
  const Result<SecretPath> parsed = SecretPath::Parse(path);
  if (parsed.ok()) subject.object = parsed->text();
  return subject;
}

Subject Subject::OfKey(std::string_view tenant, std::string_view keyring) {
  Subject subject = Named(keyring);
  if (tenant.empty()) tenant = kDefaultTenant;
  if (IsSlug(tenant)) subject.tenant = tenant;
  return subject;
}

Subject Subject::OfId(std::string_view id, std::string_view reason) {
  Subject subject = Because(reason);
  if (Uuid::Parse(id).ok()) subject.object = id;
  return subject;
}

Subject Subject::Because(std::string_view reason) {
  Subject subject;
  if (policy::IsReason(reason)) subject.reason = reason;
  return subject;
}

Recorder Immediately(std::function<Status(const CallRecord&)> take) {
  return [take = std::move(take)](const CallRecord& record, const OnRecorded& recorded) {
    const Status taken = take(record);
    recorded(taken.ok() ? Result<std::uint64_t>(0) : Result<std::uint64_t>(taken.error()));
  };
}

CallRecord Pipeline::RecordOf(const Caller& caller, policy::Operation operation) const {
  CallRecord record;
  record.policy = barrier_.policy();
  record.decided_us = barrier_.clock().UnixMicros();
  record.principal = caller.principal.id;
  record.authentication = AuthenticationOf(caller.principal.method);
  record.peer = caller.peer;
  const Status claims = caller.claims.Check();
  if (claims.ok()) {
    record.claims = caller.claims;
  } else {
    record.bad_claims = claims.error();
  }
  record.accepted_us = caller.accepted_us;
  record.role = caller.principal.role;
  record.operation = operation;
  record.approval = caller.approval;
  return record;
}

CallRecord Pipeline::NewRecord(const Caller& caller, policy::Operation operation, const Subject& subject) const {
  CallRecord record = RecordOf(caller, operation);
  record.object = subject.object;
  record.tenant = subject.tenant;
  record.reason = subject.reason;
  record.spent = &spent_;
  Decide(record);
  return record;
}

Status Pipeline::DecideAgain(const Caller& caller, CallRecord& record) const {
  CallRecord now = RecordOf(caller, record.operation);
  const Status authorised = Authorise(now, {});
  record.policy = std::move(now.policy);
  record.decided_us = now.decided_us;
  record.rule = now.rule;
  record.allowed = now.allowed;
  return authorised;
}

void Pipeline::Decide(CallRecord& record) {
  if (IsWhole(record.operation) && !AsksOthers(record)) {
    const Status authorised = Authorise(record, {});
    if (!authorised.ok() && record.allowed) record.over_limit = authorised.error();
    return;
  }
  const policy::Decision decision = record.policy->DecideBeforehand(record.role, record.principal, record.operation);
  record.allowed = decision.outcome != policy::Outcome::kDenied;
  record.rule = decision.rule;
}

Status Pipeline::AuthoriseWhole(CallRecord& record, Unsealed& unsealed) {
  record.approvals = unsealed.approvals.get();
  if (record.decided) return CheckNothingAsked(record);
  return IsWhole(record.operation) ? Authorise(record, {}) : Status();
}

Status Pipeline::AuthoriseOpen(CallRecord& record) const {
  if (record.decided) return CheckNothingAsked(record);
  if (!IsWhole(record.operation)) return {};
  COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, barrier_.Enter());
  if (unsealed->policies->view() != record.policy) return PolicyChanged();
  const Status authorised = AuthoriseWhole(record, *unsealed);
  NoteStore(*unsealed, record);
  return authorised;
}

Status Pipeline::Admit(const CallRecord& record) {
  if (!record.allowed) {
    return Error(ErrorCode::kPermissionDenied, "the policy does not allow this operation to you")
        .At("rule " + std::string(record.rule));
  }
  if (record.over_limit) return *record.over_limit;
  if (record.bad_claims) return *record.bad_claims;
  return {};
}

Error Pipeline::Undecided() { return Error(ErrorCode::kInternal, "the act was not authorised: nothing is released"); }

Error Pipeline::KeptChanging() {
  return Error(ErrorCode::kUnavailable, "keys or policy kept changing while the call ran: try again");
}

Error Pipeline::Reject(const Caller& caller, policy::Operation operation, Error error) const {
  CallRecord record = NewRecord(caller, operation, {});
  const Status admitted = Admit(record);
  const Result<bool> result = admitted.ok() ? std::move(error) : admitted.error();
  Note(record, result);
  if (caller.withheld != nullptr) {
    Withhold(caller, std::move(record), std::nullopt);
    return result.error();
  }
  const Status recorded = Record(record);
  return recorded.ok() ? result.error() : recorded.error();
}

Status Pipeline::Begin(CallRecord& record) const {
  if (!Admit(record).ok()) return {};
  record.phase = CallRecord::Phase::kBegin;
  COFFER_ASSIGN_OR_RETURN(record.begin, Wait(record));
  return {};
}

void Pipeline::NoteStore(const Unsealed& unsealed, CallRecord& record) {
  record.approvals = nullptr;
  record.store = unsealed.uuid;
  record.store_epoch = unsealed.store->seen().value;
}

void Pipeline::NoteOpenStore(CallRecord& record) const {
  const Result<std::shared_ptr<Unsealed>> unsealed = barrier_.Enter();
  if (unsealed.ok()) NoteStore(**unsealed, record);
}

Result<std::uint64_t> Pipeline::Wait(const CallRecord& record) const {
  const auto waiting = std::make_shared<Waiting>();
  recorder_(record, [waiting](const Result<std::uint64_t>& answer) {
    {
      const Lock held(waiting->mutex);
      waiting->answer = answer;
    }
    waiting->changed.notify_one();
  });
  const Lock held(waiting->mutex);
  while (!waiting->answer) waiting->changed.wait(waiting->mutex);
  return *waiting->answer;
}

Status Pipeline::Record(const CallRecord& record) const {
  const Result<std::uint64_t> index = Wait(record);
  return index.ok() ? Status() : Status(index.error());
}

void Pipeline::Withhold(const Caller& caller, CallRecord record, std::optional<std::uint64_t> generation) {
  COFFER_CHECK(!caller.withheld->record);
  caller.withheld->record = std::move(record);
  caller.withheld->generation = generation;
}

void Pipeline::Release(const Withheld& withheld, std::function<void(const Verdict&)> then) const {
  COFFER_CHECK(withheld.record.has_value());
  recorder_(*withheld.record,
            [this, generation = withheld.generation, then = std::move(then)](const Result<std::uint64_t>& index) {
              Verdict verdict;
              if (!index.ok()) {
                verdict.kind = Verdict::Kind::kRefuse;
                verdict.error = index.error();
              } else {
                const bool holds = !generation || barrier_.generation() == *generation;
                verdict.kind = holds ? Verdict::Kind::kGo : Verdict::Kind::kAgain;
                verdict.index = *index;
              }
              then(verdict);
            });
}

}  // namespace coffer::keysvc
