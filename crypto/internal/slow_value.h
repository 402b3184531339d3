// The slow stage of an index token: Argon2id (RFC 9106) over libsodium. Internal to crypto/.
#pragma once

#include "crypto/secret_bytes.h"
#include "crypto/token_form.h"

namespace coffer::internal {

// 32 bytes. `salt` is 16. kUnavailable: not enough memory. Thread-safe; takes cost.memory_kib while it runs.
Result<SecretBytes> SlowValue(ByteView value, const SecretBytes& salt, const SlowCost& cost);

}  // namespace coffer::internal
