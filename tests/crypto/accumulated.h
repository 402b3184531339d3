// The accumulated test of C2SP's XAES-256-GCM: random inputs from one SHAKE128, all outputs into another.
#pragma once

#include <string>

#include "crypto/internal/xaes.h"

namespace coffer {

// The hex digest after `rounds` rounds.
std::string AccumulatedXaes(std::size_t rounds, internal::GcmBackend backend);

}  // namespace coffer
