// The names in an open folder.
#pragma once

#include <string>
#include <vector>

#include "crypto/result.h"
#include "io/unique_fd.h"

namespace coffer::internal {

// Names without "." and "..", sorted by bytes; takes the descriptor over. More than `max_entries`: kInvalidArgument.
Result<std::vector<std::string>> NamesIn(UniqueFd folder, std::size_t max_entries);

}  // namespace coffer::internal
