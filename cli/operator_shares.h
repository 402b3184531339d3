// Shares on their way to their custodians: the service hands them out once.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "cli/session.h"

namespace coffer::cli {

using ShareTexts = google::protobuf::RepeatedPtrField<std::string>;

// Before shares are made: that they can be handed out. Without `folder` standard output has to be a terminal, and the
// output text; else the folder is made, or must be empty.
Outcome<void> PrepareForShares(const Session& session, const std::string& folder);

// To the terminal, one block a custodian, or to "share-1-of-5.txt" and so on in `folder`. Gives the files' paths, empty
// for the terminal. Wipes the texts.
Outcome<std::vector<std::string>> HandOutShares(const std::string& folder, ShareTexts& shares);

}  // namespace coffer::cli
