#include "audit/signing_key.h"

#include <algorithm>

#include "crypto/cursor.h"

namespace coffer::audit {
namespace {

// What a file of that kind begins with, and what it holds a key of.
struct KeyKind {
  std::string_view label;
  Error not_one;
};

KeyKind LogKey() {
  return {std::string_view("coffer/v1/audit-key\0", 20),
          Error(ErrorCode::kIntegrity, "is not the signing key of an audit log")};
}
KeyKind WitnessKey() {
  return {std::string_view("coffer/v1/witness-key\0", 22), Error(ErrorCode::kIntegrity, "is not the key of a witness")};
}

template <typename Signer>
Result<Signer> Make(const KeyKind& kind, const std::string& path, std::string_view name,
                    const std::function<Status(const Signer&)>& before = {}) {
  Ed25519PrivateKey key = Ed25519PrivateKey::Generate();
  Bytes head;
  Writer(head).Raw(kind.label).LengthPrefixed(name);
  const SecretBytes seed = key.Seed();
  SecretBytes file(head.size() + seed.size());
  const MutableBytes out = file.ExposeMutable(SecretAccess::kFile);
  const ByteView from = seed.Expose(SecretAccess::kFile);
  std::copy(from.begin(), from.end(), std::copy(head.begin(), head.end(), out.begin()));
  COFFER_ASSIGN_OR_RETURN(Signer signer, Signer::Create(name, std::move(key)));
  if (before) COFFER_TRY(before(signer));
  COFFER_TRY(CreateFileDurably(path, file, 0600));
  return signer;
}

template <typename Signer>
Result<Signer> Read(const KeyKind& kind, const std::string& path) {
  const Error not_one = Error(kind.not_one).At(path);
  const std::size_t max_bytes = kind.label.size() + 4 + kMaxKeyName + Ed25519PrivateKey::kSeedSize;
  const Result<SecretBytes> file = ReadSecretFile(path, max_bytes);
  if (!file.ok()) return file.error().code() == ErrorCode::kInvalidArgument ? not_one : file.error();
  Reader reader(file->Expose(SecretAccess::kFile));
  if (AsText(reader.Take(kind.label.size())) != kind.label) return not_one;
  const std::string name(AsText(reader.TakeLengthPrefixed(kMaxKeyName)));
  const SecretBytes seed = SecretBytes::CopyOf(reader.Take(Ed25519PrivateKey::kSeedSize));
  if (!reader.Finish()) return not_one;
  Result<Ed25519PrivateKey> key = Ed25519PrivateKey::FromSeed(seed);
  if (!key.ok()) return not_one;
  Result<Signer> signer = Signer::Create(name, std::move(key).value());
  if (!signer.ok()) return not_one;
  return signer;
}

}  // namespace

Result<NoteSigner> MakeSigningKey(const std::string& path, std::string_view origin,
                                  const std::function<Status(const NoteSigner&)>& before) {
  return Make<NoteSigner>(LogKey(), path, origin, before);
}
Result<NoteSigner> ReadSigningKey(const std::string& path) { return Read<NoteSigner>(LogKey(), path); }

Result<NoteCosigner> MakeWitnessKey(const std::string& path, std::string_view name) {
  return Make<NoteCosigner>(WitnessKey(), path, name);
}
Result<NoteCosigner> ReadWitnessKey(const std::string& path) { return Read<NoteCosigner>(WitnessKey(), path); }

}  // namespace coffer::audit
