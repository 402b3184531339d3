// How many different values an index can have by its form alone. What the catalog expects may be more, and then says
// nothing: the last digit of a number is one of ten, whatever the numbers are.
#pragma once

#include "policy/index_declaration.h"

namespace coffer::policy {

// Of one value once it is transformed: after first:N or last:N at most 10^N digits or 64^N texts (64: about what the
// letters of one script come to). Infinite when nothing limits it.
double MostValues(const IndexedValue& value);

// Of all that is indexed: of a range the positions of its domain, of a compound the product of its parts.
double MostValues(const IndexDefinition& definition);

// Of the shortest beginning of a kPrefix; infinite for other kinds.
double MostBeginnings(const IndexDefinition& definition);

}  // namespace coffer::policy
