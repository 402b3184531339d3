#include "plugins/grafana/database/dump_tables.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

Error Twice() {
  return Error(ErrorCode::kInvalidArgument,
               "the dump has a table in two places: dump one schema of one database, pg_dump --schema=NAME");
}

}  // namespace

std::optional<std::size_t> DumpTables::Find(std::string_view name) const {
  const auto found =
      std::find_if(wanted_.begin(), wanted_.end(), [name](const WantedTable& table) { return table.name == name; });
  if (found == wanted_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - wanted_.begin());
}

Status DumpTables::Define(std::size_t table, std::vector<DumpColumn> columns, bool is_partitioned) {
  State& state = states_[table];
  if (state.defined || state.kind != TableKind::kTable) return Twice().At(wanted_[table].name);
  state = {true, is_partitioned, false, TableKind::kTable, found_.size(), std::move(columns)};
  FoundTable found{table, {}, 0};
  for (const std::string_view wanted : wanted_[table].columns) {
    found.has_column.push_back(std::any_of(state.columns.begin(), state.columns.end(),
                                           [wanted](const DumpColumn& column) { return column.name == wanted; }));
  }
  found_.push_back(std::move(found));
  return {};
}

Status DumpTables::DefineOther(std::size_t table, TableKind kind) {
  State& state = states_[table];
  if (state.kind == kind) return {};
  if (state.defined || state.kind != TableKind::kTable) return Twice().At(wanted_[table].name);
  COFFER_ASSIGN_OR_RETURN(FoundTable other, FoundOther(wanted_, table, kind));
  state.kind = kind;
  found_.push_back(std::move(other));
  return {};
}

Result<std::vector<FoundTable>> DumpTables::TakeFound() {
  for (FoundTable& found : found_) {
    if (!states_[found.table].is_partitioned || found.rows > 0) continue;
    COFFER_ASSIGN_OR_RETURN(found, FoundOther(wanted_, found.table, TableKind::kPartitioned));
  }
  return std::move(found_);
}

Result<const RowLayout*> DumpTables::Enter(std::size_t table, const std::vector<std::string>& columns) {
  State& state = states_[table];
  if (!state.defined) {
    return Error(ErrorCode::kInvalidArgument,
                 "the dump has rows without their table's definition: dump it without --data-only")
        .At(wanted_[table].name);
  }
  if (current_ == table && columns == layout_columns_) return &layout_;
  if (current_ != table && state.entered) return Twice().At(wanted_[table].name);
  state.entered = true;
  current_ = table;
  layout_columns_ = columns;
  layout_ = {table, {}};
  const std::vector<std::string_view>& wanted = wanted_[table].columns;
  const std::size_t count = columns.empty() ? state.columns.size() : columns.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = columns.empty() ? state.columns[i].name : columns[i];
    RowLayout::Place place;
    const auto at = std::find(wanted.begin(), wanted.end(), name);
    if (at != wanted.end()) place.column = static_cast<std::size_t>(at - wanted.begin());
    const auto defined = std::find_if(state.columns.begin(), state.columns.end(),
                                      [&name](const DumpColumn& column) { return column.name == name; });
    if (defined != state.columns.end()) place.type = defined->type;
    layout_.places.push_back(place);
  }
  return &layout_;
}

}  // namespace coffer::grafana
