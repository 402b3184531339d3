#include "keysvc/service/audit_service.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "crypto/names.h"
#include "keysvc/service/key_service.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kMaxTenant = 63;

Error Invalid(Literal message, std::string_view where) { return Error(ErrorCode::kInvalidArgument, message).At(where); }

Status CheckLength(std::string_view name, std::size_t max, std::string_view where) {
  if (name.size() <= max) return {};
  return Invalid("is longer than allowed", where).WithLimit(max);
}

// What records name besides operations of callers (docs/FORMAT.md section 11).
constexpr std::array<std::string_view, 4> kOwnOperations = {"Authenticate", "ClockStepped", "DestroyDue", "RotateDue"};

bool IsOperation(std::string_view name) {
  const auto operations = policy::AllOperations();
  if (std::find(kOwnOperations.begin(), kOwnOperations.end(), name) != kOwnOperations.end()) return true;
  return std::any_of(operations.begin(), operations.end(),
                     [name](policy::Operation operation) { return policy::OperationName(operation) == name; });
}

bool IsOutcome(std::string_view name) {
  if (name == "ok") return true;
  for (auto code = static_cast<std::uint8_t>(ErrorCode::kInvalidArgument);
       code <= static_cast<std::uint8_t>(ErrorCode::kInternal); ++code) {
    if (ErrorCodeName(static_cast<ErrorCode>(code)) == name) return true;
  }
  return false;
}

Status CheckTimes(const audit::RecordFilter& filter) {
  if (filter.from_us && *filter.from_us < 0) return Invalid("must not be before 1970", "filter.from_us");
  if (filter.to_us && *filter.to_us < 0) return Invalid("must not be before 1970", "filter.to_us");
  if (filter.from_us && filter.to_us && *filter.from_us > *filter.to_us) {
    return Invalid("must not be after to_us", "filter.from_us");
  }
  if (filter.from > filter.to) return Invalid("must not be above to_index", "filter.from_index");
  return {};
}

Status CheckFilter(const audit::RecordFilter& filter) {
  COFFER_TRY(CheckTimes(filter));
  if (!filter.role.empty() && !policy::ParseRole(filter.role)) return Invalid("is not a role", "filter.role");
  if (!filter.operation.empty() && !IsOperation(filter.operation)) {
    return Invalid("is not an operation's name", "filter.operation");
  }
  if (!filter.outcome.empty() && !IsOutcome(filter.outcome)) {
    return Invalid("is neither ok nor an error's name", "filter.outcome");
  }
  if (filter.key && !KeyId{*filter.key}.IsValid()) return Invalid("is not a key's id", "filter.key_id");
  COFFER_TRY(CheckLength(filter.principal, AuditService::kMaxName, "filter.principal"));
  COFFER_TRY(CheckLength(filter.object, AuditService::kMaxName, "filter.object"));
  COFFER_TRY(CheckLength(filter.tenant, kMaxTenant, "filter.tenant"));
  return CheckLength(filter.request_id, Claims::kMaxRequestId, "filter.request_id");
}

// A page token says where the page begins, and in which order: "n17" or "o17".
char OrderOf(bool oldest_first) { return oldest_first ? 'o' : 'n'; }

Status ApplyToken(const RecordsAsked& asked, audit::RecordFilter& filter) {
  const std::string& token = asked.page_token;
  if (token.empty()) return {};
  std::uint64_t at = 0;
  const char* const end = token.data() + token.size();
  const auto [stop, wrong] = std::from_chars(token.data() + 1, end, at);
  if (token.front() != OrderOf(asked.oldest_first) || wrong != std::errc() || stop != end) {
    return Invalid("is not a page token of this order", "page_token");
  }
  if (asked.oldest_first) {
    filter.from = std::max(filter.from, at);
  } else {
    filter.to = std::min(filter.to, at);
  }
  return {};
}

}  // namespace

Result<RecordsFound> AuditService::Query(const Caller& caller, const RecordsAsked& asked) const {
  const auto act = [&](Barrier&, CallRecord& record) -> Result<RecordsFound> {
    COFFER_TRY(CheckFilter(asked.filter));
    audit::RecordQuery query{.filter = asked.filter, .oldest_first = asked.oldest_first};
    COFFER_ASSIGN_OR_RETURN(query.max_records, PageSize(asked.page_size));
    COFFER_TRY(ApplyToken(asked, query.filter));
    COFFER_ASSIGN_OR_RETURN(audit::RecordPage page, index_.Search(query));
    record.items = page.records.size();
    RecordsFound found{.records = std::move(page.records), .next = {}};
    if (page.next) found.next = OrderOf(asked.oldest_first) + std::to_string(*page.next);
    return found;
  };
  return pipeline_.Look(caller, policy::Operation::kQueryRecords, act);
}

Result<audit::RecordGroups> AuditService::Aggregate(const Caller& caller, const audit::RecordFilter& filter,
                                                    const std::vector<audit::GroupBy>& by) const {
  const auto act = [&](Barrier&, CallRecord& record) -> Result<audit::RecordGroups> {
    if (by.empty() || by.size() > 2 || (by.size() == 2 && by.front() == by.back())) {
      return Invalid("must be one or two different dimensions", "by");
    }
    COFFER_TRY(CheckFilter(filter));
    COFFER_ASSIGN_OR_RETURN(audit::RecordGroups groups, index_.Count(filter, by));
    record.items = groups.groups.size();
    return groups;
  };
  return pipeline_.Look(caller, policy::Operation::kAggregateRecords, act);
}

