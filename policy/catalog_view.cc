#include "policy/catalog_view.h"

#include <algorithm>
#include <unordered_set>

namespace coffer::policy {
namespace {

Error Refused(Literal message) { return Error(ErrorCode::kInvalidArgument, message); }

Status CheckRow(const FieldRule& rule, const FieldForm& form, std::span<const ScalarView> row) {
  if (row.empty()) {
    if (form.row_bound) return Refused("is required: the field binds the row").At("row");
    return {};
  }
  if (rule.row.empty()) return Refused("is given although the field binds no row").At("row");
  if (row.size() != rule.row.size()) return Refused("has another number of parts than the catalog declares").At("row");
  for (std::size_t i = 0; i < row.size(); ++i) {
    const ValueType type = TypeOf(row[i]);
    if (type == rule.row[i]) continue;
    const std::string path = row.size() == 1 ? "row" : "row[" + std::to_string(i) + "]";
    if (type == ValueType::kNull) return Refused("may not be NULL").At(path);
    return Refused("has another type than the catalog declares").At(path);
  }
  return {};
}

Status CheckColumn(const FieldRule& rule, const BoundColumn& given) {
  const auto by_column = [](const BoundType& bound, std::string_view column) { return bound.column < column; };
  const auto found = std::lower_bound(rule.bind.begin(), rule.bind.end(), given.column, by_column);
  if (found == rule.bind.end() || found->column != given.column)
    return Refused("names a column that the field does not bind").At("context");
  const ValueType type = TypeOf(given.value);
  if (type == found->type || type == ValueType::kNull) return {};
  return Refused("has another type than the catalog declares").At(found->column).At("context");
}

Status CheckContext(const FieldRule& rule, const FieldForm& form, std::span<const BoundColumn> context) {
  if (context.empty()) {
    if (form.context_bound) return Refused("is required: the field binds columns").At("context");
    return {};
  }
  for (const BoundColumn& given : context) COFFER_TRY(CheckColumn(rule, given));
  if (context.size() < rule.bind.size()) return Refused("lacks a column that the field binds").At("context");
  if (context.size() > rule.bind.size()) return Refused("names a column twice").At("context");
  return {};
}

// EncodeContext refuses duplicates, so as many known columns as declared are all of them.
Status Encode(const FieldForm& form, std::span<const ScalarView> row, std::span<const BoundColumn> context,
              Bytes& row_out, Bytes& context_out) {
  if (form.row_bound) {
    Status encoded = EncodeRow(row, row_out);
    if (!encoded.ok()) return std::move(encoded).error().At("row");
  }
  if (form.context_bound) {
    Status encoded = EncodeContext(context, context_out);
    if (!encoded.ok()) return std::move(encoded).error().At("context");
  }
  return {};
}

Error Clash(Literal message, std::string_view path) { return Error(ErrorCode::kIntegrity, message).At(path); }

}  // namespace

const FieldForm* FieldRule::FindForm(std::uint8_t second_byte, std::string_view keyring,
                                     std::int64_t now_unix_s) const {
  if (form.SecondByte() == second_byte && keyrings.front() == keyring) return &form;
  for (const FormerDeclaration& entry : former) {
    const bool accepted = !entry.until_unix_s || now_unix_s < *entry.until_unix_s;
    if (accepted && entry.form.SecondByte() == second_byte && entry.keyring == keyring) return &entry.form;
  }
  return nullptr;
}

const IndexRule* FieldRule::FindIndex(std::string_view index) const {
  for (const IndexRule& rule : indexes) {
    if (rule.name == index) return &rule;
  }
  return nullptr;
}

Result<CatalogView> CatalogView::Build(std::span<const CatalogLock> locks) {
  CatalogView view;
  std::unordered_set<ScopeUuid> scopes;
  std::unordered_set<FieldUuid> fields;
  std::unordered_set<IndexDomainUuid> domains;
  COFFER_TRY(view.Add(std::string(kBuiltinSecretName), BuiltinScopeUuid(), BuiltinSecretField(), {}));
  for (const CatalogLock& lock : locks) {
    Status valid = ValidateCatalogLock(lock);
    if (!valid.ok()) return Clash("is not a lock that was applied", valid.error().path());
    if (!scopes.insert(lock.uuid).second) return Clash("has another scope's id", lock.scope);
    for (const LockedDomain& domain : lock.domains) {
      if (!domains.insert(domain.uuid).second) return Clash("has another domain's id", domain.name);
    }
    for (const LockedField& field : lock.fields) {
      if (!fields.insert(field.uuid).second) return Clash("has another field's id", field.name.ToText());
      COFFER_TRY(view.Add(lock.scope + "." + field.name.ToText(), lock.uuid, field, IndexRulesOf(lock, field)));
    }
  }
  return view;
}

Status CatalogView::Add(std::string name, ScopeUuid scope, const LockedField& field, std::vector<IndexRule> indexes) {
  FieldRule rule;
  rule.name = name;
  rule.scope = scope;
  rule.field = field.uuid;
  rule.retired = field.retired;
  rule.field_class = field.now.field_class;
  rule.keyrings = field.Keyrings();
  rule.form = field.now.form;
  rule.former = field.former;
  rule.row = field.now.row;
  rule.bind = field.now.bind;
  rule.indexes = std::move(indexes);
  if (!rules_.emplace(std::move(name), std::move(rule)).second) return Clash("is in two locks", field.name.ToText());
  return {};
}

const FieldRule* CatalogView::Find(std::string_view name) const {
  const auto found = rules_.find(name);
  return found == rules_.end() ? nullptr : &found->second;
}

bool CatalogView::HasIndexUnder(std::string_view keyring, KeyVersion version) const {
  const auto made_under = [&](const IndexVersionRule& of) {
    return of.keyring == keyring && of.key_version == version;
  };
  return std::any_of(rules_.begin(), rules_.end(), [&](const auto& rule) {
    return std::any_of(rule.second.indexes.begin(), rule.second.indexes.end(), [&](const IndexRule& index) {
      return std::any_of(index.versions.begin(), index.versions.end(), made_under);
    });
  });
}

Status EncodeBinding(const FieldRule& rule, const FieldForm& form, std::span<const ScalarView> row,
                     std::span<const BoundColumn> context, Bytes& row_out, Bytes& context_out) {
  row_out.clear();
  context_out.clear();
  COFFER_TRY(CheckRow(rule, form, row));
  COFFER_TRY(CheckContext(rule, form, context));
  Status encoded = Encode(form, row, context, row_out, context_out);
  if (!encoded.ok()) {
    row_out.clear();
    context_out.clear();
  }
  return encoded;
}

}  // namespace coffer::policy
