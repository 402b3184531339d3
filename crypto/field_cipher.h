// FieldCipher: encrypts and decrypts the values of one field for one tenant under one data key (docs/FORMAT.md section
// 1).
//
// The associated data binds header, scope, tenant, field, row and bound columns, so a value moved to another place does
// not decrypt. Nonces are made inside; suite 4 has none, so there equal plaintexts have equal ciphertexts. Whatever
// depends on the ciphertext's bytes fails as kDecryptFailed and nothing else.
#pragma once

#include "crypto/derive.h"
#include "crypto/field_header.h"

namespace coffer {

struct FieldPlace {
  ScopeUuid scope;
  TenantUuid tenant;
  FieldUuid field;
};

// Encoded row and context (crypto/value.h); empty when the form does not bind them.
struct Binding {
  ByteView row;
  ByteView context;
};

// Immutable and thread-safe. Wiped when destroyed.
class FieldCipher {
 public:
  // `data_key` is 32 bytes and `id` its valid id. kInvalidArgument otherwise, for a pad multiple above 32, and
  // for suite 4 with row binding. That suite 4 is for keyrings of purpose `deterministic` only, the caller sees to.
  static Result<FieldCipher> Create(const SecretBytes& data_key, KeyId id, const FieldForm& form,
                                    const FieldPlace& place);
  ~FieldCipher();
  FieldCipher(FieldCipher&&) noexcept;
  FieldCipher& operator=(FieldCipher&&) noexcept;

  const FieldForm& form() const;
  KeyId key_id() const;

  // out.size() == form().CiphertextSize(plaintext.size()). kInternal when the binding does not fit the form (a caller's
  // defect) or a library fails.
  Status Encrypt(ByteView plaintext, const Binding& binding, MutableBytes out) const;

  // kDecryptFailed, with the same work done, for a header that is not this cipher's, a false tag, commitment or
  // padding. kInternal when the binding does not fit the form or a library fails: neither depends on the ciphertext.
  Result<SecretBytes> Decrypt(ByteView ciphertext, const Binding& binding) const;

 private:
  struct State;
  explicit FieldCipher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer
