// The baseline: a gRPC server with the service's messages and an empty handler. It answers EncryptFields with bytes of
// the right sizes and does nothing else.
#pragma once

#include <memory>
#include <string>

#include "coffer/v1/field.grpc.pb.h"

namespace coffer::bench {

// Serves on a unix socket until the process gets SIGTERM. Returns an exit code.
int ServeEmpty(const std::string& socket);

}  // namespace coffer::bench
