#include "keysvc/service/grants.h"

#include <algorithm>

#include "keysvc/service/break_glass_uses.h"

namespace coffer::keysvc {
namespace {

Error Altered() { return Error(ErrorCode::kIntegrity, "holds what was never issued").At("access_grant"); }

Error AnotherPolicy() {
  return Error(ErrorCode::kUnavailable, "another policy was applied while the call ran: look at it and try again");
}

struct Issued {
  AccessGrantRecord record;
  policy::AccessRule rule;
};

// Those of the policy that are not over, by name.
Result<std::vector<Issued>> IssuedUnder(const policy::AccessPolicy& base, const std::vector<Row>& rows,
                                        std::int64_t now_us) {
  std::vector<Issued> in_force;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(AccessGrantRecord record, AccessGrantFromRow(row));
    if (static_cast<std::uint64_t>(record.policy_serial) != base.serial()) continue;
    Result<policy::AccessRule> rule = base.ParseIssuedGrant(record.text, record.issued_us / kMicrosPerSecond);
    if (!rule.ok() || rule->id != record.name) return Altered();
    if (*rule->not_after_unix_s * kMicrosPerSecond <= now_us) continue;
    in_force.push_back({.record = std::move(record), .rule = std::move(rule).value()});
  }
  return in_force;
}

bool Names(const std::vector<Issued>& grants, std::string_view name) {
  return std::any_of(grants.begin(), grants.end(), [name](const Issued& one) { return one.record.name == name; });
}

// The rule of a grant that may be issued now, beside those of the rows.
Result<policy::AccessRule> CheckNew(const policy::AccessPolicy& base, const std::vector<Row>& rows,
                                    const std::string& text, std::int64_t now_us) {
  Result<policy::AccessRule> rule = base.ParseIssuedGrant(text, now_us / kMicrosPerSecond);
  if (!rule.ok()) return rule.error().path().empty() ? std::move(rule).error().At("grant") : rule.error();
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(const AccessGrantRecord record, AccessGrantFromRow(row));
    // Those of other policies are off whatever the clock says.
    const bool counts = static_cast<std::uint64_t>(record.policy_serial) == base.serial();
    if (counts) COFFER_TRY(CheckClock(now_us, record.issued_us));
  }
  COFFER_ASSIGN_OR_RETURN(const std::vector<Issued> in_force, IssuedUnder(base, rows, now_us));
  if (Names(in_force, rule->id)) {
    return Error(ErrorCode::kAlreadyExists, "a grant of this name is in force: revoke it, or take another name")
        .At("grant");
  }
  if (in_force.size() >= policy::kMaxIssuedGrants) {
    return Error(ErrorCode::kResourceExhausted, "as many grants are in force as may be: revoke some, or let them end")
        .WithLimit(policy::kMaxIssuedGrants);
  }
  return rule;
}

// Of those that are over, or of other policies.
Status EraseOld(StoreMutation& mutation, const policy::AccessPolicy& base, const std::vector<Row>& rows,
                std::int64_t now_us) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Issued> in_force, IssuedUnder(base, rows, now_us));
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(const AccessGrantRecord record, AccessGrantFromRow(row));
    if (!Names(in_force, record.name)) COFFER_TRY(mutation.Erase(Table::kAccessGrant, {record.name}));
  }
  return {};
}

bool IsBeside(const policy::AccessRule& rule) {
  return rule.id == policy::kBreakGlassRule || rule.id.starts_with(policy::kIssuedGrantPrefix);
}

// What tells apart all that was ever beside one policy: what has a name again ends later.
using Ends = std::map<std::string, std::int64_t>;
Ends EndsOf(const std::vector<policy::AccessRule>& rules) {
  Ends ends;
  for (const policy::AccessRule& rule : rules) {
    if (IsBeside(rule)) ends[rule.id] = *rule.not_after_unix_s;
  }
  return ends;
}

Error NoEmergency(Literal message) { return Error(ErrorCode::kNotFound, message).At("emergency"); }

}  // namespace

