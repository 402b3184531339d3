// AuditKey: one month's key of an audit log. It encrypts what names people, and turns row ids into MACs. Without it,
// and that is what erasing a month is, the records stay provable and say neither.
#pragma once

#include "crypto/derive.h"

namespace coffer {

// Immutable and thread-safe. Wiped when destroyed.
class AuditKey {
 public:
  static constexpr std::size_t kOverhead = 40;  // bytes: nonce 24, tag 16

  // kInvalidArgument: not 32 bytes.
  static Result<AuditKey> Create(const SecretBytes& month_key);
  ~AuditKey();
  AuditKey(AuditKey&&) noexcept;
  AuditKey& operator=(AuditKey&&) noexcept;

  // nonce || ciphertext || tag, XAES-256-GCM (C2SP) with `record_id` as associated data. kInternal: the library fails.
  Result<Bytes> Encrypt(ByteView plaintext, ByteView record_id) const;
  // kDecryptFailed for whatever is wrong with `encrypted`.
  Result<SecretBytes> Decrypt(ByteView encrypted, ByteView record_id) const;
  // HMAC-SHA256 over an encoded row id (crypto/value.h), or over a digest of several.
  Result<Digest> RowMac(ByteView row) const;

 private:
  struct State;
  explicit AuditKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer
