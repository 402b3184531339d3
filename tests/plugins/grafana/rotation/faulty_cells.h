// A CellWriter that fails when a test says so.
#pragma once

#include "plugins/grafana/cells/cell_writer.h"

namespace coffer::grafana {

// Passes everything on, unless told.
class FaultyCells final : public CellWriter {
 public:
  explicit FaultyCells(CellWriter& cells) : cells_(cells) {}
  ErrorCode update_error = ErrorCode::kInternal;
  int failing_update = 0;            // 0: none
  bool alters_what_is_read = false;  // from the second time on

  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnLockedRow& on_row) override {
    const bool alters = alters_what_is_read && reads_++ > 0;
    return cells_.Read(wanted, [&](std::string_view row_id, const ReadRow& row) -> Status {
      const bool is_target = wanted[row.table].name == "plugin_setting" && row.cells[3];
      if (!alters || !is_target) return on_row(row_id, row);
      Bytes other = CopyOf(*row.cells[3]);
      other[other.size() / 2] ^= std::byte{1};
      ReadRow altered = row;
      altered.cells[3] = other;
      return on_row(row_id, altered);
    });
  }
  Status BackUp(const std::string& path, std::span<const RowChange> changes) override {
    return cells_.BackUp(path, changes);
  }
  Status Update(const RowChange& change) override {
    if (++updates_ == failing_update) return Error(update_error, "a test's");
    return cells_.Update(change);
  }
  Status Commit() override { return cells_.Commit(); }

 private:
  CellWriter& cells_;
  int reads_ = 0;
  int updates_ = 0;
};

}  // namespace coffer::grafana
