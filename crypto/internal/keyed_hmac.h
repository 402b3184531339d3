// HMAC-SHA256 (RFC 2104) under one key for many messages: the key's two blocks are hashed once. Internal to crypto/.
#pragma once

#include <initializer_list>

#include "crypto/hash.h"

namespace coffer::internal {

// Thread-safe: any number of threads may use one. Wiped when destroyed.
class KeyedHmac {
 public:
  // kInternal: the library fails. The key has 1 byte or more.
  static Result<KeyedHmac> Create(const SecretBytes& key);
  ~KeyedHmac();
  KeyedHmac(KeyedHmac&&) noexcept;
  KeyedHmac& operator=(KeyedHmac&&) noexcept;

  // Over the concatenation of `pieces`. kInternal: the library fails.
  Result<Digest> Of(std::initializer_list<ByteView> pieces) const;

 private:
  struct State;
  explicit KeyedHmac(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer::internal
