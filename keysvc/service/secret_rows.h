// The vault's rows: reading and writing them typed, and the one codec of their values (the built-in field
// coffer.secret).
#pragma once

#include "keysvc/service/key_engine.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {

// The built-in field for one tenant.
FieldPlaceAndForm SecretField(TenantUuid tenant);

Result<Bytes> EncryptSecret(const FieldCipher& cipher, SecretUuid secret, SecretVersion version, ByteView value);
// `secret` and `version` are what was asked for, whatever row the ciphertext came with. kDecryptFailed for a ciphertext
// that is not this version's; kFailedPrecondition when its key version is disabled.
Result<SecretBytes> DecryptSecret(KeyEngine& keys, TenantUuid tenant, SecretUuid secret, SecretVersion version,
                                  ByteView ciphertext);

// `Reader` is an AuthenticatedStore or a StoreMutation.
template <typename Reader>
Result<std::optional<SecretRecord>> GetSecretRow(Reader& reader, TenantUuid tenant, const std::string& path);
template <typename Reader>
Result<std::optional<SecretVersionRecord>> GetVersionRow(Reader& reader, SecretUuid secret, SecretVersion version);
// The same where `secret` says that there is one: versions are destroyed but never removed, so a missing one is
// kIntegrity. Nothing for a version after the current one.
template <typename Reader>
Result<std::optional<SecretVersionRecord>> GetVersionOf(Reader& reader, const SecretRecord& secret,
                                                        SecretVersion version);

// Up to `limit` secrets of a tenant whose paths begin with `prefix` and follow `after` (empty: from the start), by
// path.
Result<std::vector<SecretRecord>> ListSecretRows(AuthenticatedStore& store, TenantUuid tenant,
                                                 const std::string& prefix, const std::string& after,
                                                 std::size_t limit);

Result<std::vector<std::pair<std::string, std::string>>> GetMetadata(AuthenticatedStore& store, SecretUuid secret);
Status ReplaceMetadata(StoreMutation& mutation, SecretUuid secret,
                       const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace coffer::keysvc
