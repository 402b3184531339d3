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

// Label "det", 64 bytes: the SIV key of suite 4, K1 in the left half.
SecretBytes DeriveDeterministicKey(const SecretBytes& data_key, TenantUuid tenant, FieldUuid field);

// Label "dek", 32 bytes: wraps keys that callers get (kind 3 of docs/FORMAT.md section 3). `field` zeros: of no field.
SecretBytes DeriveCallerKeyWrapping(const SecretBytes& data_key, TenantUuid tenant, FieldUuid field);

// Columns of one index domain can be joined: equal values have equal tokens.
using IndexDomainUuid = UuidOf<struct IndexDomainTag>;

struct IndexKeys {
  SecretBytes tokens;     // 32 bytes, label "idx"
  SecretBytes pads;       // 32 bytes, label "pad"
  SecretBytes slow_salt;  // 16 bytes, label "slw"
};
// `profile` is the number of an index profile within its domain, from 1.
IndexKeys DeriveIndexKeys(const SecretBytes& index_data_key, TenantUuid tenant, IndexDomainUuid domain,
                          std::uint32_t profile);

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

// Label "ask", 32 bytes: HMAC-SHA256 over requests that wait for approval, so that who sees the code cannot try values.
SecretBytes DeriveRequestKey(const SecretBytes& root_key, StoreUuid store);

struct AuditKeys {
  SecretBytes personal;  // 32 bytes, label "aud-personal": XAES-256-GCM
  SecretBytes rows;      // 32 bytes, label "aud-rows": HMAC-SHA256
};
AuditKeys DeriveAuditKeys(const SecretBytes& month_key);

// Label "kcv": tells that an unwrapped key is the one that was made, and tells nothing else about it.
KeyCheckValue DeriveKeyCheckValue(const SecretBytes& key);

}  // namespace coffer
