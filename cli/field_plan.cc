#include "cli/field_plan.h"

#include <algorithm>
#include <map>

#include "policy/catalog_lock.h"

namespace coffer::cli {
namespace {

using Locks = std::map<std::string, policy::CatalogLock, std::less<>>;

std::size_t IndexOf(std::vector<std::string>& columns, const std::string& name) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  columns.push_back(name);
  return columns.size() - 1;
}

Outcome<const policy::CatalogLock*> LockOf(client::Client& client, const std::string& scope, Locks& locks) {
  auto found = locks.find(scope);
  if (found == locks.end()) {
    COFFER_ASSIGN_OR_RETURN(policy::CatalogLock lock, FetchLock(client, scope));
    found = locks.emplace(scope, std::move(lock)).first;
  }
  return &found->second;
}

Outcome<std::vector<TypedColumn>> RowOf(const policy::FieldDeclaration& field, const std::string& name,
                                        const std::vector<std::string>& row, FieldPlan& plan) {
  if (field.row.empty() || (row.empty() && !field.form.row_bound)) return std::vector<TypedColumn>();
  if (row.size() != field.row.size()) {
    return UsageFailure(name + " has a row id of " + std::to_string(field.row.size()) +
                        " column(s): name as many with --row");
  }
  std::vector<TypedColumn> columns;
  for (std::size_t i = 0; i < row.size(); ++i) columns.push_back({IndexOf(plan.columns, row[i]), field.row[i]});
  return columns;
}

Outcome<void> AddField(const FieldMapping& mapping, const policy::CatalogLock& lock,
                       const std::vector<std::string>& row, FieldPlan& plan) {
  const std::string name = mapping.field.ToText();
  COFFER_ASSIGN_OR_RETURN(const policy::LockedField* const locked, FindField(lock, mapping.field));
  const auto same = [&mapping, &plan](const MappedField& other) { return plan.columns[other.value] == mapping.column; };
  if (std::any_of(plan.fields.begin(), plan.fields.end(), same)) {
    return UsageFailure("two fields are mapped to the column " + mapping.column);
  }
  MappedField field;
  field.field = name;
  field.value = IndexOf(plan.columns, mapping.column);
  COFFER_ASSIGN_OR_RETURN(field.row, RowOf(locked->now, name, row, plan));
  if (locked->now.form.context_bound) {
    for (const policy::BoundType& bound : locked->now.bind) {
      field.context.push_back({bound.column, {IndexOf(plan.columns, bound.column), bound.type}});
    }
  }
  field.indexes = IndexesOf(lock, *locked);
  plan.fields.push_back(std::move(field));
  return {};
}

// A value that is replaced cannot also tell where another one belongs.
Outcome<void> CheckValuesBindNothing(const FieldPlan& plan) {
  for (const MappedField& value : plan.fields) {
    for (const MappedField& other : plan.fields) {
      const auto is_value = [&value](const TypedColumn& column) { return column.column == value.value; };
      const auto bound = [&is_value](const BoundPlan& column) { return is_value(column.value); };
      if (std::any_of(other.row.begin(), other.row.end(), is_value) ||
          std::any_of(other.context.begin(), other.context.end(), bound)) {
        return UsageFailure("the column " + plan.columns[value.value] +
                            " holds a field's value and is a row id or bound column too");
      }
    }
  }
  return {};
}

}  // namespace

Outcome<FieldMapping> ParseMapping(std::string_view text) {
  const std::size_t equals = text.find('=');
  const auto field = FieldName::Parse(text.substr(0, equals));
  if (!field.ok() || field->IsSecret()) return UsageFailure("a field is named as SCOPE.TABLE.COLUMN");
  const std::string column(equals == text.npos ? std::string_view(field->column) : text.substr(equals + 1));
  if (column.empty()) return UsageFailure("the column after = has no name");
  return FieldMapping{*field, column};
}

Outcome<FieldPlan> MakePlan(client::Client& client, const std::vector<FieldMapping>& mappings,
                            const std::vector<std::string>& row) {
  Locks locks;
  FieldPlan plan;
  for (const FieldMapping& mapping : mappings) {
    COFFER_ASSIGN_OR_RETURN(const policy::CatalogLock* const lock, LockOf(client, mapping.field.scope, locks));
    COFFER_TRY(AddField(mapping, *lock, row, plan));
  }
  COFFER_TRY(CheckValuesBindNothing(plan));
  return plan;
}

}  // namespace coffer::cli
