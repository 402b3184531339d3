// The primitives of age v1 (docs/FORMAT.md section 7): ChaCha20-Poly1305 (RFC 8439) over OpenSSL, X25519 (RFC 7748)
// over libsodium, and the chunks of a payload. Internal to crypto/.
#pragma once

#include <array>
#include <memory>

#include "crypto/secret_bytes.h"

namespace coffer::internal {

inline constexpr std::size_t kAgeFileKeySize = 16;
inline constexpr std::size_t kAgeTagSize = 16;
inline constexpr std::size_t kAgeChunkSize = 65'536;  // of plaintext
inline constexpr std::size_t kAgeSealedChunkSize = kAgeChunkSize + kAgeTagSize;

using AgePayloadNonce = std::array<std::byte, 16>;
using ChaChaNonce = std::array<std::byte, 12>;
using X25519Point = std::array<std::byte, 32>;

// One key. Not thread-safe. Wiped when destroyed.
class ChaChaPoly {
 public:
  // `key` is 32 bytes. kInternal: the library fails.
  static Result<ChaChaPoly> Create(const SecretBytes& key);
  ~ChaChaPoly();
  ChaChaPoly(ChaChaPoly&&) noexcept;
  ChaChaPoly& operator=(ChaChaPoly&&) noexcept;

  // No associated data. out.size() == plaintext.size() + 16: ciphertext, then tag.
  Status Seal(const ChaChaNonce& nonce, ByteView plaintext, MutableBytes out);
  // sealed.size() >= 16 and out.size() == sealed.size() - 16. False, and `out` wiped, when the tag is false.
  Result<bool> Open(const ChaChaNonce& nonce, ByteView sealed, MutableBytes out);

 private:
  struct State;
  explicit ChaChaPoly(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// HKDF-SHA256, 32 bytes.
SecretBytes DeriveAgeKey(const SecretBytes& ikm, ByteView salt, std::string_view info);

// `secret` is 32 bytes, and is clamped. Thread-safe.
X25519Point X25519Base(const SecretBytes& secret);
// 32 bytes. kInvalidArgument: the shared secret is zeros, so the point is of low order.
Result<SecretBytes> X25519(const SecretBytes& secret, const X25519Point& point);

// The chunks of one payload, in order. Not thread-safe.
class AgeChunks {
 public:
  static Result<AgeChunks> Create(const SecretBytes& file_key, const AgePayloadNonce& nonce);

  // Appends the sealed chunk.
  Status Seal(ByteView plaintext, bool is_last, Bytes& out);
  // As ChaChaPoly::Open.
  Result<bool> Open(ByteView sealed, bool is_last, MutableBytes out);
  // How many were sealed or opened.
  std::uint64_t count() const { return count_; }

 private:
  explicit AgeChunks(ChaChaPoly cipher) : cipher_(std::move(cipher)) {}
  ChaChaNonce NextNonce(bool is_last);
  ChaChaPoly cipher_;
  std::uint64_t count_ = 0;
};

}  // namespace coffer::internal
