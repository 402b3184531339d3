// age v1 files with X25519 recipients (docs/FORMAT.md section 7), written and read piece by piece: what Coffer writes,
// stock age reads, and the other way round. Binary files only; other types of recipients are read over.
#pragma once

#include <functional>
#include <memory>

#include "crypto/age_keys.h"

namespace coffer {

// True when a file that begins with these bytes is a binary age v1 file by its first line, 22 bytes.
bool IsAgeFile(ByteView head);

// What AgeEncryptor makes, in bytes.
std::uint64_t AgeFileSize(std::size_t recipients, std::uint64_t plaintext_size);

namespace internal {
struct AgeSeeds;
}

// One file. Holds at most one chunk of 65,536 bytes of plaintext. Not thread-safe; move-only; wiped when destroyed.
class AgeEncryptor {
 public:
  // With a fresh file key, wrapped for each recipient. kInvalidArgument: none, or more than kMaxAgeKeys.
  static Result<AgeEncryptor> Create(std::span<const AgeRecipient> recipients);
  ~AgeEncryptor();
  AgeEncryptor(AgeEncryptor&&) noexcept;
  AgeEncryptor& operator=(AgeEncryptor&&) noexcept;

  // Appends to `out` what is ready: the header first, then whole chunks. kFailedPrecondition after Finish.
  // kInternal: the library fails; the file is then of no use.
  Status Write(ByteView plaintext, Bytes& out);
  // Appends the last chunk. Without it the file is cut short, and every reader says so. Errors as of Write.
  Status Finish(Bytes& out);

 private:
  struct State;
  friend struct internal::AgeSeeds;
  static Result<AgeEncryptor> CreateWith(std::span<const AgeRecipient> recipients, const internal::AgeSeeds& seeds);
  explicit AgeEncryptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Takes plaintext, of which each piece is authentic and in its place, 65,536 bytes or fewer at a time. The view is
// wiped after the call. An error ends the reading.
using AgeSink = std::function<Status(ByteView plaintext)>;

// One file. Holds at most the header (65,536 bytes) and one chunk. Not thread-safe; move-only; wiped when destroyed.
//
// A chunk is given out only after its tag was found true, and nothing of a chunk whose tag is false. That the file is
// whole, only Finish says: what was given out before may be the beginning of a file that was cut.
//
// kInvalidArgument: no age v1 file, a malformed header, or a share of low order. kDecryptFailed: for other recipients,
// a changed header, or a changed or cut payload. kInternal: the library fails. After an error every call fails with it.
class AgeDecryptor {
 public:
  // Copies the identities. kInvalidArgument: none, or more than kMaxAgeKeys.
  static Result<AgeDecryptor> Create(std::span<const AgeIdentity> identities);
  ~AgeDecryptor();
  AgeDecryptor(AgeDecryptor&&) noexcept;
  AgeDecryptor& operator=(AgeDecryptor&&) noexcept;

  Status Write(ByteView ciphertext, const AgeSink& sink);
  // The file ends here. kFailedPrecondition when called again, and for a Write behind it.
  Status Finish(const AgeSink& sink);

 private:
  struct State;
  explicit AgeDecryptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Whole files in memory, for what is small. Errors as above.
Result<Bytes> AgeEncrypt(std::span<const AgeRecipient> recipients, const SecretBytes& plaintext);
Result<SecretBytes> AgeDecrypt(std::span<const AgeIdentity> identities, ByteView file);

}  // namespace coffer
