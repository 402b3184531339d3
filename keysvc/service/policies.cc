#include "keysvc/service/policies.h"

#include "crypto/note.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {
namespace {

static_assert(kMaxPolicyText == policy::kMaxPolicyBytes);
static_assert(kMaxStatementText == policy::kMaxStatementBytes);

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
  const std::span before = std::span(records).first(records.size() - 1);
  if (!last.recovered && !policies->CheckSignatures(*holds, last.policy, last.signatures, before).ok()) {
    return Altered();
  }
  const PolicyPointer loaded = std::make_shared<const policy::AccessPolicy>(std::move(holds).value());
  policies->Use(loaded, loaded);
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
                                 const std::string& signatures, std::span<const AccessPolicyRecord> before) const {
  std::optional<policy::AccessPolicy> last;
  if (!before.empty()) {
    Result<policy::AccessPolicy> parsed = policy::AccessPolicy::Parse(before.back().policy);
    if (!parsed.ok()) return Altered();
    last = std::move(parsed).value();
  }
  const policy::AccessPolicy& asked = last ? *last : signed_policy;
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
                 before.empty() ? Literal("the first policy needs signatures of administrators that it names itself, "
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
    Use(stored, stored);
    return stored;
  }
  if (parsed->serial() <= last) {
    return Error(ErrorCode::kConflict, "must be higher than that of the policy that holds")
        .At("serial")
        .WithLimit(last);
  }
  if (!recovered) COFFER_TRY(CheckSignatures(*parsed, text, signatures, records));
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
  Use(applied, applied);
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

Status Policies::UseGrants(std::uint64_t serial, const std::vector<policy::AccessRule>& grants) {
  const Lock applying(apply_mutex_);
  const PolicyPointer holds = base();
  if (holds->serial() != serial) {
    return Error(ErrorCode::kUnavailable, "another policy was applied while the call ran: look at it and try again");
  }
  COFFER_ASSIGN_OR_RETURN(policy::AccessPolicy with, holds->With(grants));
  Use(holds, std::make_shared<const policy::AccessPolicy>(std::move(with)));
  return {};
}

void Policies::Use(PolicyPointer base, PolicyPointer view) {
  const Lock lock(view_mutex_);
  base_ = std::move(base);
  view_ = std::move(view);
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

PolicyPointer Policies::base() const {
  const ReadLock lock(view_mutex_);
  return base_;
}

PolicyPointer Policies::view() const {
  const ReadLock lock(view_mutex_);
  return view_;
}

}  // namespace coffer::keysvc
