// All that a RowReader gives, as text that tests compare.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/grafana/database/dump_parser.h"
#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// "table: cell|cell", NULL as "~".
inline std::string TextOf(const ReadRow& row, std::span<const WantedTable> wanted) {
  std::string text(wanted[row.table].name);
  EXPECT_EQ(row.cells.size(), wanted[row.table].columns.size());
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    text += i == 0 ? ": " : "|";
    text += row.cells[i] ? AsText(*row.cells[i]) : "~";
  }
  return text;
}

// "table rows column column", of columns that are there; "table is view" of what is no table.
inline std::string TextOf(const FoundTable& found, std::span<const WantedTable> wanted) {
  const WantedTable& table = wanted[found.table];
  EXPECT_EQ(found.has_column.size(), table.columns.size());
  if (found.kind != TableKind::kTable) return std::string(table.name) + " is " + std::string(TableKindName(found.kind));
  std::string text = std::string(table.name) + " " + std::to_string(found.rows);
  for (std::size_t i = 0; i < found.has_column.size(); ++i) {
    if (found.has_column[i]) text += " " + std::string(table.columns[i]);
  }
  return text;
}

struct AllRows {
  std::vector<std::string> tables;
  std::vector<std::string> rows;
  bool operator==(const AllRows&) const = default;
};

// `read(wanted, on_row)` is RowReader::Read, or ReadDump of an input.
template <typename Read>
Result<AllRows> Collect(Read read, std::span<const WantedTable> wanted) {
  AllRows all;
  const OnRow on_row = [&](const ReadRow& row) -> Status {
    all.rows.push_back(TextOf(row, wanted));
    return {};
  };
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found, read(wanted, on_row));
  for (const FoundTable& table : found) all.tables.push_back(TextOf(table, wanted));
  return all;
}

// With what is no table told of, which is an error else.
inline std::vector<WantedTable> Lenient(std::span<const WantedTable> wanted) {
  std::vector<WantedTable> lenient(wanted.begin(), wanted.end());
  for (WantedTable& table : lenient) table.may_be_other = true;
  return lenient;
}

inline Result<AllRows> ReadAll(RowReader& reader, std::span<const WantedTable> wanted) {
  return Collect([&](auto tables, const OnRow& on_row) { return reader.Read(tables, on_row); }, wanted);
}

// Of a dump that comes in pieces of `piece` bytes.
inline Result<AllRows> ReadDumpText(std::string_view text, std::span<const WantedTable> wanted,
                                    std::size_t piece = 4'096) {
  const auto source = [&text](MutableBytes out) -> Result<std::size_t> {
    const ByteView next = AsBytes(text.substr(0, out.size()));
    std::copy(next.begin(), next.end(), out.begin());
    text.remove_prefix(next.size());
    return next.size();
  };
  DumpInput input(source, piece);
  return Collect([&](auto tables, const OnRow& on_row) { return ReadDump(input, tables, on_row); }, wanted);
}

}  // namespace coffer::grafana
