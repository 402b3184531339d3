// Figures and forms of values, read from the tables themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "db/guess.h"
#include "db/schema.h"

namespace coffer::db {

// Counts rows of a table, and different values of the named columns, in place of what statistics say: reads the whole
// table, and sorts each column. Columns of types that are not the engine's own are left as they are. Errors as
// ReadSchema.
Status CountFigures(const Source& source, SchemaTable& table, const std::vector<std::string>& columns);

// What at most `limit` values of each column of texts look like; nothing of them is kept. Columns without a guess are
// not in it.
Result<std::map<std::string, Content>> SampleForms(const Source& source, const SchemaTable& table, std::uint32_t limit);

}  // namespace coffer::db
