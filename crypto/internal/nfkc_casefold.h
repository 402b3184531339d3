// NFKC_Casefold of the canonical decomposition, which is what texts are compared by (Unicode D147; UAX 44, Unicode
// section 5.18), over the tables of utf8proc. Internal to crypto/.
//
// The same as utf8proc_map with STABLE, DECOMPOSE and REJECTNA, then with STABLE, COMPOSE, COMPAT, CASEFOLD and IGNORE,
// but in memory that is wiped, and in linear time but for runs of combining marks, which are sorted: utf8proc's own
// ordering is quadratic in them.
#pragma once

#include "crypto/internal/wiped_vector.h"

namespace coffer::internal {

// `text` is valid UTF-8. kInvalidArgument: it has a code point that this Unicode version does not assign, or the result
// is longer than `max_bytes`. Thread-safe.
Result<WipedVector<char>> NfkcCasefold(std::string_view text, std::size_t max_bytes);

}  // namespace coffer::internal
