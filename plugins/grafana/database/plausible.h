// Plausible: could Grafana have encrypted what came out of a decryption? AES-CFB under a wrong key gives random bytes
// and no error, so this is all that tells a right key from a wrong one.
#pragma once

#include <optional>

#include "crypto/secret_bytes.h"

namespace coffer::grafana {

enum class PlaintextKind : std::uint8_t {
  kText,        // passwords, tokens, PEM: UTF-8 without control characters but tab and line ends
  kJsonObject,  // as Go writes one: text from '{' to '}'
};

// What `plaintext` says for its key, in bits: random bytes are given n bits and more with a probability of at most
// 2^-n. The bits of values that were encrypted apart add up, and then the same holds for their sum. Nothing when the
// plaintext is no `kind`.
//
// A letter or digit counts 1.7 bits, other ASCII 0.15, other characters -0.9, 1.1 and 4 in two, three and four bytes;
// an empty text 0. A JSON object counts its braces 8 bits each, and what is between them as text.
//
// How often random bytes pass for text: 1 byte 0.38, 4 bytes 0.04, 8 bytes 0.002, 16 bytes 4e-6, 32 bytes 2e-11.
// Thread-safe.
std::optional<double> PlausibleBits(const SecretBytes& plaintext, PlaintextKind kind);

}  // namespace coffer::grafana
