#include "db/encrypted_column.h"

#include <algorithm>

namespace coffer::db {
namespace {

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxColumnName && text.find('\0') == text.npos;
}

Result<std::vector<TypedColumn>> RowOf(const policy::FieldDeclaration& field, const std::vector<std::string>& names) {
  std::vector<TypedColumn> row;
  if (!names.empty() && names.size() != field.row.size()) {
    return Error(ErrorCode::kInvalidArgument, "the field's row id has another number of columns")
        .WithLimit(field.row.size());
  }
  if (names.empty() && !field.form.row_bound) return row;
  for (std::size_t i = 0; i < field.row.size(); ++i) row.push_back({names.empty() ? "" : names[i], field.row[i]});
  return row;
}

Result<std::vector<BoundName>> ContextOf(const policy::FieldDeclaration& field,
                                         const std::map<std::string, std::string, std::less<>>& names) {
  std::vector<BoundName> context;
  for (const policy::BoundType& bound : field.bind) {
    const auto renamed = names.find(bound.column);
    context.push_back({bound.column, {renamed == names.end() ? bound.column : renamed->second, bound.type}});
  }
  for (const auto& [name, column] : names) {
    const auto is_this = [&name = name](const policy::BoundType& bound) { return bound.column == name; };
    if (std::none_of(field.bind.begin(), field.bind.end(), is_this)) {
      return Error(ErrorCode::kInvalidArgument, "the field binds no column of this name").At(name);
    }
  }
  if (!field.form.context_bound) context.clear();
  return context;
}

// What is replaced cannot tell where another value belongs.
Status CheckValueBindsNothing(const EncryptedColumn& column) {
  const auto is_value = [&column](const std::string& name) { return name == column.place.column; };
  bool twice = is_value(column.tenant_column);
  for (const TypedColumn& part : column.row) twice = twice || is_value(part.column);
  for (const BoundName& bound : column.context) twice = twice || is_value(bound.value.column);
  if (!twice) return {};
  return Error(ErrorCode::kInvalidArgument, "the column of the ciphertexts is a row id, bound column or tenant too");
}

Result<EncryptedColumn> Map(const policy::LockedField& locked, const FieldName& field, const ColumnNames& names) {
  EncryptedColumn column;
  column.field = field.ToText();
  column.place = names.place.value_or(ColumnPlace{{"", field.table}, field.column});
  COFFER_ASSIGN_OR_RETURN(column.row, RowOf(locked.now, names.row));
  COFFER_ASSIGN_OR_RETURN(column.context, ContextOf(locked.now, names.context));
  column.tenant = names.tenant;
  column.tenant_column = names.tenant_column;
  COFFER_TRY(CheckValueBindsNothing(column));
  return column;
}

}  // namespace

std::string ColumnPlace::ToText() const {
  return (table.schema.empty() ? "" : table.schema + ".") + table.table + "." + column;
}

Result<ColumnPlace> ColumnPlace::Parse(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t dot = text.find('.'); dot != text.npos; dot = text.find('.')) {
    parts.push_back(text.substr(0, dot));
    text.remove_prefix(dot + 1);
  }
  parts.push_back(text);
  if (parts.size() < 2 || parts.size() > 3 || !std::all_of(parts.begin(), parts.end(), IsName)) {
    return Error(ErrorCode::kInvalidArgument, "a column is named as TABLE.COLUMN or SCHEMA.TABLE.COLUMN");
  }
  const std::string_view schema = parts.size() == 3 ? parts[0] : std::string_view();
  return ColumnPlace{{std::string(schema), std::string(parts[parts.size() - 2])}, std::string(parts.back())};
}

Result<EncryptedColumn> MapField(const policy::CatalogLock& lock, const FieldName& field, const ColumnNames& names) {
  const policy::LockedField* const locked = lock.Find({field.table, field.column});
  if (locked == nullptr) return Error(ErrorCode::kNotFound, "the catalog has no such field").At(field.ToText());
  Result<EncryptedColumn> column = Map(*locked, field, names);
  if (!column.ok()) return Error(column.error()).At(field.ToText());
  return column;
}

Status NameRow(EncryptedColumn& column, const std::vector<std::string>& key) {
  if (column.row.empty() || !column.row.front().column.empty()) return {};
  if (column.row.size() != key.size()) {
    return Error(ErrorCode::kInvalidArgument, "the table's key is not the field's row id: name its columns")
        .At(column.place.table.table)
        .WithLimit(column.row.size());
  }
  for (std::size_t i = 0; i < key.size(); ++i) column.row[i].column = key[i];
  return {};
}

}  // namespace coffer::db
