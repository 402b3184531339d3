#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

std::string_view TableKindName(TableKind kind) {
  switch (kind) {
    case TableKind::kTable:
      return "table";
    case TableKind::kView:
      return "view";
    case TableKind::kMaterializedView:
      return "materialized-view";
    case TableKind::kForeignTable:
      return "foreign-table";
    case TableKind::kForeignParts:
      return "foreign-parts";
    case TableKind::kPartitioned:
      return "partitioned";
    case TableKind::kVirtualTable:
      return "virtual-table";
    case TableKind::kOther:
      return "other";
  }
  return "other";
}

Result<FoundTable> FoundOther(std::span<const WantedTable> wanted, std::size_t table, TableKind kind) {
  if (!wanted[table].may_be_other) {
    return Error(ErrorCode::kInvalidArgument,
                 "is no ordinary table, as Grafana makes it, but a view, a foreign table or the like")
        .At(wanted[table].name);
  }
  return FoundTable{table, std::vector<bool>(wanted[table].columns.size()), 0, kind};
}

}  // namespace coffer::grafana
