// Dumps from bytes: the same rows or the same error whatever pieces they come in, each row as wide as it was asked for,
// counted, each table whole before the next; and what was read comes back the same from a dump made of it.
#include <set>
#include <string>

#include "plugins/grafana/database/dump_parser.h"

namespace coffer::grafana {
namespace {

const std::vector<WantedTable>& Wanted() {
  static const std::vector<WantedTable> wanted = {
      {"data_source", {"id", "secure_json_data", "key"}}, {"user", {"login"}}, {"t", {"a", "b"}}};
  return wanted;
}

struct Row {
  std::size_t table = 0;
  std::vector<std::optional<std::string>> cells;
  bool operator==(const Row&) const = default;
};

struct Outcome {
  std::vector<Row> rows;
  std::vector<std::uint64_t> counts;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome Read(std::string_view dump, std::size_t piece) {
  Outcome outcome;
  const auto source = [&dump](MutableBytes out) -> Result<std::size_t> {
    const ByteView next = AsBytes(dump.substr(0, out.size()));
    std::copy(next.begin(), next.end(), out.begin());
    dump.remove_prefix(next.size());
    return next.size();
  };
  DumpInput input(source, piece);
  const auto found = ReadDump(input, Wanted(), [&outcome](const ReadRow& row) -> Status {
    COFFER_CHECK(row.table < Wanted().size() && row.cells.size() == Wanted()[row.table].columns.size());
    Row& kept = outcome.rows.emplace_back(Row{row.table, {}});
    for (const auto& cell : row.cells) {
      kept.cells.push_back(cell ? std::optional(std::string(AsText(*cell))) : std::nullopt);
    }
    return {};
  });
  if (!found.ok()) {
    COFFER_CHECK(found.error().code() == ErrorCode::kInvalidArgument && found.error().line() > 0);
    outcome.error = found.error().ToString();
    return outcome;
  }
  outcome.counts.resize(Wanted().size());
  for (const FoundTable& table : *found) outcome.counts[table.table] = table.rows;
  return outcome;
}

void CheckRows(const Outcome& outcome) {
  std::vector<std::uint64_t> counts(Wanted().size());
  std::set<std::size_t> whole;
  for (std::size_t i = 0; i < outcome.rows.size(); ++i) {
    const std::size_t table = outcome.rows[i].table;
    ++counts[table];
    if (i > 0 && outcome.rows[i - 1].table != table) whole.insert(outcome.rows[i - 1].table);
    COFFER_CHECK(!whole.contains(table));
  }
  COFFER_CHECK(counts == outcome.counts);
}

std::string DumpOf(const Outcome& outcome) {
  std::string dump = "BEGIN TRANSACTION;\n";
  for (const WantedTable& table : Wanted()) {
    dump += "CREATE TABLE \"" + std::string(table.name) + "\"(";
    for (const std::string_view column : table.columns) dump += std::string(column) + ",";
    dump.back() = ')';
    dump += ";\n";
  }
  for (const Row& row : outcome.rows) {
    dump += "INSERT INTO \"" + std::string(Wanted()[row.table].name) + "\" VALUES(";
    for (const auto& cell : row.cells) dump += cell ? "X'" + ToHex(AsBytes(*cell)) + "'," : "NULL,";
    dump.back() = ')';
    dump += ";\n";
  }
  return dump + "COMMIT;\n";
}

void Check(std::string_view dump) {
  const Outcome whole = Read(dump, std::max<std::size_t>(dump.size(), 1));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) COFFER_CHECK(Read(dump, piece) == whole);
  if (!whole.error.empty()) return;
  CheckRows(whole);
  const std::string again = DumpOf(whole);
  COFFER_CHECK(Read(again, again.size()) == whole);
}

}  // namespace
}  // namespace coffer::grafana

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  coffer::grafana::Check(coffer::AsText(std::as_bytes(std::span(data, size))));
  return 0;
}
