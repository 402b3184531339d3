// The codec beneath crypto/value.h, with the limit as a parameter: stored rows hold longer values than associated data
// does. Internal to crypto/.
#pragma once

#include "crypto/value.h"

namespace coffer::internal {

// Appends one value. kInvalidArgument: text that is not UTF-8, or more than `max_bytes` of text or bytes. On an error
// `out` is as before.
Status AppendValue(const ScalarView& value, std::size_t max_bytes, Bytes& out);

// The next value, or an error when its type is unknown, its text not UTF-8 or it is too long.
Result<ScalarView> ReadValue(Reader& reader, std::size_t max_bytes);

}  // namespace coffer::internal
