#include "crypto/person_key.h"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "crypto/argon2.h"
#include "crypto/internal/openssl.h"
#include "crypto/random.h"

namespace coffer {
namespace {

using internal::Owned;

// 16 MiB and about a fifth of a second; OpenSSL reads back no more than 32 MiB.
constexpr std::uint64_t kScryptN = 16'384;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 5;

constexpr std::string_view kEncryptedLabel = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

using OwnedPkey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedInfo = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using OwnedEncrypted = Owned<X509_SIG, X509_SIG_free>;
using OwnedBio = Owned<BIO, BIO_free_all>;

Error NoKey() { return Error(ErrorCode::kInvalidArgument, "is no Ed25519 private key in PEM"); }

// PBES2, of which OpenSSL takes ownership when it succeeds.
OwnedEncrypted Encrypt(const SecretBytes& passphrase, PKCS8_PRIV_KEY_INFO* info) {
  std::array<std::byte, 16> salt{};
  FillRandom(salt);
  Owned<X509_ALGOR, X509_ALGOR_free> scheme(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), AsUnsigned(ByteView(salt)),
                                                                  salt.size(), nullptr, kScryptN, kScryptR, kScryptP));
  if (scheme == nullptr) return nullptr;
  const std::string_view bytes = AsText(passphrase.Expose(SecretAccess::kCipher));
  OwnedEncrypted encrypted(PKCS8_set0_pbe(bytes.data(), static_cast<int>(bytes.size()), info, scheme.get()));
  if (encrypted != nullptr) static_cast<void>(scheme.release());
  return encrypted;
}

SecretBytes ContentOf(BIO* memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  COFFER_CHECK(size >= 0);
  return SecretBytes::CopyOf(AsBytes(std::string_view(text, static_cast<std::size_t>(size))));
}

OwnedBio InputOf(const SecretBytes& pem) {
  const std::string_view text = AsText(pem.Expose(SecretAccess::kCipher));
  OwnedBio input(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  COFFER_CHECK(input != nullptr);
  return input;
}

Result<OwnedInfo> Decrypt(const SecretBytes& pem, const SecretBytes& passphrase) {
  const OwnedBio input = InputOf(pem);
  const OwnedEncrypted encrypted(PEM_read_bio_PKCS8(input.get(), nullptr, internal::NoPassword, nullptr));
  if (encrypted == nullptr) return NoKey();
  const std::string_view bytes = AsText(passphrase.Expose(SecretAccess::kCipher));
  OwnedInfo info(PKCS8_decrypt(encrypted.get(), bytes.data(), static_cast<int>(bytes.size())));
  if (info == nullptr)
    return Error(ErrorCode::kDecryptFailed,
                 "the passphrase does not open the key, or scrypt asks for more than 32 MiB");
  return info;
}

Result<Ed25519PrivateKey> KeyOf(const OwnedInfo& info) {
  const OwnedPkey pkey(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
  if (pkey == nullptr || EVP_PKEY_get_id(pkey.get()) != EVP_PKEY_ED25519) return NoKey();
  SecretBytes seed(Ed25519PrivateKey::kSeedSize);
  std::size_t size = seed.size();
  const MutableBytes out = seed.ExposeMutable(SecretAccess::kCipher);
  if (EVP_PKEY_get_raw_private_key(pkey.get(), AsUnsigned(out), &size) != 1 || size != seed.size()) return NoKey();
  return Ed25519PrivateKey::FromSeed(seed);
}

// The PEM of a key without a passphrase, or under one.
Result<SecretBytes> PemOf(const Ed25519PrivateKey& key, const SecretBytes& passphrase) {
  const SecretBytes seed = key.Seed();
  const OwnedPkey pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                                    AsUnsigned(seed.Expose(SecretAccess::kCipher)), seed.size()));
  const OwnedInfo info(pkey == nullptr ? nullptr : EVP_PKEY2PKCS8(pkey.get()));
  const OwnedBio output(BIO_new(BIO_s_secmem()));
  bool written = false;
  if (info != nullptr && output != nullptr && passphrase.empty()) {
    written = PEM_write_bio_PKCS8_PRIV_KEY_INFO(output.get(), info.get()) == 1;
  } else if (info != nullptr && output != nullptr) {
    const OwnedEncrypted encrypted = Encrypt(passphrase, info.get());
    written = encrypted != nullptr && PEM_write_bio_PKCS8(output.get(), encrypted.get()) == 1;
  }
  ERR_clear_error();
  if (!written) return Error(ErrorCode::kUnavailable, "there is not enough memory to write the key");
  return ContentOf(output.get());
}

