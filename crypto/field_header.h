// The first ten bytes of a field ciphertext: format byte, suite and flags, key id (docs/FORMAT.md section 1).
// Includes nothing but ids, so that the PostgreSQL extension can use it without a crypto library.
#pragma once

#include <optional>

#include "crypto/ids.h"

namespace coffer {

enum class Suite : std::uint8_t {
  kXaes256Gcm = 1,            // XAES-256-GCM (C2SP)
  kXaes256GcmCommitting = 2,  // the same with a 32-byte commitment to key, nonce, associated data and tag
  kAes256Siv = 4,             // AES-256-SIV (RFC 5297): deterministic, so equal plaintexts show; never row-bound
};

inline constexpr std::size_t kFieldHeaderSize = 10;
inline constexpr std::size_t kMaxPadMultiple = 32;

// How a field's values are encrypted, as its declaration says.
struct FieldForm {
  Suite suite = Suite::kXaes256GcmCommitting;
  std::uint8_t pad_multiple = 0;  // 0: not padded; else 1 to 32
  bool row_bound = true;
  bool context_bound = false;

  auto operator<=>(const FieldForm&) const = default;
  // The header's second byte: suite in the low nibble, flags 80 padded, 40 row-bound, 20 context-bound.
  std::uint8_t SecondByte() const;
  // Bytes that encryption adds to a plaintext of `size` bytes, header and padding included.
  std::size_t CiphertextSize(std::size_t size) const;
};

struct FieldHeader {
  std::uint8_t second_byte = 0;
  KeyId key_id;

  void Write(MutableBytes out10) const;
  // Nothing when `ciphertext` is shorter than a header, or its format byte, suite, flags or key id is not one that v1
  // has. Whether a field may have its suite, its declaration says.
  static std::optional<FieldHeader> Parse(ByteView ciphertext);
};

// True when `bytes` have a header that parses and room for the rest of their suite: what shows without a key.
bool IsFieldCiphertext(ByteView bytes);

}  // namespace coffer
