// Which CellWriter changes what a person names.
#pragma once

#include "plugins/grafana/cells/cell_writer.h"

namespace coffer::grafana {

// `source` is a postgresql:// URL or a SQLite file, as for OpenRows. kInvalidArgument: anything else, a dump among
// them, which nobody would read again.
Result<std::unique_ptr<CellWriter>> OpenCells(const std::string& source);

// Whether a server would let this user change the tables, as far as that can be seen without a lock. Ok for a file.
Status CheckMayWrite(const std::string& source);

}  // namespace coffer::grafana
