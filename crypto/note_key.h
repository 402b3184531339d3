// The keys of signed notes: Ed25519 signatures (c2sp.org/signed-note) and timestamped cosignatures
// (c2sp.org/tlog-cosignature), docs/FORMAT.md section 10.
#pragma once

#include <optional>

#include "crypto/ed25519.h"
#include "crypto/note.h"

namespace coffer {

inline constexpr std::size_t kMaxKeyName = 255;  // bytes, of keys that we use
inline constexpr std::uint64_t kMaxCosignatureTime = (std::uint64_t{1} << 63) - 1;

// What a key signs; C2SP's identifier byte. Other types exist: their signatures are of unknown keys to us.
enum class NoteKeyType : std::uint8_t {
  kSignature = 0x01,    // the text, as log keys do
  kCosignature = 0x04,  // the time and the text, as witnesses do
};

// A public key with its name. Immutable and thread-safe.
class NoteVerifier {
 public:
  // kInvalidArgument: not a key name, or longer than kMaxKeyName.
  static Result<NoteVerifier> Create(std::string_view name, NoteKeyType type, const Ed25519PublicKey& key);
  // A vkey: name, '+', key id in 8 lower-case hex digits, '+', base64 of type and key. kInvalidArgument: malformed, a
  // type that NoteKeyType has not, or a key id that is not the key's.
  static Result<NoteVerifier> Parse(std::string_view vkey);
  std::string ToText() const;

  const std::string& name() const { return name_; }
  NoteKeyType type() const { return type_; }
  NoteKeyId key_id() const { return key_id_; }
  const Ed25519PublicKey& key() const { return key_; }

  // The line claims to be of this key.
  bool Claims(const NoteSignature& signature) const;
  // The signature is this key's, over `text`.
  bool Verifies(std::string_view text, const NoteSignature& signature) const;
  // The same of a signature as a note's line, and nothing else.
  bool VerifiesLine(const std::string& text, const std::string& line) const;

  bool operator==(const NoteVerifier&) const = default;

 private:
  NoteVerifier(std::string name, NoteKeyType type, const Ed25519PublicKey& key);
  std::string name_;
  NoteKeyType type_;
  NoteKeyId key_id_;
  Ed25519PublicKey key_;
};

// A known key that signed a note.
struct NoteSigned {
  std::size_t verifier = 0;                  // its place among those given to VerifyNote
  std::optional<std::uint64_t> time_unix_s;  // of a cosignature; the latest when there are several
};

// Who of `known` signed, in the order of `known`, each once; signatures of other keys are ignored. kIntegrity: a
// signature that claims to be of a known key is false, or none of them signed. Thread-safe.
Result<std::vector<NoteSigned>> VerifyNote(const SignedNote& note, std::span<const NoteVerifier> known);

// A private key with its name, for the text itself. Move-only; const methods are thread-safe.
class NoteSigner {
 public:
  // As NoteVerifier::Create.
  static Result<NoteSigner> Create(std::string_view name, Ed25519PrivateKey key);
  const NoteVerifier& verifier() const { return verifier_; }

  // kInvalidArgument: a text that no note can have (it ends with a newline, is UTF-8 without control characters), or
  // one that could be taken for the message of a cosignature.
  Result<NoteSignature> Sign(std::string_view text) const;

 private:
  NoteSigner(NoteVerifier verifier, Ed25519PrivateKey key);
  NoteVerifier verifier_;
  Ed25519PrivateKey key_;
};

// The same for cosignatures.
class NoteCosigner {
 public:
  static Result<NoteCosigner> Create(std::string_view name, Ed25519PrivateKey key);
  const NoteVerifier& verifier() const { return verifier_; }

  // States that at `time_unix_s` the checkpoint `text` was the largest that was seen of its log. kInvalidArgument: a
  // text that no note can have, or a time above kMaxCosignatureTime.
  Result<NoteSignature> Cosign(std::string_view text, std::uint64_t time_unix_s) const;

 private:
  NoteCosigner(NoteVerifier verifier, Ed25519PrivateKey key);
  NoteVerifier verifier_;
  Ed25519PrivateKey key_;
};

}  // namespace coffer
