// Clusters that were recovered under another name: what the name before was granted and forbidden, the new one is too.
#pragma once

#include "policy/internal/policy_reader.h"

namespace coffer::policy {

// Adds the recovered names to the principals of each rule that names what they stand for, break-glass included. Persons
// stay who they are. kInvalidArgument At the table: a name that differs in more than its last part, is a person's, or
// stands anywhere else in the policy; a table of nobody whom a rule names.
Status ExpandRecovered(WrittenPolicy& written);

}  // namespace coffer::policy
