#include "crypto/note_key.h"

#include <algorithm>
#include <array>

#include "crypto/cursor.h"
#include "crypto/hash.h"
#include "crypto/text_form.h"

namespace coffer {
namespace {

constexpr std::string_view kCosignatureHeader = "cosignature/v1\n";
constexpr std::size_t kHexKeyIdSize = 8;  // characters
constexpr std::size_t kTimeSize = 8;      // bytes

Error BadKey() { return {ErrorCode::kInvalidArgument, "this is not a verifier key that Coffer knows"}; }

std::byte TypeByte(NoteKeyType type) { return static_cast<std::byte>(type); }

NoteKeyId KeyIdOf(std::string_view name, NoteKeyType type, const Ed25519PublicKey& key) {
  const std::array<std::byte, 2> separator_and_type = {std::byte{'\n'}, TypeByte(type)};
  const Digest digest = Sha256({AsBytes(name), separator_and_type, key.bytes()});
  return {Reader(digest).U32()};
}

std::string HexOf(NoteKeyId id) {
  Bytes bytes;
  Writer(bytes).U32(id.value);
  return ToHex(bytes);
}

std::string CosignedMessage(std::string_view text, std::uint64_t time_unix_s) {
  return std::string(kCosignatureHeader) + "time " + std::to_string(time_unix_s) + '\n' + std::string(text);
}

// Of a cosignature whose size is right.
std::uint64_t TimeOf(const NoteSignature& signature) { return LoadU64(ByteView(signature.bytes).first(kTimeSize)); }

// Who signed, if it is the one of these keys that the line claims. Nothing: an unknown key.
Result<std::optional<NoteSigned>> VerifySignature(std::string_view text, const NoteSignature& signature,
                                                  std::span<const NoteVerifier> known) {
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!known[i].Claims(signature)) continue;
    if (!known[i].Verifies(text, signature)) {
      return Error(ErrorCode::kIntegrity, "a signature of a known key is false");
    }
    NoteSigned found = {i, std::nullopt};
    if (known[i].type() == NoteKeyType::kCosignature) found.time_unix_s = TimeOf(signature);
    return std::optional(found);
  }
  return std::optional<NoteSigned>();
}

}  // namespace

NoteVerifier::NoteVerifier(std::string name, NoteKeyType type, const Ed25519PublicKey& key)
    : name_(std::move(name)), type_(type), key_id_(KeyIdOf(name_, type, key)), key_(key) {}

Result<NoteVerifier> NoteVerifier::Create(std::string_view name, NoteKeyType type, const Ed25519PublicKey& key) {
  if (!IsKeyName(name) || name.size() > kMaxKeyName) {
    return Error(ErrorCode::kInvalidArgument, "a note key's name is malformed or longer than allowed")
        .WithLimit(kMaxKeyName);
  }
  return NoteVerifier(std::string(name), type, key);
}

Result<NoteVerifier> NoteVerifier::Parse(std::string_view vkey) {
  const std::size_t name_end = vkey.find('+');
  if (name_end == std::string_view::npos) return BadKey();
  const std::string_view rest = vkey.substr(name_end + 1);
  if (rest.size() <= kHexKeyIdSize || rest[kHexKeyIdSize] != '+') return BadKey();
  const auto type_and_key = FromBase64(rest.substr(kHexKeyIdSize + 1));
  if (!type_and_key.ok() || type_and_key->empty()) return BadKey();
  const std::byte type = type_and_key->front();
  if (type != TypeByte(NoteKeyType::kSignature) && type != TypeByte(NoteKeyType::kCosignature)) return BadKey();
  const auto key = Ed25519PublicKey::FromBytes(ByteView(*type_and_key).subspan(1));
  if (!key.ok()) return BadKey();
  COFFER_ASSIGN_OR_RETURN(NoteVerifier verifier,
                          Create(vkey.substr(0, name_end), static_cast<NoteKeyType>(type), *key));
  if (rest.substr(0, kHexKeyIdSize) != HexOf(verifier.key_id_)) return BadKey();
  return verifier;
}

