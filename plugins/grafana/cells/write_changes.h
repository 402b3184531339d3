// The one order in which a Grafana database is changed.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "plugins/grafana/cells/cell_writer.h"

namespace coffer::grafana {

struct ChangeOptions {
  std::string backup;                                // a file for what undoes it (CellWriter::BackUp); empty: none
  std::function<void(std::size_t done)> on_writing;  // before each row; empty: nobody asks
};

// Backs up, updates, calls `check`, commits. Without changes there is no backup, and all else is the same. A failure
// before the commit leaves no backup. Errors: the writer's, and those of `check`.
Status WriteChanges(CellWriter& writer, std::span<const RowChange> changes, const ChangeOptions& options,
                    const std::function<Status()>& check);

}  // namespace coffer::grafana
