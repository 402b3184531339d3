// Randomness: uniformly random bytes from the kernel's generator, and the buffered source of nonces.
#pragma once

#include <array>

#include "crypto/secret_bytes.h"

namespace coffer {

using Nonce = std::array<std::byte, 24>;

// Fills `out` from libsodium's generator. Never fails: it aborts when the kernel has no randomness. Thread-safe.
void FillRandom(MutableBytes out);
SecretBytes RandomSecret(std::size_t size);

// A fresh 24-byte nonce. Each thread draws at most 170 at a time (a fresh 32-byte seed, expanded with ChaCha20) into
// one page that the kernel zeroes in a forked child (MADV_WIPEONFORK), so parent and child never share one; a used
// nonce is wiped from the page. Thread-safe. Residual: a snapshot of a running machine copies the at most 170 nonces
// drawn ahead; see DiscardNonces.
Nonce NextNonce();

// Makes every thread draw anew before its next nonce. The service calls it when idle for 100 ms and at every seal.
// Thread-safe.
void DiscardNonces();

}  // namespace coffer