std::string NoteVerifier::ToText() const {
  Bytes type_and_key = {TypeByte(type_)};
  Append(type_and_key, key_.bytes());
  return name_ + '+' + HexOf(key_id_) + '+' + ToBase64(type_and_key);
}

bool NoteVerifier::Claims(const NoteSignature& signature) const {
  return signature.key_id == key_id_ && signature.name == name_;
}

bool NoteVerifier::Verifies(std::string_view text, const NoteSignature& signature) const {
  if (!Claims(signature)) return false;
  const ByteView bytes = signature.bytes;
  if (type_ == NoteKeyType::kSignature) return key_.Verify(AsBytes(text), bytes);
  if (bytes.size() != kTimeSize + sizeof(Ed25519Signature)) return false;
  const std::uint64_t time = TimeOf(signature);
  return time <= kMaxCosignatureTime && key_.Verify(AsBytes(CosignedMessage(text, time)), bytes.subspan(kTimeSize));
}

bool NoteVerifier::VerifiesLine(const std::string& text, const std::string& line) const {
  const Result<SignedNote> note = SignedNote::Parse(text + "\n" + line);
  return note.ok() && note->signatures.size() == 1 && Verifies(text, note->signatures.front());
}

Result<std::vector<NoteSigned>> VerifyNote(const SignedNote& note, std::span<const NoteVerifier> known) {
  std::vector<std::optional<NoteSigned>> signed_by(known.size());
  for (const NoteSignature& signature : note.signatures) {
    COFFER_ASSIGN_OR_RETURN(const auto found, VerifySignature(note.text, signature, known));
    if (!found) continue;
    auto& before = signed_by[found->verifier];
    if (!before || before->time_unix_s < found->time_unix_s) before = found;
  }
  std::vector<NoteSigned> all;
  for (const auto& one : signed_by) {
    if (one) all.push_back(*one);
  }
  if (all.empty()) return Error(ErrorCode::kIntegrity, "no known key signed this");
  return all;
}

NoteSigner::NoteSigner(NoteVerifier verifier, Ed25519PrivateKey key)
    : verifier_(std::move(verifier)), key_(std::move(key)) {}

Result<NoteSigner> NoteSigner::Create(std::string_view name, Ed25519PrivateKey key) {
  COFFER_ASSIGN_OR_RETURN(NoteVerifier verifier, NoteVerifier::Create(name, NoteKeyType::kSignature, key.public_key()));
  return NoteSigner(std::move(verifier), std::move(key));
}

Result<NoteSignature> NoteSigner::Sign(std::string_view text) const {
  COFFER_TRY(CheckNoteText(text));
  if (text.starts_with(kCosignatureHeader)) {
    return Error(ErrorCode::kInvalidArgument, "a note's text begins as a cosignature's message does");
  }
  return NoteSignature{verifier_.name(), verifier_.key_id(), CopyOf(key_.Sign(AsBytes(text)))};
}

NoteCosigner::NoteCosigner(NoteVerifier verifier, Ed25519PrivateKey key)
    : verifier_(std::move(verifier)), key_(std::move(key)) {}

Result<NoteCosigner> NoteCosigner::Create(std::string_view name, Ed25519PrivateKey key) {
  COFFER_ASSIGN_OR_RETURN(NoteVerifier verifier,
                          NoteVerifier::Create(name, NoteKeyType::kCosignature, key.public_key()));
  return NoteCosigner(std::move(verifier), std::move(key));
}

Result<NoteSignature> NoteCosigner::Cosign(std::string_view text, std::uint64_t time_unix_s) const {
  COFFER_TRY(CheckNoteText(text));
  if (time_unix_s > kMaxCosignatureTime) {
    return Error(ErrorCode::kInvalidArgument, "a cosignature's time is later than allowed")
        .WithLimit(kMaxCosignatureTime);
  }
  NoteSignature signature{verifier_.name(), verifier_.key_id(), {}};
  Writer(signature.bytes).U64(time_unix_s).Raw(key_.Sign(AsBytes(CosignedMessage(text, time_unix_s))));
  return signature;
}

}  // namespace coffer
