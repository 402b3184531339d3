// Which store something is signed for.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "cli/session.h"
#include "crypto/ids.h"

namespace coffer::cli {

// --store.
void AddStoreOption(CLI::App& command, std::string& told);

// The store that was told, else the service's. UsageFailure: no UUID.
Outcome<StoreUuid> StoreOf(Session& session, const std::string& told);

}  // namespace coffer::cli
