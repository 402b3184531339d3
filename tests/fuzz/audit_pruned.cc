// Notes of retention: what parses is written back to the same bytes and is no checkpoint; a note is believed only when
// our key signed exactly its text. The first byte chooses the check.
#include "audit/checkpoint.h"
#include "audit/pruned_note.h"

namespace coffer::audit {
namespace {

const NoteSigner& Log() {
  static const NoteSigner log = [] {
    SecretBytes seed(Ed25519PrivateKey::kSeedSize);
    const MutableBytes bytes = seed.ExposeMutable(SecretAccess::kTest);
    std::fill(bytes.begin(), bytes.end(), std::byte{1});
    return NoteSigner::Create("log", Ed25519PrivateKey::FromSeed(seed).value()).value();
  }();
  return log;
}

void CheckText(std::string_view text) {
  const Result<PrunedText> parsed = PrunedText::Parse(text);
  if (!parsed.ok()) return COFFER_CHECK(parsed.error().code() == ErrorCode::kInvalidArgument);
  COFFER_CHECK(parsed->ToText() == text && parsed->base.size > 0 && parsed->base.size <= kMaxTreeSize);
  COFFER_CHECK(!Checkpoint::Parse(text).ok());
}

// Nobody signs here: only a note that the corpus brought along may be believed.
void CheckNote(std::string_view note) {
  const Result<TreeHead> base = OpenPruned(note, Log().verifier());
  if (!base.ok()) {
    const ErrorCode code = base.error().code();
    return COFFER_CHECK(code == ErrorCode::kInvalidArgument || code == ErrorCode::kIntegrity);
  }
  COFFER_CHECK(SignedNote::Parse(note)->text == SignPruned(*base, Log())->text);
}

// Signed by us, if it can be a text at all: then it opens exactly when it is a note of this log's retention.
void CheckSigned(std::string_view text) {
  const auto signature = Log().Sign(text);
  if (!signature.ok()) return;
  SignedNote note;
  note.text = text;
  note.signatures.push_back(*signature);
  const Result<PrunedText> parsed = PrunedText::Parse(text);
  const bool ours = parsed.ok() && parsed->origin == Log().verifier().name();
  const std::string whole = note.ToText();
  COFFER_CHECK(OpenPruned(whole, Log().verifier()).ok() == (ours && whole.size() <= kMaxNoteSize));
}

}  // namespace
}  // namespace coffer::audit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input = coffer::AsText(std::as_bytes(std::span(data + 1, size - 1)));
  switch (data[0] % 3) {
    case 0:
      coffer::audit::CheckText(input);
      break;
    case 1:
      coffer::audit::CheckNote(input);
      break;
    default:
      coffer::audit::CheckSigned(input);
      break;
  }
  return 0;
}
