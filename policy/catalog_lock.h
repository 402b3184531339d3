// catalog.lock: what was applied to a scope, with the ids that its ciphertexts are bound to. An empty store with the
// same keys and the same lock decrypts everything, so the file is kept beside the catalog and its text is the same
// wherever it is written: whatever ParseCatalogLock accepts, WriteCatalogLock gives back byte for byte. Its checksum
// (SHA-256 of the text behind that line) finds a file that was cut off or merged; it is no protection against somebody
// who means it.
#pragma once

#include "policy/index_lock.h"

namespace coffer::policy {

// A way in which older values of a field may still be encrypted.
struct FormerDeclaration {
  FieldForm form;
  std::string keyring;
  // Nothing: accepted without end. Else until that moment; 0 is never (kept, so that a later deadline can let them in
  // again).
  std::optional<std::int64_t> until_unix_s;
  bool operator==(const FormerDeclaration&) const = default;
};

struct LockedField {
  ColumnName name;
  FieldUuid uuid;
  bool retired = false;
  FieldDeclaration now;
  std::vector<FormerDeclaration> former;  // oldest first; no two with the same form and keyring, none like `now`,
                                          // all of one pad multiple
  std::vector<ColumnName> former_names;   // oldest first, no duplicates
  std::optional<Expectation> expect;
  std::vector<LockedIndex> indexes;  // sorted by name, retired ones included
  bool operator==(const LockedField&) const = default;

  // The present keyring first, then the former ones, latest first.
  std::vector<std::string> Keyrings() const;
  // The one multiple that values of this field are or were padded to; 0 when none ever was. It never changes: the
  // header says that a value is padded, not to what.
  std::uint8_t PadMultiple() const;
};

struct CatalogLock {
  std::string scope;
  ScopeUuid uuid;
  std::uint64_t serial = 0;           // from 1 to 2^63 - 1; raised by each apply that changes something
  std::vector<LockedField> fields;    // sorted by name, retired ones included
  std::vector<LockedDomain> domains;  // sorted by name; kept when no index has them any more
  bool operator==(const CatalogLock&) const = default;

  const LockedField* Find(const ColumnName& name) const;
  const LockedDomain* FindDomain(std::string_view name) const;
};

inline constexpr std::size_t kMaxLockBytes = std::size_t{2} << 20;
inline constexpr std::size_t kMaxLockFields = 4000;  // live and retired
inline constexpr std::size_t kMaxFormer = 64;        // declarations, and names, of one field or index

// kInvalidArgument, with line and path, for whatever WriteCatalogLock does not write. Thread-safe.
Result<CatalogLock> ParseCatalogLock(std::string_view text);

// `lock` keeps the rules above. Thread-safe.
std::string WriteCatalogLock(const CatalogLock& lock);

// The rules above, for locks made in memory: kInvalidArgument with the field's path.
Status ValidateCatalogLock(const CatalogLock& lock);

// Where a vault secret's ciphertext belongs: `coffer.secret`, the one field that no catalog declares (docs/FORMAT.md
// section 6).
inline constexpr std::string_view kBuiltinSecretName = "coffer.secret";
ScopeUuid BuiltinScopeUuid();
LockedField BuiltinSecretField();

}  // namespace coffer::policy
