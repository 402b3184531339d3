// The tokens of what a call writes.
#pragma once

#include "keysvc/service/row_parts.h"

namespace coffer::keysvc {

// Refuses a call whose tokens would be more, or take longer, than one call may; looks at no value.
Status CheckTokenWork(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works);

// Refuses what AddTokens would refuse for a value's sake; makes no key.
Status CheckIndexable(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                      const Plaintexts& plaintexts);

// Fills `indexes` of each column's output. A row of a compound index one of whose parts failed fails too: its token is
// not known, and must not be taken for that of a row without the part.
Status AddTokens(Unsealed& unsealed, const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                 const Plaintexts& plaintexts, FieldOutput& output);

}  // namespace coffer::keysvc