Status Grants::Load() {
  const Lock changing(change_mutex_);
  const Status refreshed = Refresh(policies_.base()->serial());
  if (!refreshed.ok() && refreshed.error().code() == ErrorCode::kInvalidArgument) return Altered();
  return refreshed;
}

Result<std::vector<policy::AccessRule>> Grants::Present(const policy::AccessPolicy& base) const {
  const std::int64_t now = clock_.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> issued, store_.Scan({.table = Table::kAccessGrant}));
  COFFER_ASSIGN_OR_RETURN(std::vector<Issued> grants, IssuedUnder(base, issued, now));
  std::vector<policy::AccessRule> rules;
  for (Issued& grant : grants) rules.push_back(std::move(grant.rule));
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> used, store_.Scan({.table = Table::kBreakGlass}));
  COFFER_ASSIGN_OR_RETURN(const std::vector<BreakGlassUse> uses, BreakGlassUses(used, uuid_, base));
  for (const BreakGlassUse& use : uses) {
    if (use.IsOn(base, now)) rules.push_back(use.Rule(*base.break_glass()));
  }
  return rules;
}

Status Grants::Refresh(std::uint64_t serial) {
  const PolicyPointer base = policies_.base();
  if (base->serial() != serial) return AnotherPolicy();
  COFFER_ASSIGN_OR_RETURN(const std::vector<policy::AccessRule> present, Present(*base));
  // Mutations of others that run meanwhile are refused when the view changes.
  const PolicyPointer view = policies_.view();
  if (view->serial() == serial && EndsOf(view->rules()) == EndsOf(present)) return {};
  return policies_.UseGrants(serial, present);
}

Status Grants::Commit(StoreMutation mutation, std::uint64_t serial) {
  const Status committed = mutation.Commit();
  const Status refreshed = Refresh(serial);
  return committed.ok() ? refreshed : committed;
}

Result<policy::AccessRule> Grants::Check(const policy::AccessPolicy& under, const std::string& text) const {
  const PolicyPointer base = policies_.base();
  if (base->serial() != under.serial()) return AnotherPolicy();
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store_.Scan({.table = Table::kAccessGrant}));
  return CheckNew(*base, rows, text, clock_.UnixMicros());
}

Result<std::string> Grants::Issue(const policy::AccessPolicy& under, const std::string& text, const std::string& by,
                                  const std::string& reason) {
  const Lock changing(change_mutex_);
  COFFER_TRY(Refresh(under.serial()));
  const PolicyPointer base = policies_.base();
  if (base->serial() != under.serial()) return AnotherPolicy();
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, mutation.Scan({.table = Table::kAccessGrant}));
  const std::int64_t now = clock_.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(const policy::AccessRule rule, CheckNew(*base, rows, text, now));
  COFFER_TRY(EraseOld(mutation, *base, rows, now));
  const AccessGrantRecord record{.name = rule.id,
                                 .policy_serial = static_cast<std::int64_t>(base->serial()),
                                 .text = text,
                                 .issued_us = now,
                                 .issued_by = by,
                                 .reason = reason};
  COFFER_TRY(mutation.Insert(Table::kAccessGrant, ToRow(record)));
  COFFER_TRY(Commit(std::move(mutation), base->serial()));
  return rule.id;
}

Status Grants::Revoke(const std::string& name) {
  const Lock changing(change_mutex_);
  const std::uint64_t serial = policies_.base()->serial();
  COFFER_TRY(Refresh(serial));
  COFFER_ASSIGN_OR_RETURN(const std::vector<AccessGrantRecord> in_force, List());
  const auto has_its_name = [&name](const AccessGrantRecord& one) { return one.name == name; };
  if (std::none_of(in_force.begin(), in_force.end(), has_its_name)) {
    return Error(ErrorCode::kNotFound, "no grant of this name is in force").At("name");
  }
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_TRY(mutation.Erase(Table::kAccessGrant, {name}));
  return Commit(std::move(mutation), serial);
}

Result<std::vector<AccessGrantRecord>> Grants::List() const {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store_.Scan({.table = Table::kAccessGrant}));
  COFFER_ASSIGN_OR_RETURN(std::vector<Issued> in_force, IssuedUnder(*policies_.base(), rows, clock_.UnixMicros()));
  std::vector<AccessGrantRecord> records;
  for (Issued& grant : in_force) records.push_back(std::move(grant.record));
  return records;
}

