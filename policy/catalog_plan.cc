#include "policy/catalog_plan.h"

#include <algorithm>
#include <limits>

#include "policy/internal/change_line.h"
#include "policy/internal/declaration_diff.h"
#include "policy/internal/index_plan.h"

namespace coffer::policy {
namespace {

// Leaves room for every change to come.
constexpr std::uint64_t kMaxTakenOverSerial = 1'000'000'000;

Error Refused(Literal message) { return Error(ErrorCode::kFailedPrecondition, message); }

bool Contains(const std::vector<ColumnName>& names, const ColumnName& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The list of former declarations once `now` is the present one.
std::vector<FormerDeclaration> FormerAfter(const LockedField& before, const FieldDeclaration& now,
                                           std::int64_t accept_until) {
  std::vector<FormerDeclaration> former = before.former;
  former.push_back({before.now.form, before.now.keyring, std::nullopt});
  const auto is_now = [&](const FormerDeclaration& entry) {
    return entry.form == now.form && entry.keyring == now.keyring;
  };
  former.erase(std::remove_if(former.begin(), former.end(), is_now), former.end());
  for (FormerDeclaration& entry : former) {
    entry.until_unix_s.reset();
    if (now.form.row_bound && !entry.form.row_bound) entry.until_unix_s = accept_until;
  }
  return former;
}

// One run of PlanApply over the lock that holds now.
class Plan {
 public:
  Plan(const Catalog& wanted, CatalogLock baseline, const PlanPorts& ports)
      : wanted_(wanted), before_(std::move(baseline)), ports_(ports) {
    change_.lock.scope = before_.scope;
    change_.lock.uuid = before_.uuid;
  }

  // `is_new`: the baseline is not what the store holds.
  Result<CatalogChange> Run(bool is_new, bool taken_over) && {
    if (taken_over) {
      for (const LockedField& field : before_.fields) Line(ChangeKind::kAdded, field.name, "taken over from the lock");
    }
    for (const CatalogField& field : wanted_.fields) {
      Status planned = PlanField(field);
      if (!planned.ok()) return std::move(planned).error().At("field." + field.name.ToText());
    }
    RetireTheRest();
    COFFER_TRY(IndexPlan(wanted_, before_, ports_, change_).Run());
    return Finish(is_new);
  }

 private:
  void Line(ChangeKind kind, const ColumnName& name, std::string what, std::string_view weaker = {}) {
    AddLine(change_, kind, name, std::move(what), weaker);
  }

  bool IsWanted(const ColumnName& name) const {
    return std::any_of(wanted_.fields.begin(), wanted_.fields.end(),
                       [&](const CatalogField& field) { return field.name == name; });
  }

  // The applied field that `wanted` goes on from; null for a new one.
  Result<const LockedField*> Origin(const CatalogField& wanted) const {
    const LockedField* same_name = before_.Find(wanted.name);
    if (!wanted.renamed_from) return same_name;
    if (same_name != nullptr) {
      if (Contains(same_name->former_names, *wanted.renamed_from)) return same_name;  // renamed by an earlier apply
      return Refused("would rename onto a field that the lock already has").At("renamed_from").AtLine(wanted.line);
    }
    const LockedField* source = before_.Find(*wanted.renamed_from);
    if (source == nullptr || source->retired) {
      return Refused("names no live field of the lock").At("renamed_from").AtLine(wanted.line);
    }
    if (IsWanted(*wanted.renamed_from))
      return Refused("names a field that is still declared").At("renamed_from").AtLine(wanted.line);
    return source;
  }

  Status PlanField(const CatalogField& wanted) {
    COFFER_ASSIGN_OR_RETURN(const LockedField* origin, Origin(wanted));
    if (origin == nullptr) return AddField(wanted);
    continued_.push_back(origin->uuid);
    return ContinueField(*origin, wanted);
  }

  // Whether another field has the name or had it: who still uses the name would reach `self` unawares.
  bool WasAnothers(const ColumnName& name, const LockedField* self) const {
    return std::any_of(before_.fields.begin(), before_.fields.end(), [&](const LockedField& field) {
      return (self == nullptr || field.uuid != self->uuid) &&
             (field.name == name || Contains(field.former_names, name));
    });
  }

  static std::string_view ReusedName(bool reused) {
    return reused ? "the name was another field's: callers that still use it get this one's rules" : std::string_view();
  }

  Status AddField(const CatalogField& wanted) {
    LockedField field;
    field.name = wanted.name;
    field.uuid = ports_.field();
    field.now = wanted.declaration;
    field.expect = wanted.expect;
    change_.lock.fields.push_back(std::move(field));
    std::string what = "class ";
    what.append(FieldClassName(wanted.declaration.field_class)).append(", keyring ").append(wanted.declaration.keyring);
    Line(ChangeKind::kAdded, wanted.name, std::move(what), ReusedName(WasAnothers(wanted.name, nullptr)));
    return {};
  }

  Status ContinueField(const LockedField& origin, const CatalogField& wanted) {
    COFFER_ASSIGN_OR_RETURN(const std::vector<KeyChange> changes, CompareKeys(origin, wanted));
    LockedField field = origin;
    field.retired = false;
    field.now = wanted.declaration;
    field.expect = wanted.expect;
    if (field.now.row.empty()) field.now.row = origin.now.row;
    field.former = FormerAfter(origin, field.now, wanted.accept_unbound_until_unix_s.value_or(0));
    if (field.name != wanted.name) {
      field.former_names.push_back(field.name);
      field.former_names.erase(std::remove(field.former_names.begin(), field.former_names.end(), wanted.name),
                               field.former_names.end());
      Line(ChangeKind::kRenamed, wanted.name, "from " + field.name.ToText(),
           ReusedName(WasAnothers(wanted.name, &origin)));
      field.name = wanted.name;
    }
    if (origin.retired) Line(ChangeKind::kRestored, wanted.name, "with the id that it had");
    for (const KeyChange& change : changes) {
      const std::string_view why = change.why.empty() ? RuleOf(change.key).weaker : change.why;
      Line(ChangeKind::kChanged, wanted.name, change.what, change.weaker ? why : std::string_view());
    }
    change_.lock.fields.push_back(std::move(field));
    return {};
  }

  void RetireTheRest() {
    for (const LockedField& field : before_.fields) {
      if (std::find(continued_.begin(), continued_.end(), field.uuid) != continued_.end()) continue;
      change_.lock.fields.push_back(field);
      if (field.retired) continue;
      change_.lock.fields.back().retired = true;
      change_.retires = true;
      Line(ChangeKind::kRetired, field.name, "no longer declared");
    }
  }

  Result<CatalogChange> Finish(bool is_new) {
    const auto by_name = [](const LockedField& a, const LockedField& b) { return a.name < b.name; };
    std::sort(change_.lock.fields.begin(), change_.lock.fields.end(), by_name);
    const auto by_field = [](const ChangeLine& a, const ChangeLine& b) { return a.field < b.field; };
    std::stable_sort(change_.lines.begin(), change_.lines.end(), by_field);
    const bool differs = change_.lock.fields != before_.fields || change_.lock.domains != before_.domains;
    change_.changed = is_new || differs;
    change_.lock.serial = before_.serial;
    if (differs || before_.serial == 0) {
      if (before_.serial >= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return Refused("has no serial left").At("catalog.lock");
      }
      ++change_.lock.serial;
    }
    COFFER_TRY(CheckLock());
    return std::move(change_);
  }

  // The rules of every lock hold for ours too: what breaks them is a limit of the lock or an id given twice.
  Status CheckLock() const {
    Status valid = ValidateCatalogLock(change_.lock);
    if (!valid.ok()) {
      const Error& error = valid.error();
      if (error.limit() != 0) return valid;
      return Error(ErrorCode::kInternal, "the planned lock breaks its own rules").At(error.path());
    }
    if (WriteCatalogLock(change_.lock).size() > kMaxLockBytes) {
      return Refused("would be longer than allowed, in bytes").At("catalog.lock").WithLimit(kMaxLockBytes);
    }
    return {};
  }

  const Catalog& wanted_;
  const CatalogLock before_;
  const PlanPorts& ports_;
  CatalogChange change_;
  std::vector<FieldUuid> continued_;
};

Status CheckPresented(const CatalogLock& stored, const std::optional<CatalogLock>& presented) {
  if (!presented)
    return Refused("is missing: the scope was applied before, and the lock goes along with each apply")
        .At("catalog.lock");
  if (presented->uuid != stored.uuid) return Refused("holds other ids than the store").At("catalog.lock");
  if (presented->serial < stored.serial) {
    return Error(ErrorCode::kConflict, "is stale: the limit is the current serial")
        .At("catalog.lock")
        .WithLimit(stored.serial);
  }
  if (presented->serial > stored.serial) {
    return Refused("is newer than the store, which lost its latest state: the limit is the store's serial")
        .At("catalog.lock")
        .WithLimit(stored.serial);
  }
  if (*presented != stored) return Refused("is not the store's, though their serials are equal").At("catalog.lock");
  return {};
}

}  // namespace

std::string_view ChangeKindName(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kAdded:
      return "added";
    case ChangeKind::kChanged:
      return "changed";
    case ChangeKind::kRenamed:
      return "renamed";
    case ChangeKind::kRetired:
      return "retired";
    case ChangeKind::kRestored:
      return "restored";
  }
  return "?";
}

std::string ChangeLine::ToText() const {
  std::string text(ChangeKindName(kind));
  text.append(" ").append(field).append(": ").append(what);
  if (weakening) text.append(" (weaker: ").append(why).append(")");
  return text;
}

Result<CatalogChange> PlanApply(const Catalog& wanted, const std::optional<CatalogLock>& stored,
                                const std::optional<CatalogLock>& presented, const PlanPorts& ports) {
  for (const auto* lock : {&stored, &presented}) {
    if (*lock && (*lock)->scope != wanted.scope) {
      return Error(ErrorCode::kInvalidArgument, "is the lock of another scope").At("catalog.lock");
    }
  }
  if (stored) {
    COFFER_TRY(CheckPresented(*stored, presented));
    return Plan(wanted, *stored, ports).Run(false, false);
  }
  if (presented && presented->serial > kMaxTakenOverSerial) {
    return Refused("has a serial that no lock has reached").At("catalog.lock").WithLimit(kMaxTakenOverSerial);
  }
  if (presented) return Plan(wanted, *presented, ports).Run(true, true);
  CatalogLock none;
  none.scope = wanted.scope;
  none.uuid = ports.scope();
  return Plan(wanted, std::move(none), ports).Run(true, false);
}

}  // namespace coffer::policy
