// Secrets compared in constant time, so that nobody has to expose them for it.
#pragma once

#include "crypto/secret_bytes.h"

namespace coffer {

// As for bytes: the lengths are no secret. Thread-safe.
bool EqualConstantTime(const SecretBytes& a, const SecretBytes& b);

}  // namespace coffer
