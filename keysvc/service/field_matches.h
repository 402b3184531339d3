// Matches: values that were searched for are released only when they are what was meant.
#pragma once

#include "keysvc/service/row_parts.h"

namespace coffer::keysvc {

// Takes the values out of `output` that are not what their column's `match` says, wiped; they become failures. The
// match of a compound index speaks for the columns of all its parts: of each only the rows that match are released.
// Errors are of the request, At "columns[i].match".
Status ApplyMatches(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works, FieldOutput& output);

}  // namespace coffer::keysvc
