// VaultRotation: where the new secret_key is while a rotation goes on, so that a crash at any point loses no key and
// leaves none that Grafana would be handed before its database has it.
//
//   grafana/secret_key        what `coffer grafana run` hands out; its versions are what it was
//   grafana/secret_key.next   the key that a rotation goes to, from before the database's commit on
//
// The metadata of .next says which version of secret_key it becomes. A rotation is pending while secret_key has not
// become it: the database may be under either. Whoever goes on with it finds out which, and finishes. Once it has,
// another key in secret_key was put there by hand, and is what its next rotation begins with. Without that metadata a
// rotation is pending while the two are different. (For the secrets manager's key likewise.)
#pragma once

#include <optional>

#include "plugins/grafana/metadata_vault.h"
#include "plugins/grafana/rotation/rotation.h"

namespace coffer::grafana {

enum class RotationGoal : std::uint8_t {
  kNewKey,  // a key that nobody has yet, or to finish what is pending
  kUndo,    // the key before, or to give up what is pending
};

enum class RotationKind : std::uint8_t {
  kFresh,    // to a new key
  kResume,   // what was pending goes on
  kToVault,  // to the vault's key, which the database is not under
  kBack,     // to the version before
  kGiveUp,   // what was pending ends where it began
};
std::string_view RotationKindName(RotationKind kind);

// ".next" behind KeyPath.
SecretPath NextKeyPath(GrafanaKey which);

// kFailedPrecondition while a rotation is pending: then neither key may be handed to Grafana. Else the vault's: who may
// not read .next does not know.
Status CheckNoRotationPending(MetadataVault& vault, GrafanaKey which);

class VaultRotation {
 public:
  // Decides what goes where; writes nothing. `old_key` is what the database is under, when that is not in the vault.
  //   no pending rotation, no `old_key`      from the vault's key to a new one; from Grafana's public default when the
  //                                          vault has none
  //   `old_key`, and the vault has none      from it to a new one. The vault gets it as the version before, unless
  //                                          CheckSecretKey refuses it, as it does the public default
  //   `old_key`, and the vault has another   from it to the vault's; `old_key` has to open something
  //   pending                                to the pending one
  // kFailedPrecondition: nothing to undo; else the vault's.
  static Result<VaultRotation> Begin(MetadataVault& vault, GrafanaKey which, RotationGoal goal,
                                     std::optional<SecretBytes> old_key);

  RotationKind kind() const { return kind_; }
  const RotationKeys& keys() const { return keys_; }

  // Whether the key that it begins with is Grafana's public default.
  bool begins_with_default() const;

  // Right before the database's commit. kConflict: somebody else rotates; else the vault's.
  Status Stage();
  // Right after it. The same; then the rotation is pending, and has to be finished.
  Status Promote();

  // Of the path that `coffer grafana run` reads, after Promote.
  std::uint64_t version() const { return version_; }
  // Of .next, likewise. Its version before is an old key too.
  std::uint64_t next_version() const { return next_version_; }

 private:
  VaultRotation(MetadataVault& vault, GrafanaKey which) : vault_(&vault), which_(which) {}
  Status BeginNew(std::optional<StoredSecret> current, std::optional<SecretBytes> old_key);
  Status BeginUndo(std::optional<StoredSecret> current);
  // The target, as what becomes this version of secret_key.
  Status PutNext(std::uint64_t becomes);

  MetadataVault* vault_;
  GrafanaKey which_;
  RotationKind kind_ = RotationKind::kFresh;
  RotationKeys keys_;
  std::uint64_t version_ = 0;       // of secret_key; 0: there is none
  std::uint64_t next_version_ = 0;  // of .next
  bool imports_old_ = false;        // the old key becomes a version of secret_key first
  bool stages_again_ = false;       // .next says another version than it becomes
};

}  // namespace coffer::grafana
