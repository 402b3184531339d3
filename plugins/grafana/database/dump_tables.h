// The wanted tables of a dump, as far as it was read, and how its rows become ours.
#pragma once

#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// As much of a column's type as changes how its values are written.
enum class DumpType : std::uint8_t { kAny, kBytea, kBoolean };

struct DumpColumn {
  std::string name;
  DumpType type = DumpType::kAny;
};

// What a dump's row has where: each place of it is a wanted column's, or of no interest.
class RowLayout {
 public:
  static constexpr std::size_t kNotWanted = static_cast<std::size_t>(-1);
  struct Place {
    std::size_t column = kNotWanted;  // of WantedTable::columns
    DumpType type = DumpType::kAny;
  };

  std::size_t table = 0;
  std::vector<Place> places;
};

// Not thread-safe. Errors: kInvalidArgument, without a line.
class DumpTables {
 public:
  explicit DumpTables(std::span<const WantedTable> wanted) : wanted_(wanted), states_(wanted.size()) {}

  // Of WantedTable's; nothing for another table. `name` is folded.
  std::optional<std::size_t> Find(std::string_view name) const;

  // A CREATE TABLE, maybe with PARTITION BY. An error when there was one, or something else of its name.
  Status Define(std::size_t table, std::vector<DumpColumn> columns, bool is_partitioned);
  // A CREATE VIEW or the like; pg_dump makes some views twice. An error when there was something else.
  Status DefineOther(std::size_t table, TableKind kind);
  // How rows with these columns (all of the table's, in order, when there is none) are laid out. Begins the table's
  // rows: an error when there was no definition, or when another table's rows came in between. Valid until the next
  // call.
  Result<const RowLayout*> Enter(std::size_t table, const std::vector<std::string>& columns);

  void CountRow(std::size_t table) { ++found_[states_[table].found].rows; }
  const WantedTable& wanted(std::size_t table) const { return wanted_[table]; }
  // At the end. An error for a partitioned table without a row where it may not be another kind.
  Result<std::vector<FoundTable>> TakeFound();

 private:
  struct State {
    bool defined = false;  // a table
    bool is_partitioned = false;
    bool entered = false;
    TableKind kind = TableKind::kTable;
    std::size_t found = 0;  // of found_
    std::vector<DumpColumn> columns;
  };

  std::span<const WantedTable> wanted_;
  std::vector<State> states_;
  std::vector<FoundTable> found_;
  std::optional<std::size_t> current_;
  std::vector<std::string> layout_columns_;  // what layout_ was made for
  RowLayout layout_;
};

}  // namespace coffer::grafana
