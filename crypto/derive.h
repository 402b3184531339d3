// Every key that Coffer derives, by label (docs/FORMAT.md section 2). One function a shape of input, so that a label
// cannot be used with another label's fields.
#pragma once

#include "crypto/field_header.h"
#include "crypto/hash.h"
#include "crypto/ids.h"

namespace coffer {

using KeyCheckValue = std::array<std::byte, 16>;

struct FieldKeys {
  SecretBytes encryption;  // 32 bytes, label "enc"
  SecretBytes commitment;  // 32 bytes, label "cmt"
};
FieldKeys DeriveFieldKeys(const SecretBytes& data_key, Suite suite, TenantUuid tenant, FieldUuid field);

struct WrapKeys {
  SecretBytes encryption;  // 32 bytes, label "wrap"
  SecretBytes commitment;  // 32 bytes, label "wcm"
};
WrapKeys DeriveWrapKeys(const SecretBytes& wrapping_key);

struct IntegrityKeys {
  SecretBytes rows;  // 32 bytes, label "meta"
  SecretBytes head;  // 32 bytes, label "set"
};
IntegrityKeys DeriveIntegrityKeys(const SecretBytes& root_key, StoreUuid store);

// Label "kcv": tells that an unwrapped key is the one that was made, and tells nothing else about it.
KeyCheckValue DeriveKeyCheckValue(const SecretBytes& key);

}  // namespace coffer
