// The body of a witness's add-checkpoint call (c2sp.org/tlog-witness): the size that the witness knows, the proof that
// the log only grew since, and the checkpoint. Functions are thread-safe, objects thread-compatible.
#pragma once

#include "audit/checkpoint.h"
#include "audit/proof.h"

namespace coffer::audit {

// "old ", a size, 63 hashes of 44 characters, an empty line and a note; larger ones are refused.
inline constexpr std::size_t kMaxWitnessRequest = 4 * 1024 + kMaxNoteSize;  // bytes
inline constexpr char kAddCheckpointPath[] = "/add-checkpoint";
inline constexpr char kTlogSizeType[] = "text/x.tlog.size";  // Content-Type of what comes with 409

struct WitnessRequest {
  std::uint64_t old_size = 0;
  Proof proof;
  SignedNote note;
  Checkpoint checkpoint;  // note.text, parsed; nothing of it is believed yet

  // What parses gives the same bytes again. kInvalidArgument, with the line: malformed, more than kMaxProofHashes
  // hashes, too long, or a note whose text is no checkpoint.
  static Result<WitnessRequest> Parse(std::string_view body);
  static std::string ToText(std::uint64_t old_size, const Proof& proof, const SignedNote& note);
};

}  // namespace coffer::audit
