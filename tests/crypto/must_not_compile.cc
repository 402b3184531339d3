// Compiled once a case, never linked. Case 0 must compile; every other case adds one line that must not.
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "crypto/field_cipher.h"
#include "crypto/key_wrap.h"
#include "crypto/random.h"

#ifndef COFFER_CASE
#error "COFFER_CASE chooses the line"
#endif

namespace coffer {

Status Fails() { return Error(ErrorCode::kInternal, "a literal"); }

void Forbidden(SecretBytes secret, const SecretBytes& other, const std::string& text, const FieldCipher& cipher) {
  SecretBytes moved = std::move(secret);
  const Error error(ErrorCode::kInternal, "a literal");
  std::cout << error.ToString() << text << other.size() << fmt::format("{}", moved.size());
  static_cast<void>(cipher);
  static_cast<void>(Fails());
#if COFFER_CASE == 1
  std::cout << moved;
#elif COFFER_CASE == 2
  std::cout << fmt::format("{}", moved);
#elif COFFER_CASE == 3
  SecretBytes copy(other);
  static_cast<void>(copy);
#elif COFFER_CASE == 4
  moved = other;
#elif COFFER_CASE == 5
  static_cast<void>(moved == other);
#elif COFFER_CASE == 6
  static_cast<void>(std::string(moved));
#elif COFFER_CASE == 7
  static_cast<void>(Error(ErrorCode::kInternal, text.c_str()));
#elif COFFER_CASE == 8
  static_cast<void>(Error(ErrorCode::kInternal, text));
#elif COFFER_CASE == 9
  static_cast<void>(cipher.Encrypt({}, {}, Nonce{}, {}));
#elif COFFER_CASE == 10
  const TenantUuid tenant;
  const FieldUuid field = tenant;
  static_cast<void>(field);
#elif COFFER_CASE == 11
  const KeyVersion version = KeyId{1};
  static_cast<void>(version);
#elif COFFER_CASE == 12
  Fails();
#elif COFFER_CASE != 0
#error "no such case"
#endif
}

}  // namespace coffer
