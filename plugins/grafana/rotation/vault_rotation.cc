#include "plugins/grafana/rotation/vault_rotation.h"

#include <algorithm>
#include <charconv>

#include "crypto/secret_equality.h"
#include "plugins/grafana/default_secret_key.h"

namespace coffer::grafana {
namespace {

// The newest version; nothing when there is none.
Result<std::optional<StoredSecret>> NewestOf(VaultPort& vault, const SecretPath& path) {
  auto stored = vault.Get(SecretReference{path, std::nullopt});
  if (stored.ok()) return std::optional(std::move(stored).value());
  if (stored.error().code() == ErrorCode::kNotFound) return std::optional<StoredSecret>();
  return Error(std::move(stored).error()).At(path.text());
}

Result<std::uint64_t> PutNewest(VaultPort& vault, const SecretPath& path, const SecretBytes& value,
                                std::uint64_t expected_version) {
  auto put = vault.Put(path, value, expected_version);
  if (!put.ok()) return Error(std::move(put).error()).At(path.text());
  return put;
}

constexpr std::string_view kBecomes = "becomes-version";

// The newest of NextKeyPath.
struct NextKey {
  StoredSecret secret;
  std::optional<std::uint64_t> becomes;  // version of KeyPath; nothing: it does not say so
};

std::optional<std::uint64_t> NumberIn(const SecretMetadata& metadata, std::string_view key) {
  const auto found = metadata.find(std::string(key));
  if (found == metadata.end()) return std::nullopt;
  const std::string& text = found->second;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<std::optional<NextKey>> NextOf(MetadataVault& vault, GrafanaKey which) {
  const SecretPath path = NextKeyPath(which);
  auto described = vault.GetWithMetadata(path);
  if (described.ok()) {
    return std::optional(NextKey{std::move(described->secret), NumberIn(described->metadata, kBecomes)});
  }
  if (described.error().code() == ErrorCode::kNotFound) return std::optional<NextKey>();
  return Error(std::move(described).error()).At(path.text());
}

Result<bool> IsPending(VaultPort& vault, GrafanaKey which, const std::optional<StoredSecret>& current,
                       const std::optional<NextKey>& next) {
  if (!next) return false;
  if (!current) return true;
  if (EqualConstantTime(current->value, next->secret.value)) return false;
  if (!next->becomes || current->version < *next->becomes) return true;
  // Somebody has put a key by hand: after the rotation, or into the middle of it.
  const auto promoted = vault.Get(SecretReference{KeyPath(which), *next->becomes});
  if (promoted.ok()) return !EqualConstantTime(promoted->value, next->secret.value);
  if (IsGone(promoted.error())) return false;  // only what is over is destroyed
  return Error(promoted.error()).At(KeyPath(which).text());
}

}  // namespace

std::string_view RotationKindName(RotationKind kind) {
  switch (kind) {
    case RotationKind::kFresh:
      return "new-key";
    case RotationKind::kResume:
      return "resume";
    case RotationKind::kToVault:
      return "to-vault-key";
    case RotationKind::kBack:
      return "undo";
    case RotationKind::kGiveUp:
      return "give-up";
  }
  return "unknown";
}

SecretPath NextKeyPath(GrafanaKey which) { return SecretPath::Parse(KeyPath(which).text() + ".next").value(); }

Status CheckNoRotationPending(MetadataVault& vault, GrafanaKey which) {
  COFFER_ASSIGN_OR_RETURN(const auto next, NextOf(vault, which));
  COFFER_ASSIGN_OR_RETURN(const auto current, NewestOf(vault, KeyPath(which)));
  COFFER_ASSIGN_OR_RETURN(const bool is_pending, IsPending(vault, which, current, next));
  if (!is_pending) return {};
  return Error(ErrorCode::kFailedPrecondition,
               "a rotation of this key was not finished, and only the database tells which key it has: run coffer "
               "grafana rotate-secret-key again")
      .At(KeyPath(which).text());
}

Result<VaultRotation> VaultRotation::Begin(MetadataVault& vault, GrafanaKey which, RotationGoal goal,
                                           std::optional<SecretBytes> old_key) {
  VaultRotation rotation(vault, which);
  COFFER_ASSIGN_OR_RETURN(std::optional<StoredSecret> current, NewestOf(vault, KeyPath(which)));
  COFFER_ASSIGN_OR_RETURN(std::optional<NextKey> next, NextOf(vault, which));
  rotation.version_ = current ? current->version : 0;
  rotation.next_version_ = next ? next->secret.version : 0;
  COFFER_ASSIGN_OR_RETURN(const bool is_pending, IsPending(vault, which, current, next));
  if (!is_pending) {
    COFFER_TRY(goal == RotationGoal::kUndo ? rotation.BeginUndo(std::move(current))
                                           : rotation.BeginNew(std::move(current), std::move(old_key)));
    return rotation;
  }
  rotation.keys_.target_may_be_in_use = true;
  if (goal == RotationGoal::kNewKey) {
    rotation.kind_ = RotationKind::kResume;
    rotation.stages_again_ = next->becomes && *next->becomes != rotation.version_ + 1;
    rotation.keys_.target = std::move(next->secret.value);
    COFFER_TRY(CheckSecretKey(rotation.keys_.target));
    if (!current) rotation.keys_.old.push_back(SecretBytes::CopyOf(AsBytes(kDefaultSecretKey)));
    if (current) rotation.keys_.old.push_back(std::move(current->value));
    if (old_key) rotation.keys_.old.push_back(std::move(*old_key));
    return rotation;
  }
  if (!current) {
    return Error(
        ErrorCode::kFailedPrecondition,
        "the key before the rotation that was interrupted is not in the vault: finish it, by saying it without --undo");
  }
  rotation.kind_ = RotationKind::kGiveUp;
  rotation.keys_.target = std::move(current->value);
  rotation.keys_.old.push_back(std::move(next->secret.value));
  return rotation;
}

Status VaultRotation::BeginNew(std::optional<StoredSecret> current, std::optional<SecretBytes> old_key) {
  if (!current && !old_key) old_key = SecretBytes::CopyOf(AsBytes(kDefaultSecretKey));
  if (current && old_key && !EqualConstantTime(current->value, *old_key)) {
    kind_ = RotationKind::kToVault;
    keys_.target = std::move(current->value);
    keys_.target_may_be_in_use = true;
    keys_.old.push_back(std::move(*old_key));
    keys_.needs_old = true;
    return CheckSecretKey(keys_.target);
  }
  kind_ = RotationKind::kFresh;
  keys_.target = MakeSecretKey();
  imports_old_ = !current && CheckSecretKey(*old_key).ok();
  keys_.old.push_back(current ? std::move(current->value) : std::move(*old_key));
  return {};
}

Status VaultRotation::BeginUndo(std::optional<StoredSecret> current) {
  if (!current || current->version < 2) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the vault has no version before the newest, as after a rotation from Grafana's public default: only "
                 "a backup leads back")
        .At(KeyPath(which_).text());
  }
  auto before = vault_->Get(SecretReference{KeyPath(which_), current->version - 1});
  if (!before.ok()) return Error(std::move(before).error()).At(KeyPath(which_).text());
  if (EqualConstantTime(before->value, current->value)) {
    return Error(ErrorCode::kFailedPrecondition, "the vault's version before the newest is the same key")
        .At(KeyPath(which_).text());
  }
  COFFER_TRY(CheckSecretKey(before->value));
  kind_ = RotationKind::kBack;
  keys_.target = std::move(before->value);
  keys_.target_may_be_in_use = true;  // A Grafana that was not restarted goes on with it.
  keys_.old.push_back(std::move(current->value));
  return {};
}

