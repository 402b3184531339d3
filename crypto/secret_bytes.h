// SecretBytes: the one type that keys and plaintexts live in. Wiped when freed, move-only, and silent: it has no copy,
// no ==, no << and no formatter, so printing a secret does not compile (tests/crypto/must_not_compile).
#pragma once

#include <memory>

#include "crypto/bytes.h"

namespace coffer {

// Says why bytes are taken out. Each use of Expose is counted by tools/check.
enum class SecretAccess : std::uint8_t {
  kCipher,  // Into a primitive: AEAD, HKDF, HMAC, KDF.
  kReply,   // To the caller that is allowed to have it.
  kFile,    // Into a file that is private to its reader, never a temporary one on a disk.
  kTest,
};

// Owns `size()` bytes on the heap. Process memory is locked (io/process_memory.h), so they do not reach swap.
// Thread-compatible.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);  // Zeros.
  static SecretBytes CopyOf(ByteView bytes);
  // Takes over the bytes and wipes the source.
  static SecretBytes Absorb(std::string&& text);
  ~SecretBytes();

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  // A second owner of the same value, said aloud.
  SecretBytes Clone() const;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  ByteView Expose(SecretAccess) const { return {bytes_.get(), size_}; }
  MutableBytes ExposeMutable(SecretAccess) { return {bytes_.get(), size_}; }

  // Shortens to `size` <= size(), wiping the tail.
  void Truncate(std::size_t size);
  void Clear();

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace coffer
