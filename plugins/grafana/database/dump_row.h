// One row of a dump, put together from its values as they come.
#pragma once

#include "plugins/grafana/database/dump_tables.h"
#include "plugins/grafana/database/dump_values.h"

namespace coffer::grafana {

// Not thread-safe. Errors: kInvalidArgument, without a line.
class DumpRow {
 public:
  DumpRow(DumpTables& tables, const OnRow& on_row) : tables_(tables), on_row_(on_row) {}

  // What was added of another row is forgotten.
  void Begin(const RowLayout& layout);
  // A field of COPY, as it stands there; it lives until Finish.
  Status AddField(const RowLayout::Place& place, std::string_view field);
  // A value of INSERT.
  Status AddValue(const RowLayout::Place& place, const DumpValue& value);
  // Hands it over.
  Status Finish();

 private:
  struct Cell {
    bool is_null = true;
    std::string_view field;  // as it stands, or else:
    std::size_t begin = 0;   // of bytes_
    std::size_t size = 0;
  };
  void Keep(const RowLayout::Place& place, std::size_t begin);

  DumpTables& tables_;
  const OnRow& on_row_;
  std::vector<Cell> cells_;
  std::string bytes_;
  std::string unescaped_;
  ReadRow row_;
};

}  // namespace coffer::grafana
