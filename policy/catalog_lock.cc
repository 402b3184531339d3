#include "policy/catalog_lock.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "crypto/names.h"
#include "policy/internal/index_lock_rules.h"

namespace coffer::policy {
namespace {

Error Refused(Literal message) { return Error(ErrorCode::kInvalidArgument, message); }

bool SamePlace(const FormerDeclaration& a, const FormerDeclaration& b) {
  return a.form == b.form && a.keyring == b.keyring;
}

Status ValidateFormer(const LockedField& field) {
  if (field.former.size() > kMaxFormer)
    return Refused("has more former declarations than allowed").WithLimit(kMaxFormer);
  const FormerDeclaration now{field.now.form, field.now.keyring, std::nullopt};
  std::uint8_t pad = field.now.form.pad_multiple;
  for (std::size_t i = 0; i < field.former.size(); ++i) {
    const FormerDeclaration& former = field.former[i];
    const auto same = [&](const FormerDeclaration& other) { return SamePlace(former, other); };
    if (same(now) || std::any_of(field.former.begin(), field.former.begin() + static_cast<std::ptrdiff_t>(i), same)) {
      return Refused("lists a declaration twice");
    }
    if (pad == 0) pad = former.form.pad_multiple;
    if (former.form.pad_multiple != 0 && former.form.pad_multiple != pad) {
      return Refused("pads to two multiples, which the header cannot tell apart");
    }
    if (former.form.row_bound && former.form.suite == Suite::kAes256Siv) return Refused("binds a row with suite 4");
    if (former.form.row_bound && field.now.row.empty()) return Refused("binds a row whose type is not known");
    if (former.form.context_bound != field.now.form.context_bound) return Refused("binds columns differently");
    if (former.until_unix_s.value_or(0) < 0) return Refused("has a moment before 1970");
  }
  return {};
}

Status ValidateNames(const LockedField& field) {
  if (field.former_names.size() > kMaxFormer)
    return Refused("has more former names than allowed").WithLimit(kMaxFormer);
  std::vector<ColumnName> sorted = field.former_names;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return Refused("lists a name twice");
  return {};
}

Status ValidateField(const LockedField& field) {
  if (field.uuid.IsZero() || field.uuid == BuiltinSecretField().uuid) return Refused("is not a field's id").At("id");
  COFFER_TRY(ValidateDeclaration(field.now, field.name));
  Status former = ValidateFormer(field);
  if (!former.ok()) return std::move(former).error().At("former");
  Status names = ValidateNames(field);
  if (!names.ok()) return std::move(names).error().At("former_names");
  return {};
}

}  // namespace

std::vector<std::string> LockedField::Keyrings() const {
  std::vector<std::string> keyrings = {now.keyring};
  for (auto entry = former.rbegin(); entry != former.rend(); ++entry) {
    if (std::find(keyrings.begin(), keyrings.end(), entry->keyring) == keyrings.end())
      keyrings.push_back(entry->keyring);
  }
  return keyrings;
}

std::uint8_t LockedField::PadMultiple() const {
  std::uint8_t pad = now.form.pad_multiple;
  for (const FormerDeclaration& entry : former) {
    if (pad == 0) pad = entry.form.pad_multiple;
  }
  return pad;
}

const LockedField* CatalogLock::Find(const ColumnName& name) const {
  const auto by_name = [](const LockedField& field, const ColumnName& wanted) { return field.name < wanted; };
  const auto found = std::lower_bound(fields.begin(), fields.end(), name, by_name);
  return found != fields.end() && found->name == name ? &*found : nullptr;
}

const LockedDomain* CatalogLock::FindDomain(std::string_view name) const {
  const auto by_name = [](const LockedDomain& domain, std::string_view wanted) { return domain.name < wanted; };
  const auto found = std::lower_bound(domains.begin(), domains.end(), name, by_name);
  return found != domains.end() && found->name == name ? &*found : nullptr;
}

const LockedIndexVersion* LockedIndex::Find(std::uint16_t number) const {
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const LockedIndexVersion& version) { return version.number == number; });
  return found == versions.end() ? nullptr : &*found;
}

const LockedIndexVersion& LockedIndex::Declared() const {
  const auto own = std::find_if(versions.rbegin(), versions.rend(),
                                [](const LockedIndexVersion& version) { return !version.merged; });
  COFFER_CHECK(own != versions.rend());
  return *own;
}

const IndexProfile* LockedDomain::Find(std::uint32_t number) const {
  return number >= 1 && number <= profiles.size() ? &profiles[number - 1] : nullptr;
}

Status ValidateCatalogLock(const CatalogLock& lock) {
  if (!IsIdentifier(lock.scope) || lock.scope == kReservedScope) return Refused("is not a scope's name").At("scope");
  if (lock.uuid.IsZero() || lock.uuid == BuiltinScopeUuid()) return Refused("is not a scope's id").At("scope_id");
  constexpr auto kMaxSerial = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (lock.serial == 0 || lock.serial > kMaxSerial) return Refused("must be 1 or more").At("serial");
  if (lock.fields.size() > kMaxLockFields)
    return Refused("holds more fields than allowed").At("field").WithLimit(kMaxLockFields);
  COFFER_TRY(ValidateDomains(lock));
  std::unordered_set<FieldUuid> ids;
  for (std::size_t i = 0; i < lock.fields.size(); ++i) {
    const LockedField& field = lock.fields[i];
    const std::string path = "field." + field.name.ToText();
    if (i > 0 && !(lock.fields[i - 1].name < field.name)) return Refused("is not in order").At(path);
    Status valid = ValidateField(field);
    if (!valid.ok()) return std::move(valid).error().At(path);
    if (!ids.insert(field.uuid).second) return Refused("is another field's id").At("id").At(path);
    Status indexes = ValidateIndexes(lock, field);
    if (!indexes.ok()) return std::move(indexes).error().At(path);
  }
  return {};
}

ScopeUuid BuiltinScopeUuid() {
  ScopeUuid uuid;
  uuid.bytes.back() = std::byte{1};
  return uuid;
}

LockedField BuiltinSecretField() {
  LockedField field;
  field.name = {"secret", ""};
  field.uuid.bytes.back() = std::byte{2};
  field.now.field_class = FieldClass::kSecret;
  field.now.keyring = kReservedKeyring;
  field.now.form = {Suite::kXaes256GcmCommitting, static_cast<std::uint8_t>(kMaxPadMultiple), true, false};
  field.now.row = {ValueType::kUuid, ValueType::kInt64};
  field.now.unbound = "a vault secret has no columns beside it";
  return field;
}

}  // namespace coffer::policy
