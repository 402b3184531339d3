// A person's signing key as a file: a line with its public key (crypto/note_key.h), then the key as PEM (RFC 7468):
// Ed25519 in PKCS #8 (RFC 5958, RFC 8410), encrypted by a passphrase through PBES2 with scrypt and AES-256-CBC (RFC
// 8018, RFC 7914) or not at all. `openssl pkey` reads it. PBES2 does not notice changes; the line does.
#pragma once

#include "crypto/note_key.h"

namespace coffer {

inline constexpr std::size_t kMaxPersonKeyFile = 4 * 1024;  // bytes

// A new key's file. Without a passphrase when it is empty; else it has kMinPassphrase to kMaxPassphrase bytes
// (crypto/argon2.h), kInvalidArgument otherwise, as for a name that no key may have. kUnavailable: not enough memory.
// Thread-safe.
Result<SecretBytes> MakePersonKey(std::string_view name, const SecretBytes& passphrase);
Result<SecretBytes> WritePersonKey(std::string_view name, const Ed25519PrivateKey& key, const SecretBytes& passphrase);

// True for a file that a passphrase opens.
bool IsEncryptedPersonKey(const SecretBytes& file);

// What the file's first line says, which needs no passphrase and proves nothing. kInvalidArgument: no such line.
Result<NoteVerifier> PublicPersonKey(const SecretBytes& file);

// kInvalidArgument: not such a file, or longer than kMaxPersonKeyFile. kDecryptFailed: another passphrase, or scrypt
// with more than 32 MiB, which OpenSSL does not do. kIntegrity: the key is not that of the first line. The work that a
// file of somebody else asks for is bounded in memory and not in time. Thread-safe.
Result<NoteSigner> ReadPersonKey(const SecretBytes& file, const SecretBytes& passphrase);

}  // namespace coffer
