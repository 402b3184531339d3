// The baseline: a gRPC server with the service's messages and an empty handler.
#pragma once

#include <memory>
#include <string>

#include "coffer/v1/field.grpc.pb.h"

namespace coffer::bench {

// kDone: bytes of the right sizes. kRefused: RESOURCE_EXHAUSTED.
enum class EmptyAnswer : std::uint8_t { kDone, kRefused };

// Serves on a unix socket until the process gets SIGTERM. Returns an exit code.
int ServeEmpty(const std::string& socket, EmptyAnswer answer);

}  // namespace coffer::bench
