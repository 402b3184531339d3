#include "audit/witness_request.h"

#include "crypto/text_form.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kOld = "old ";

Error Malformed(Literal message, std::uint64_t line) {
  return Error(ErrorCode::kInvalidArgument, message).AtLine(line);
}

}  // namespace

Result<WitnessRequest> WitnessRequest::Parse(std::string_view body) {
  if (body.size() > kMaxWitnessRequest) {
    return Error(ErrorCode::kInvalidArgument, "the request is longer than allowed").WithLimit(kMaxWitnessRequest);
  }
  WitnessRequest request;
  LineReader lines(body);
  const auto first = lines.Next();
  if (!first || !first->starts_with(kOld)) return Malformed("the request does not begin with an old size", 1);
  const auto old_size = FromDecimal(first->substr(kOld.size()), kMaxTreeSize);
  if (!old_size.ok()) return Malformed("the old size is no number of records", 1);
  request.old_size = *old_size;
  while (true) {
    const auto line = lines.Next();
    if (!line) return Malformed("the request has no empty line before its checkpoint", lines.line() + 1);
    if (line->empty()) break;
    if (request.proof.size() == kMaxProofHashes) return Malformed("the proof has more than 63 hashes", lines.line());
    const auto hash = DigestFromBase64(*line);
    if (!hash.ok()) return Malformed("a line of the proof is no hash in base64", lines.line());
    request.proof.push_back(*hash);
  }
  COFFER_ASSIGN_OR_RETURN(request.note, SignedNote::Parse(lines.rest()));
  COFFER_ASSIGN_OR_RETURN(request.checkpoint, Checkpoint::Parse(request.note.text));
  return request;
}

std::string WitnessRequest::ToText(std::uint64_t old_size, const Proof& proof, const SignedNote& note) {
  std::string body = std::string(kOld) + std::to_string(old_size) + '\n';
  for (const Digest& hash : proof) body += ToBase64(hash) + '\n';
  return body + '\n' + note.ToText();
}

}  // namespace coffer::audit
