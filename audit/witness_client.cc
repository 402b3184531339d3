#include "audit/witness_client.h"

#include "crypto/text_form.h"

namespace coffer::audit {
namespace {

using Kind = WitnessOutcome::Kind;

WitnessOutcome Outcome(Kind kind, std::uint64_t witness_size = 0) {
  WitnessOutcome outcome;
  outcome.kind = kind;
  outcome.witness_size = witness_size;
  return outcome;
}

// A size and a newline.
std::optional<std::uint64_t> SizeOf(std::string_view body) {
  if (!body.ends_with('\n')) return std::nullopt;
  body.remove_suffix(1);
  const Result<std::uint64_t> size = FromDecimal(body, kMaxTreeSize);
  return size.ok() ? std::optional(*size) : std::nullopt;
}

}  // namespace

WitnessClient::WitnessClient(NoteVerifier witness) : witness_(std::move(witness)) {
  COFFER_CHECK(witness_.type() == NoteKeyType::kCosignature);
}

WitnessOutcome WitnessClient::TakeCosignature(const SignedNote& note, const TreeHead& head, const std::string& lines) {
  // Lines of keys that are not known here are ignored, false ones of the known key are not.
  const Result<SignedNote> answered = SignedNote::Parse(note.text + '\n' + lines);
  if (!answered.ok()) return Outcome(Kind::kFalse);
  const std::vector<NoteVerifier> known = {witness_};
  const Result<std::vector<NoteSigned>> signers = VerifyNote(*answered, known);
  if (!signers.ok()) return Outcome(Kind::kFalse);
  WitnessOutcome outcome = Outcome(Kind::kCosigned, head.size);
  outcome.time_unix_s = signers->front().time_unix_s.value_or(0);
  for (const NoteSignature& signature : answered->signatures) {
    if (witness_.Claims(signature)) outcome.cosignature = signature;
  }
  known_ = head.size;
  return outcome;
}

WitnessOutcome WitnessClient::Ask(const SignedNote& note, const TreeHead& head, const ConsistencyProver& prove,
                                  const WitnessPost& post) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    // A witness that knew more than there is now is asked anew what it knows.
    const std::uint64_t old_size = known_ <= head.size ? known_ : 0;
    const Result<Proof> proof = prove({.from = old_size, .to = head.size});
    if (!proof.ok()) return Outcome(Kind::kUnavailable);
    const Result<WitnessReply> reply = post(WitnessRequest::ToText(old_size, *proof, note));
    if (!reply.ok()) return Outcome(Kind::kUnavailable);
    if (reply->status == 200) return TakeCosignature(note, head, reply->body);
    if (reply->status == 403 || reply->status == 404) return Outcome(Kind::kNotKnown);
    if (reply->status == 422) return Outcome(Kind::kForked, old_size);
    if (reply->status != 409) return Outcome(reply->status >= 500 ? Kind::kUnavailable : Kind::kFalse);
    const std::optional<std::uint64_t> size = SizeOf(reply->body);
    if (!size) return Outcome(Kind::kFalse);
    if (*size > head.size) return Outcome(Kind::kRolledBack, known_ = *size);
    if (*size == old_size) return Outcome(*size == head.size ? Kind::kForked : Kind::kFalse, *size);
    known_ = *size;
  }
  return Outcome(Kind::kUnavailable);
}

}  // namespace coffer::audit