Result<std::unique_ptr<AuditTail>> AuditService::Tail(const Caller& caller, const TailAsked& asked) const {
  COFFER_CHECK(caller.withheld != nullptr);
  const auto act = [&](Barrier&, CallRecord&) -> Result<std::unique_ptr<AuditTail>> {
    COFFER_TRY(CheckFilter(asked.filter));
    if (asked.filter.to_us) return Invalid("is nothing that a tail has", "filter.to_us");
    if (asked.filter.to != audit::RecordRange::kToTheEnd) {
      return Invalid("is nothing that a tail has", "filter.to_index");
    }
    const std::uint64_t size = log_.durable().size;
    TailAsked from = asked;
    if (asked.from_now) from.filter.from = size;
    if (from.filter.from > size) return Invalid("is behind the end of the log", "filter.from_index");
    from.filter.from = std::max(from.filter.from, log_.oldest());
    COFFER_TRY(tails_->Enter(caller.principal.id));
    return std::make_unique<AuditTail>(tails_, caller.principal.id, index_, std::move(from));
  };
  auto tail = pipeline_.Control(caller, policy::Operation::kTailRecords, act);
  // What Control takes for the call's end is only its beginning.
  if (tail.ok()) (*tail)->Begun(pipeline_, std::exchange(*caller.withheld, {}));
  return tail;
}

Result<std::pair<SignedNote, audit::TreeHead>> AuditService::LastSigned() const {
  Result<SignedNote> note = log_.checkpoint();
  if (!note.ok() && note.error().code() == ErrorCode::kNotFound) {
    return Error(ErrorCode::kUnavailable, "the log has no checkpoint for now: try again in a second");
  }
  if (!note.ok()) return std::move(note).error();
  const Result<audit::Checkpoint> parsed = audit::Checkpoint::Parse(note->text);
  if (!parsed.ok()) return Error(ErrorCode::kIntegrity, "the published checkpoint is not one");
  return std::pair(std::move(note).value(), parsed->head);
}

Result<LogHead> AuditService::Checkpoint(const Caller& caller) const {
  const auto act = [&](Barrier&, CallRecord&) -> Result<LogHead> {
    COFFER_ASSIGN_OR_RETURN(auto published, LastSigned());
    return LogHead{.origin = log_.origin(),
                   .vkey = log_.vkey(),
                   .note = std::move(published.first),
                   .signed_head = published.second,
                   .durable_size = log_.durable().size,
                   .indexed_size = index_.size(),
                   .oldest_index = log_.oldest()};
  };
  return pipeline_.Look(caller, policy::Operation::kGetCheckpoint, act);
}

Result<ConsistencyProved> AuditService::ProveConsistency(const Caller& caller, audit::Growth growth) const {
  const auto act = [&](Barrier&, CallRecord&) -> Result<ConsistencyProved> {
    const std::uint64_t size = log_.signed_head().size;
    ConsistencyProved proved{.growth = growth, .proof = {}};
    if (growth.to == 0) proved.growth.to = size;
    if (growth.from > proved.growth.to) return Invalid("must not be above to_size", "from_size");
    if (proved.growth.to > size) return Invalid("is more than the last checkpoint signs", "to_size");
    COFFER_ASSIGN_OR_RETURN(proved.proof, log_.ProveConsistency(proved.growth));
    return proved;
  };
  return pipeline_.Look(caller, policy::Operation::kProveConsistency, act);
}

Status AuditService::Sign(std::uint64_t index) const {
  if (index < log_.signed_head().size) return {};
  const Lock held(forcing_mutex_);
  while (index >= log_.signed_head().size) {
    const auto now = std::chrono::steady_clock::now();
    if (!forced_ || now - *forced_ >= kForcedEvery) {
      forced_ = now;
      return log_.PublishNow();
    }
    forcing_turn_.wait_until(forcing_mutex_, *forced_ + kForcedEvery);
  }
  return {};
}

Result<RecordProved> AuditService::ProveRecord(const Caller& caller, std::uint64_t index) const {
  const auto act = [&](Barrier&, CallRecord& record) -> Result<RecordProved> {
    if (index >= log_.durable().size) return Invalid("is behind the end of the log", "index");
    if (index < log_.oldest()) {
      return Error(ErrorCode::kNotFound, "was dropped by the log's retention").At("index");
    }
    COFFER_TRY(Sign(index));
    COFFER_ASSIGN_OR_RETURN(auto published, LastSigned());
    // What a witness has cosigned is worth more than what is newer.
    const Result<SignedNote> cosigned = log_.cosigned_checkpoint();
    const Result<audit::Checkpoint> seen = cosigned.ok() ? audit::Checkpoint::Parse(cosigned->text) : cosigned.error();
    if (seen.ok() && seen->head.size > index && seen->head.size <= published.second.size) {
      published = {*cosigned, seen->head};
    }
    RecordProved proved;
    proved.proof.index = index;
    proved.proof.checkpoint = std::move(published.first);
    COFFER_ASSIGN_OR_RETURN(proved.proof.inclusion,
                            log_.ProveInclusion({.index = index, .size = published.second.size}));
    COFFER_ASSIGN_OR_RETURN(proved.record, log_.RecordAt(index));
    record.items = 1;
    return proved;
  };
  return pipeline_.Look(caller, policy::Operation::kProveRecord, act);
}

}  // namespace coffer::keysvc
