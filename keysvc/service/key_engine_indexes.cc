// The part of KeyEngine that makes tokenizers of index keys.
#include "keysvc/service/key_engine.h"

namespace coffer::keysvc {

TenantUuid KeyEngine::KeyTenantOf(const IndexPlace& place, KeyringUuid keyring) const {
  if (!place.global) return place.tenant;
  // One that was merged in is of the default tenant of the store that made it.
  for (const VersionOriginRecord& origin : upkeep_.OriginsOf(keyring, place.key_version)) {
    if (table_.FindDataKey(keyring, place.key_version, origin.default_tenant) != nullptr) return origin.default_tenant;
  }
  return table_.FindTenant(kDefaultTenant)->uuid;
}

bool KeyEngine::HasIndexKey(const IndexPlace& place) const {
  const ReadLock lock(table_mutex_);
  const Keyring* keyring = table_.FindKeyring(place.keyring);
  return keyring != nullptr &&
         table_.FindDataKey(keyring->uuid, place.key_version, KeyTenantOf(place, keyring->uuid)) != nullptr;
}

Result<TokenizerPointer> KeyEngine::TokenizerFor(const IndexPlace& place, bool make) {
  for (;;) {
    TenantUuid owner;
    {
      const ReadLock lock(table_mutex_);
      COFFER_TRY(CheckTenantLives(place.tenant));
      const Keyring* keyring = table_.FindKeyring(place.keyring);
      if (keyring == nullptr || keyring->purpose != KeyringPurpose::kIndex) {
        return Error(ErrorCode::kFailedPrecondition, "the index's keyring does not exist").At("keyring");
      }
      owner = KeyTenantOf(place, keyring->uuid);
      const Version* version = table_.FindVersion(keyring->uuid, place.key_version);
      if (version == nullptr || version->state != VersionState::kEnabled) {
        return Error(ErrorCode::kFailedPrecondition, "the index keyring's version is not enabled").At("keyring");
      }
      if (const DataKey* key = table_.FindDataKey(keyring->uuid, place.key_version, owner); key != nullptr) {
        const TokenizerKey cache_key{
            .data_key = key->id, .domain = place.domain, .profile = place.form.profile, .global = place.global};
        if (TokenizerPointer cached = tokenizers_.Find(cache_key)) return cached;
        COFFER_ASSIGN_OR_RETURN(const SecretBytes data_key, UnwrapDataKey(*key));
        const TenantUuid derived_for = place.global ? TenantUuid{} : place.tenant;
        COFFER_ASSIGN_OR_RETURN(IndexTokenizer tokenizer,
                                IndexTokenizer::Create(data_key, derived_for, place.domain, place.form));
        return tokenizers_.Insert(cache_key, std::move(tokenizer));
      }
    }
    if (!make) return TokenizerPointer();
    COFFER_TRY(MakeDataKey(place.keyring, place.key_version, owner));
  }
}

}  // namespace coffer::keysvc