bool VaultRotation::begins_with_default() const {
  const SecretBytes known = SecretBytes::CopyOf(AsBytes(kDefaultSecretKey));
  return std::any_of(keys_.old.begin(), keys_.old.end(),
                     [&known](const SecretBytes& key) { return EqualConstantTime(key, known); });
}

Status VaultRotation::PutNext(std::uint64_t becomes) {
  const SecretPath path = NextKeyPath(which_);
  auto put =
      vault_->PutWithMetadata(path, keys_.target, next_version_, {{std::string(kBecomes), std::to_string(becomes)}});
  if (!put.ok()) return Error(std::move(put).error()).At(path.text());
  next_version_ = *put;
  return {};
}

Status VaultRotation::Stage() {
  if (kind_ != RotationKind::kFresh && kind_ != RotationKind::kBack && !stages_again_) return {};
  if (imports_old_) {
    COFFER_ASSIGN_OR_RETURN(version_, PutNewest(*vault_, KeyPath(which_), keys_.old.front(), 0));
    imports_old_ = false;
  }
  return PutNext(version_ + 1);
}

Status VaultRotation::Promote() {
  if (kind_ == RotationKind::kToVault) return {};
  if (kind_ == RotationKind::kGiveUp) return PutNext(version_);
  COFFER_ASSIGN_OR_RETURN(version_, PutNewest(*vault_, KeyPath(which_), keys_.target, version_));
  return {};
}

}  // namespace coffer::grafana
