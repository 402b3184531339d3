#include "keysvc/service/policies.h"

#include "crypto/note.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {
namespace {

Error Altered() { return Error(ErrorCode::kIntegrity, "holds a policy that nobody applied").At("access_policy"); }

}  // namespace

PolicyPointer BuiltinPolicy() {
  static const PolicyPointer kBuiltin = std::make_shared<const policy::AccessPolicy>(policy::AccessPolicy::Builtin());
  return kBuiltin;
}

Result<std::unique_ptr<Policies>> Policies::Load(AuthenticatedStore& store, StoreUuid uuid, const Clock& clock) {
  std::unique_ptr<Policies> policies(new Policies(store, uuid, clock));
  COFFER_ASSIGN_OR_RETURN(const std::vector<AccessPolicyRecord> records, policies->Read());
  if (records.empty()) return policies;
  const AccessPolicyRecord& last = records.back();
  Result<policy::AccessPolicy> holds = policy::AccessPolicy::Parse(last.policy);
  if (!holds.ok() || holds->serial() != static_cast<std::uint64_t>(last.serial)) return Altered();
  if (!last.recovered) {
    std::optional<policy::AccessPolicy> before;
    if (records.size() > 1) {
      Result<policy::AccessPolicy> parsed = policy::AccessPolicy::Parse(records[records.size() - 2].policy);
      if (!parsed.ok()) return Altered();
      before = std::move(parsed).value();
    }
    if (!policies->CheckSignatures(*holds, last.policy, last.signatures, before ? &*before : nullptr).ok())
      return Altered();
  }
  policies->Use(std::make_shared<const policy::AccessPolicy>(std::move(holds).value()));
  return policies;
}

// By serial.
Result<std::vector<AccessPolicyRecord>> Policies::Read() const {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store_.Scan({.table = Table::kAccessPolicy}));
  std::vector<AccessPolicyRecord> records;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(AccessPolicyRecord record, AccessPolicyFromRow(row));
    records.push_back(std::move(record));
  }
  return records;
}

Status Policies::CheckSignatures(const policy::AccessPolicy& signed_policy, const std::string& text,
                                 const std::string& signatures, const policy::AccessPolicy* before) const {
  const policy::AccessPolicy& asked = before == nullptr ? signed_policy : *before;
  std::vector<NoteVerifier> persons;
  for (const policy::Person& person : asked.persons()) {
    if (person.roles.contains(policy::Role::kAdmin)) persons.push_back(person.key);
  }
  const std::string statement = policy::PolicyStatement::Of(uuid_, signed_policy.serial(), text).ToText();
  const Result<SignedNote> note = SignedNote::Parse(statement + "\n" + signatures);
  if (!note.ok()) {
    return Error(ErrorCode::kInvalidArgument, "are no signature lines: `coffer policy sign` writes them")
        .At("signatures");
  }
  const Result<std::vector<NoteSigned>> by = VerifyNote(*note, persons);
  if (!by.ok() || by->size() < asked.admin_signatures()) {
    return Error(ErrorCode::kPermissionDenied,
                 before == nullptr
                     ? Literal("the first policy needs signatures of administrators that it names itself, "
                               "as many as it asks for")
                     : Literal("needs more signatures of administrators of the policy that holds, over "
                               "exactly this text and for this store"))
        .At("signatures")
        .WithLimit(asked.admin_signatures());
  }
  return {};
}

Result<PolicyPointer> Policies::Apply(const std::string& text, const std::string& signatures, bool recovered,
                                      const std::string& by) {
  const Lock applying(apply_mutex_);
  Result<policy::AccessPolicy> parsed = policy::AccessPolicy::Parse(text);
  if (!parsed.ok()) return std::move(parsed).error().At("policy");
  // From the store, not from memory: an earlier commit whose outcome was unknown may have happened.
  COFFER_ASSIGN_OR_RETURN(const std::vector<AccessPolicyRecord> records, Read());
  const auto last = records.empty() ? 0 : static_cast<std::uint64_t>(records.back().serial);
  // A commit whose outcome was unknown had happened.
  if (parsed->serial() == last && records.back().policy == text && view()->serial() < last) {
    PolicyPointer stored = std::make_shared<const policy::AccessPolicy>(std::move(parsed).value());
    Use(stored);
    return stored;
  }
  if (parsed->serial() <= last) {
    return Error(ErrorCode::kConflict, "must be higher than that of the policy that holds")
        .At("serial")
        .WithLimit(last);
  }
  if (!recovered) {
    std::optional<policy::AccessPolicy> before;
    if (!records.empty()) {
      COFFER_ASSIGN_OR_RETURN(before, policy::AccessPolicy::Parse(records.back().policy));
    }
    COFFER_TRY(CheckSignatures(*parsed, text, signatures, before ? &*before : nullptr));
  }
  const AccessPolicyRecord record{.serial = static_cast<std::int64_t>(parsed->serial()),
                                  .policy = text,
                                  .signatures = recovered ? "" : signatures,
                                  .recovered = recovered,
                                  .applied_us = clock_.UnixMicros(),
                                  .applied_by = by};
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
  COFFER_TRY(mutation.Insert(Table::kAccessPolicy, ToRow(record)));
  COFFER_TRY(mutation.Commit());
  PolicyPointer applied = std::make_shared<const policy::AccessPolicy>(std::move(parsed).value());
  Use(applied);
  return applied;
}

Result<AccessPolicyRecord> Policies::Stored(std::uint64_t serial) const {
  COFFER_ASSIGN_OR_RETURN(std::vector<AccessPolicyRecord> records, Read());
  for (AccessPolicyRecord& record : records) {
    const bool wanted = serial == 0 ? &record == &records.back() : static_cast<std::uint64_t>(record.serial) == serial;
    if (wanted) return std::move(record);
  }
  return Error(ErrorCode::kNotFound, "no policy of this serial was applied").At("serial");
}

void Policies::Use(PolicyPointer policy) {
  const Lock lock(view_mutex_);
  view_ = std::move(policy);
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

PolicyPointer Policies::view() const {
  const ReadLock lock(view_mutex_);
  return view_;
}

}  // namespace coffer::keysvc