Result<policy::BreakGlassStatement> Grants::Activate(const policy::AccessPolicy& under, const std::string& statement,
                                                     const std::string& signature, const std::string& caller) {
  COFFER_ASSIGN_OR_RETURN(policy::BreakGlassStatement wanted,
                          CheckBreakGlass(under, uuid_, statement, signature, caller));
  const Lock changing(change_mutex_);
  COFFER_TRY(Refresh(under.serial()));
  const std::int64_t now = clock_.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, mutation.Scan({.table = Table::kBreakGlass}));
  COFFER_ASSIGN_OR_RETURN(const std::vector<BreakGlassUse> uses, BreakGlassUses(rows, uuid_, under));
  COFFER_TRY(CheckBeginning(*under.break_glass(), wanted, uses, now));
  BreakGlassRecord record;
  record.id = Uuid{wanted.id.bytes};
  record.statement = statement;
  record.signature = signature;
  record.activated_us = now;
  COFFER_TRY(mutation.Insert(Table::kBreakGlass, ToRow(record)));
  COFFER_TRY(Commit(std::move(mutation), under.serial()));
  return wanted;
}

Status Grants::EndEmergency() {
  const Lock changing(change_mutex_);
  const std::uint64_t serial = policies_.base()->serial();
  COFFER_TRY(Refresh(serial));
  COFFER_ASSIGN_OR_RETURN(std::vector<Emergency> emergencies, Emergencies());
  const auto is_active = [](const Emergency& one) { return one.active; };
  const auto found = std::find_if(emergencies.begin(), emergencies.end(), is_active);
  if (found == emergencies.end()) return NoEmergency("none is in use");
  BreakGlassRecord& record = found->record;
  record.ended_us = clock_.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_TRY(mutation.Update(Table::kBreakGlass, ToRow(record)));
  return Commit(std::move(mutation), serial);
}

Status Grants::Review(const std::string& id, const policy::Person& person, const std::string& review) {
  const Lock changing(change_mutex_);
  const std::uint64_t serial = policies_.base()->serial();
  COFFER_TRY(Refresh(serial));
  COFFER_ASSIGN_OR_RETURN(std::vector<Emergency> emergencies, Emergencies());
  const auto has_it = [&id](const Emergency& one) { return one.record.id.ToText() == id; };
  const auto found = std::find_if(emergencies.begin(), emergencies.end(), has_it);
  if (found == emergencies.end()) return NoEmergency("there was none of this id");
  BreakGlassRecord& record = found->record;
  if (found->active) {
    return Error(ErrorCode::kFailedPrecondition, "is in use: it is reviewed when it is over").At("emergency");
  }
  if (record.reviewed_us) return Error(ErrorCode::kFailedPrecondition, "was reviewed already").At("emergency");
  COFFER_ASSIGN_OR_RETURN(const policy::BreakGlassStatement statement,
                          policy::BreakGlassStatement::Parse(record.statement));
  if (person.IsHolder(policy::HolderOf(statement.principal))) {
    return Error(ErrorCode::kPermissionDenied, "nobody reviews what he used himself").At("emergency");
  }
  record.reviewed_us = clock_.UnixMicros();
  record.reviewed_by = person.name;
  record.review = review;
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_TRY(mutation.Update(Table::kBreakGlass, ToRow(record)));
  return Commit(std::move(mutation), serial);
}

Result<std::vector<Grants::Emergency>> Grants::Emergencies() const {
  const PolicyPointer base = policies_.base();
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store_.Scan({.table = Table::kBreakGlass}));
  COFFER_ASSIGN_OR_RETURN(std::vector<BreakGlassUse> uses, BreakGlassUses(rows, uuid_, *base));
  std::vector<Emergency> emergencies;
  for (BreakGlassUse& use : uses) {
    const bool active = use.IsOn(*base, clock_.UnixMicros());
    emergencies.push_back({.record = std::move(use.record), .active = active});
  }
  return emergencies;
}

}  // namespace coffer::keysvc
