// A store in a folder, as cofferd keeps it, made and rekeyed without cofferd: what others would have to approve needs
// nobody here.
#pragma once

#include <string>

#include "crypto/result.h"

namespace coffer::bench {

// With the key file "seal.key", the keyrings "bench" and "bench-index", and the catalog. `folder` is the data folder.
// `grants`: of its policy, as a policy file has them; empty: what is built in holds.
Status MakeBenchStore(const std::string& folder, const std::string& catalog, const std::string& grants);

// A new root key, under a new key file: how long it took, in microseconds. No service may run over the store; none can
// be started again.
Result<std::int64_t> RekeyBenchStore(const std::string& folder);

}  // namespace coffer::bench
