#include "audit/tlog_proof.h"

#include "crypto/text_form.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";

Error Malformed(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

Result<Bytes> ParseExtra(std::string_view text) {
  auto extra = FromBase64(text);
  if (!extra.ok() || extra->empty() || extra->size() > kMaxTlogProofExtra) {
    return Malformed("a proof's extra data is malformed or longer than allowed").WithLimit(kMaxTlogProofExtra);
  }
  return extra;
}

// From the line behind the index to the empty one.
Result<Proof> ParseInclusion(LineReader& lines) {
  Proof inclusion;
  for (;;) {
    const auto line = lines.Next();
    if (!line) return Malformed("a proof ends before its checkpoint");
    if (line->empty()) return inclusion;
    if (inclusion.size() == kMaxProofHashes) {
      return Malformed("a proof has more hashes than allowed").WithLimit(kMaxProofHashes);
    }
    COFFER_ASSIGN_OR_RETURN(inclusion.emplace_back(), DigestFromBase64(*line));
  }
}

Result<TlogProof> ParseLines(LineReader& lines) {
  TlogProof proof;
  if (lines.Next() != kHeader) return Malformed("a proof does not begin with its format's name");
  auto line = lines.Next();
  if (line && line->starts_with(kExtra)) {
    COFFER_ASSIGN_OR_RETURN(proof.extra, ParseExtra(line->substr(kExtra.size())));
    line = lines.Next();
  }
  if (!line || !line->starts_with(kIndex)) return Malformed("a proof has no index");
  COFFER_ASSIGN_OR_RETURN(proof.index, FromDecimal(line->substr(kIndex.size()), kMaxTreeSize - 1));
  COFFER_ASSIGN_OR_RETURN(proof.inclusion, ParseInclusion(lines));
  return proof;
}

}  // namespace

Result<TlogProof> TlogProof::Parse(std::string_view text) {
  if (text.size() > kMaxTlogProofSize) {
    return Malformed("a proof is longer than allowed").WithLimit(kMaxTlogProofSize);
  }
  LineReader lines(text);
  auto proof = ParseLines(lines);
  if (!proof.ok()) return std::move(proof).error().AtLine(lines.line());
  const auto at_checkpoint = [&lines](Error&& error) {
    const std::uint64_t line = error.line();
    return std::move(error).At("checkpoint").AtLine(lines.line() + line);
  };
  auto note = SignedNote::Parse(lines.rest());
  if (!note.ok()) return at_checkpoint(std::move(note).error());
  auto checkpoint = Checkpoint::Parse(note->text);
  if (!checkpoint.ok()) return at_checkpoint(std::move(checkpoint).error());
  proof->checkpoint = *std::move(note);
  return proof;
}

std::string TlogProof::ToText() const {
  std::string text = std::string(kHeader) + '\n';
  if (!extra.empty()) text += std::string(kExtra) + ToBase64(extra) + '\n';
  text += std::string(kIndex) + std::to_string(index) + '\n';
  for (const Digest& hash : inclusion) text += ToBase64(hash) + '\n';
  return text + '\n' + checkpoint.ToText();
}

Result<OpenedCheckpoint> VerifyTlogProof(const TlogProof& proof, const Digest& leaf_hash, const LogTrust& trust) {
  COFFER_ASSIGN_OR_RETURN(OpenedCheckpoint opened, OpenCheckpoint(proof.checkpoint, trust));
  COFFER_TRY(VerifyInclusion(proof.index, leaf_hash, opened.checkpoint.head, proof.inclusion));
  return opened;
}

}  // namespace coffer::audit