Result<Ed25519PrivateKey> KeyIn(const SecretBytes& file, const SecretBytes& passphrase) {
  Result<Ed25519PrivateKey> key = NoKey();
  if (IsEncryptedPersonKey(file)) {
    Result<OwnedInfo> info = Decrypt(file, passphrase);
    key = info.ok() ? KeyOf(*info) : Result<Ed25519PrivateKey>(std::move(info).error());
  } else {
    const OwnedBio input = InputOf(file);
    key = KeyOf(OwnedInfo(PEM_read_bio_PKCS8_PRIV_KEY_INFO(input.get(), nullptr, internal::NoPassword, nullptr)));
  }
  ERR_clear_error();
  return key;
}

}  // namespace

Result<SecretBytes> MakePersonKey(std::string_view name, const SecretBytes& passphrase) {
  return WritePersonKey(name, Ed25519PrivateKey::Generate(), passphrase);
}

Result<SecretBytes> WritePersonKey(std::string_view name, const Ed25519PrivateKey& key, const SecretBytes& passphrase) {
  if (!passphrase.empty() && (passphrase.size() < kMinPassphrase || passphrase.size() > kMaxPassphrase)) {
    return Error(ErrorCode::kInvalidArgument, "must be 12 to 1,024 bytes").At("passphrase").WithLimit(kMaxPassphrase);
  }
  COFFER_ASSIGN_OR_RETURN(const NoteVerifier verifier,
                          NoteVerifier::Create(name, NoteKeyType::kSignature, key.public_key()));
  COFFER_ASSIGN_OR_RETURN(const SecretBytes pem, PemOf(key, passphrase));
  const std::string line = verifier.ToText() + "\n";
  SecretBytes file(line.size() + pem.size());
  const MutableBytes out = file.ExposeMutable(SecretAccess::kFile);
  const ByteView from = pem.Expose(SecretAccess::kFile);
  const ByteView head = AsBytes(line);
  std::copy(from.begin(), from.end(), std::copy(head.begin(), head.end(), out.begin()));
  return file;
}

bool IsEncryptedPersonKey(const SecretBytes& file) {
  return AsText(file.Expose(SecretAccess::kCipher)).find(kEncryptedLabel) != std::string_view::npos;
}

Result<NoteVerifier> PublicPersonKey(const SecretBytes& file) {
  const std::string_view text = AsText(file.Expose(SecretAccess::kCipher));
  const std::size_t end = text.find('\n');
  Result<NoteVerifier> key = NoteVerifier::Parse(text.substr(0, end));
  if (end == std::string_view::npos || !key.ok() || key->type() != NoteKeyType::kSignature) {
    return Error(ErrorCode::kInvalidArgument, "does not begin with a line of a public key");
  }
  return key;
}

Result<NoteSigner> ReadPersonKey(const SecretBytes& file, const SecretBytes& passphrase) {
  if (file.size() > kMaxPersonKeyFile) {
    return Error(ErrorCode::kInvalidArgument, "the key is longer than allowed").WithLimit(kMaxPersonKeyFile);
  }
  COFFER_ASSIGN_OR_RETURN(const NoteVerifier verifier, PublicPersonKey(file));
  COFFER_ASSIGN_OR_RETURN(Ed25519PrivateKey key, KeyIn(file, passphrase));
  if (!(key.public_key() == verifier.key())) {
    return Error(ErrorCode::kIntegrity, "is not the key that its first line names: the file was changed");
  }
  return NoteSigner::Create(verifier.name(), std::move(key));
}

}  // namespace coffer
