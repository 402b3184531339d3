// The caches of what is derived from data keys: ciphers of fields and tokenizers of indexes.
#pragma once

#include "crypto/field_cipher.h"
#include "crypto/index_token.h"
#include "keysvc/keys/secret_cache.h"

namespace coffer::keysvc {

// A cipher is of one data key, so of one tenant: the tenant is not part of the key, and the caller checks it before
// asking.
struct CipherKey {
  KeyId data_key;
  FieldUuid field;
  FieldForm form;
  auto operator<=>(const CipherKey&) const = default;
};

struct CipherKeyHash {
  std::size_t operator()(const CipherKey& key) const noexcept {
    return static_cast<std::size_t>(key.data_key.value) ^ std::hash<FieldUuid>()(key.field) ^ key.form.SecondByte();
  }
  static std::size_t ShardOf(const CipherKey& key) noexcept { return static_cast<std::size_t>(key.data_key.value); }
};

// About 0.6 KiB a cipher.
using CipherCache = SecretCache<CipherKey, FieldCipher, CipherKeyHash>;

// A profile is immutable within its domain, so its number stands for the form.
struct TokenizerKey {
  KeyId data_key;
  IndexDomainUuid domain;
  std::uint32_t profile = 0;
  bool global = false;
  auto operator<=>(const TokenizerKey&) const = default;
};

struct TokenizerKeyHash {
  std::size_t operator()(const TokenizerKey& key) const noexcept {
    return static_cast<std::size_t>(key.data_key.value) ^ std::hash<IndexDomainUuid>()(key.domain) ^ key.profile;
  }
  // One tenant of one keyring may have all there are: not by the data key alone.
  static std::size_t ShardOf(const TokenizerKey& key) noexcept {
    return static_cast<std::size_t>(key.data_key.value) + std::hash<IndexDomainUuid>()(key.domain) + key.profile;
  }
};

using TokenizerCache = SecretCache<TokenizerKey, IndexTokenizer, TokenizerKeyHash>;

}  // namespace coffer::keysvc
