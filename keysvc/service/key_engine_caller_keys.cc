// The part of KeyEngine that gives callers keys of their own (kind 3 of docs/FORMAT.md section 3). They are stored
// nowhere: the caller keeps them wrapped.
#include "crypto/cursor.h"
#include "crypto/random.h"
#include "keysvc/service/key_engine.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kIdAt = 2;  // of a wrapped key: behind its two format bytes

Status CheckPurpose(const Keyring& keyring) {
  if (keyring.name == kSecretsKeyring) return Error(ErrorCode::kInvalidArgument, "is reserved").At("keyring");
  if (keyring.purpose != KeyringPurpose::kEncrypt) {
    return Error(ErrorCode::kFailedPrecondition, "is not a keyring of purpose encrypt").At("keyring");
  }
  return {};
}

Error NoKeyring() { return Error(ErrorCode::kNotFound, "there is no keyring of this name").At("keyring"); }

Error NotEnabled() {
  return Error(ErrorCode::kFailedPrecondition, "the keyring's version is not enabled").At("keyring");
}

}  // namespace

Result<CallerKey> KeyEngine::NewCallerKey(const DataKey& key) const {
  COFFER_ASSIGN_OR_RETURN(const SecretBytes data_key, UnwrapDataKey(key));
  CallerKey made{.plaintext = RandomSecret(kKeySize)};
  const WrapContext context = WrapContext::CallerKey(uuid_, key.keyring, key.version, key.id, key.tenant);
  COFFER_ASSIGN_OR_RETURN(made.wrapped, WrapKey(DeriveCallerKeyWrapping(data_key, key.tenant, FieldUuid{}), key.id,
                                                context, made.plaintext));
  return made;
}

Result<CallerKey> KeyEngine::GenerateCallerKey(std::string_view keyring_name, TenantUuid tenant) {
  for (;;) {
    {
      const ReadLock lock(table_mutex_);
      COFFER_TRY(CheckTenantLives(tenant));
      const Keyring* keyring = table_.FindKeyring(keyring_name);
      if (keyring == nullptr) return NoKeyring();
      COFFER_TRY(CheckPurpose(*keyring));
      const Version* primary = table_.FindVersion(keyring->uuid, keyring->primary);
      if (primary->state != VersionState::kEnabled) return NotEnabled();
      const DataKey* key = table_.FindDataKey(keyring->uuid, keyring->primary, tenant);
      if (key != nullptr) return NewCallerKey(*key);
    }
    COFFER_TRY(MakeDataKey(keyring_name, KeyVersion{}, tenant));
  }
}

Result<SecretBytes> KeyEngine::UnwrapCallerKey(std::string_view keyring_name, TenantUuid tenant, ByteView wrapped) {
  if (wrapped.size() != kWrappedKeySize) {
    return Error(ErrorCode::kInvalidArgument, "must be exactly as long as a wrapped key, in bytes")
        .At("wrapped")
        .WithLimit(kWrappedKeySize);
  }
  const KeyId id{LoadU64(wrapped.subspan(kIdAt, sizeof(std::uint64_t)))};
  const ReadLock lock(table_mutex_);
  COFFER_TRY(CheckTenantLives(tenant));
  const Keyring* keyring = table_.FindKeyring(keyring_name);
  if (keyring == nullptr) return NoKeyring();
  COFFER_TRY(CheckPurpose(*keyring));
  const DataKey* key = table_.FindDataKey(id);
  if (key == nullptr || key->keyring != keyring->uuid || key->tenant != tenant) {
    // By a key that wrapped nothing: the same failure.
    return UnwrapKey(DeriveCallerKeyWrapping(decoy_key_, tenant, FieldUuid{}), id,
                     WrapContext::CallerKey(uuid_, keyring->uuid, keyring->primary, id, tenant), wrapped);
  }
  const Version* version = table_.FindVersion(key->keyring, key->version);
  if (version->state != VersionState::kEnabled) return NotEnabled();
  COFFER_ASSIGN_OR_RETURN(const SecretBytes data_key, UnwrapDataKey(*key));
  const SecretBytes wrapping = DeriveCallerKeyWrapping(data_key, tenant, FieldUuid{});
  Result<SecretBytes> unwrapped = Error(ErrorCode::kDecryptFailed, "does not decrypt");
  for (const WrapContext& context : CallerKeyContexts(*key)) {
    if (!unwrapped.ok()) unwrapped = UnwrapKey(wrapping, id, context, wrapped);
  }
  return unwrapped;
}

std::vector<WrapContext> KeyEngine::CallerKeyContexts(const DataKey& key) const {
  std::vector<WrapContext> contexts;
  for (const VersionOriginRecord& origin : upkeep_.OriginsOf(key.keyring, key.version)) {
    const VersionPlace& there = origin.there;
    contexts.push_back(WrapContext::CallerKey(there.store, there.keyring, there.version, key.id, key.tenant));
  }
  if (contexts.empty()) contexts.push_back(WrapContext::CallerKey(uuid_, key.keyring, key.version, key.id, key.tenant));
  return contexts;
}

}  // namespace coffer::keysvc
