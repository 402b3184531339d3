// A RowReader over rows that a test put together, in the order in which their tables came.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

using MemoryRow = std::vector<std::pair<std::string, std::optional<std::string>>>;

class MemoryRows final : public RowReader {
 public:
  // A column is there when any row of its table has it.
  void Add(const std::string& table, MemoryRow row) { TableOf(table).rows.push_back(std::move(row)); }
  void AddOther(const std::string& table, TableKind kind) { TableOf(table).kind = kind; }
  void AddEmpty(const std::string& table, MemoryRow columns) { TableOf(table).columns = std::move(columns); }

  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) override {
    std::vector<FoundTable> found;
    for (const Table& table : tables_) {
      const auto asked = std::find_if(wanted.begin(), wanted.end(),
                                      [&table](const WantedTable& each) { return each.name == table.name; });
      if (asked == wanted.end()) continue;
      const auto at = static_cast<std::size_t>(asked - wanted.begin());
      if (table.kind != TableKind::kTable) {
        COFFER_ASSIGN_OR_RETURN(FoundTable other, FoundOther(wanted, at, table.kind));
        found.push_back(std::move(other));
        continue;
      }
      FoundTable& one = found.emplace_back();
      one.table = at;
      for (const std::string_view column : asked->columns) one.has_column.push_back(HasColumn(table, column));
      for (const MemoryRow& row : table.rows) {
        ReadRow read;
        read.table = one.table;
        for (const std::string_view column : asked->columns) read.cells.push_back(CellOf(row, column));
        COFFER_TRY(on_row(read));
        ++one.rows;
      }
    }
    return found;
  }

 private:
  struct Table {
    std::string name;
    MemoryRow columns;
    std::vector<MemoryRow> rows;
    TableKind kind = TableKind::kTable;
  };

  Table& TableOf(const std::string& name) {
    const auto known = std::find_if(tables_.begin(), tables_.end(), [&name](const Table& t) { return t.name == name; });
    if (known != tables_.end()) return *known;
    return tables_.emplace_back(Table{name, {}, {}, TableKind::kTable});
  }
  static std::optional<ByteView> CellOf(const MemoryRow& row, std::string_view column) {
    for (const auto& [name, value] : row) {
      if (name == column && value) return AsBytes(*value);
    }
    return std::nullopt;
  }
  static bool Names(const MemoryRow& row, std::string_view column) {
    return std::any_of(row.begin(), row.end(), [column](const auto& cell) { return cell.first == column; });
  }
  static bool HasColumn(const Table& table, std::string_view column) {
    return Names(table.columns, column) || std::any_of(table.rows.begin(), table.rows.end(),
                                                       [column](const MemoryRow& row) { return Names(row, column); });
  }

  std::vector<Table> tables_;
};

}  // namespace coffer::grafana
