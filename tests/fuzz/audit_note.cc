// Notes, checkpoints, keys and cosignatures: what parses is written back to the same bytes, a note is believed only
// when our key signed exactly its text, and no error is anything but a refusal. The first byte chooses the check.
#include <algorithm>

#include "audit/checkpoint.h"
#include "crypto/cursor.h"

namespace coffer::audit {
namespace {

Ed25519PrivateKey FixedKey(unsigned char fill) {
  SecretBytes seed(Ed25519PrivateKey::kSeedSize);
  const MutableBytes bytes = seed.ExposeMutable(SecretAccess::kTest);
  std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(fill));
  return Ed25519PrivateKey::FromSeed(seed).value();
}

const NoteSigner& Log() {
  static const NoteSigner log = NoteSigner::Create("log", FixedKey(1)).value();
  return log;
}

const NoteCosigner& Witness() {
  static const NoteCosigner witness = NoteCosigner::Create("witness", FixedKey(2)).value();
  return witness;
}

void CheckRefused(const Error& error) { COFFER_CHECK(error.code() == ErrorCode::kInvalidArgument); }

// Nobody signs here, so nothing but a signature that the corpus brought along may be believed.
void CheckNote(std::string_view text) {
  const auto note = SignedNote::Parse(text);
  if (!note.ok()) return CheckRefused(note.error());
  COFFER_CHECK(note->ToText() == text && !note->signatures.empty());
  COFFER_CHECK(CheckNoteText(note->text).ok());
  const std::vector<NoteVerifier> known = {Log().verifier(), Witness().verifier()};
  const auto signers = VerifyNote(*note, known);
  if (!signers.ok()) return COFFER_CHECK(signers.error().code() == ErrorCode::kIntegrity);
  COFFER_CHECK(!signers->empty() && signers->size() <= known.size());
  for (const NoteSigned& signer : *signers) {
    const NoteSignature again = signer.verifier == 0 ? Log().Sign(note->text).value()
                                                     : Witness().Cosign(note->text, *signer.time_unix_s).value();
    COFFER_CHECK(std::find(note->signatures.begin(), note->signatures.end(), again) != note->signatures.end());
  }
}

void CheckCheckpoint(std::string_view text) {
  const auto checkpoint = Checkpoint::Parse(text);
  if (!checkpoint.ok()) return CheckRefused(checkpoint.error());
  const std::string three_lines = checkpoint->ToText();
  COFFER_CHECK(text.starts_with(three_lines) && checkpoint->head.size <= kMaxTreeSize);
  if (std::count(text.begin(), text.end(), '\n') == 3) COFFER_CHECK(text == three_lines);
}

void CheckKey(std::string_view text) {
  const auto verifier = NoteVerifier::Parse(text);
  if (!verifier.ok()) return CheckRefused(verifier.error());
  COFFER_CHECK(verifier->ToText() == text && IsKeyName(verifier->name()));
  COFFER_CHECK(NoteVerifier::Create(verifier->name(), verifier->type(), verifier->key()).value() == *verifier);
}

// Signed and cosigned by us, if it can be a text at all: then it opens, and for nobody else.
void CheckSigned(std::string_view text) {
  SignedNote note;
  note.text = text;
  auto signature = Log().Sign(text);
  if (!signature.ok()) return CheckRefused(signature.error());
  note.signatures.push_back(*std::move(signature));
  note.signatures.push_back(Witness().Cosign(text, text.size()).value());
  LogTrust trust = LogTrust::Of(Log().verifier());
  trust.witnesses = {Witness().verifier()};
  trust.quorum = 1;
  const auto parsed = SignedNote::Parse(note.ToText());
  if (!parsed.ok()) return COFFER_CHECK(note.ToText().size() > kMaxNoteSize);
  COFFER_CHECK(*parsed == note);
  const auto checkpoint = Checkpoint::Parse(text);
  trust.origin = checkpoint.ok() ? checkpoint->origin : "log";
  COFFER_CHECK(OpenCheckpoint(*parsed, trust).ok() == checkpoint.ok());
  trust.origin += 'x';
  COFFER_CHECK(!OpenCheckpoint(*parsed, trust).ok());
}

// A cosignature of fuzzed bytes is false, whatever its time.
void CheckForgedCosignature(ByteView input) {
  NoteSignature forged = {"witness", Witness().verifier().key_id(), CopyOf(input)};
  const bool is_believed = Witness().verifier().Verifies("text\n", forged);
  if (!is_believed) return;
  COFFER_CHECK(Witness().Cosign("text\n", LoadU64(input.first(8))).value() == forged);
}

}  // namespace
}  // namespace coffer::audit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using coffer::AsText;
  if (size == 0) return 0;
  const coffer::ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 5) {
    case 0:
      coffer::audit::CheckNote(AsText(input));
      break;
    case 1:
      coffer::audit::CheckCheckpoint(AsText(input));
      break;
    case 2:
      coffer::audit::CheckKey(AsText(input));
      break;
    case 3:
      coffer::audit::CheckSigned(AsText(input));
      break;
    default:
      coffer::audit::CheckForgedCosignature(input);
      break;
  }
  return 0;
}
