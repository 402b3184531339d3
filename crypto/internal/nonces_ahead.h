// A look into the buffer of crypto/random.h, for its tests. Internal to crypto/.
#pragma once

#include <cstddef>

namespace coffer::internal {

// How many nonces this thread has drawn ahead and would still give out: 0 at first, after a discard and in a forked
// child.
std::size_t NoncesAhead();

}  // namespace coffer::internal
