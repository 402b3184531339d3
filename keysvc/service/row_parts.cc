#include "keysvc/service/row_parts.h"

namespace coffer::keysvc {

Result<std::size_t> RowParts::ColumnOf(const std::string& field, TenantUuid tenant) const {
  std::optional<std::size_t> found;
  for (std::size_t column = 0; column < works_.size(); ++column) {
    if (works_[column].rule().name != field || works_[column].tenant() != tenant) continue;
    if (found) return Error(ErrorCode::kInvalidArgument, "must not have a part's field twice in the same call");
    found = column;
  }
  if (!found) return Error(ErrorCode::kInvalidArgument, "needs the fields of all its parts in the same call");
  return *found;
}

Result<Bytes> RowParts::RowOf(std::size_t column, std::size_t item) const {
  const FieldColumn& values = columns_[column];
  if (values.row_width == 0) return Error(ErrorCode::kInvalidArgument, "needs the row ids of all its parts");
  Bytes row;
  COFFER_TRY(EncodeRow(std::span(values.row_parts).subspan(item * values.row_width, values.row_width), row));
  return row;
}

Result<const RowParts::ItemsByRow*> RowParts::RowsOf(std::size_t column) {
  const auto found = rows_.find(column);
  if (found != rows_.end()) return &found->second;
  ItemsByRow items;
  for (std::size_t item = 0; item < columns_[column].values.size(); ++item) {
    COFFER_ASSIGN_OR_RETURN(Bytes row, RowOf(column, item));
    if (!items.emplace(std::move(row), item).second) {
      return Error(ErrorCode::kInvalidArgument, "must not have a row twice in a part's column");
    }
  }
  return &rows_.emplace(column, std::move(items)).first->second;
}

Result<RowParts::Places> RowParts::Find(const policy::IndexRule& rule, std::size_t column, std::size_t item) {
  Places places;
  COFFER_ASSIGN_OR_RETURN(const Bytes row, RowOf(column, item));
  for (const std::string& field : rule.parts) {
    COFFER_ASSIGN_OR_RETURN(const std::size_t other, ColumnOf(field, works_[column].tenant()));
    COFFER_ASSIGN_OR_RETURN(const ItemsByRow* const rows, RowsOf(other));
    const auto found = rows->find(row);
    places.push_back(found == rows->end() ? std::nullopt : std::optional(Place{other, found->second}));
  }
  return places;
}

RowParts::Values RowParts::ValuesAt(const Places& places) const {
  Values values;
  for (const std::optional<Place>& place : places) {
    values.parts.push_back(place ? plaintexts_(place->column, place->item) : std::nullopt);
    if (place && !values.parts.back()) values.failed = true;
  }
  return values;
}

}  // namespace coffer::keysvc
