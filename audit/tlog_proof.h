// Proofs that a record is in a log, in one text that is verified offline (c2sp.org/tlog-proof@v1): docs/FORMAT.md
// section 10. Functions are thread-safe, objects thread-compatible.
#pragma once

#include "audit/checkpoint.h"
#include "audit/proof.h"

namespace coffer::audit {

inline constexpr std::size_t kMaxTlogProofExtra = 64 * 1024;        // bytes
inline constexpr std::size_t kMaxTlogProofSize = 2 * kMaxNoteSize;  // bytes, of the whole text

struct TlogProof {
  Bytes extra;              // empty: none; signed by nobody
  std::uint64_t index = 0;  // of the record
  Proof inclusion;
  SignedNote checkpoint;

  // What parses gives the same bytes again. kInvalidArgument, with the line: malformed, longer than allowed, more than
  // kMaxProofHashes hashes, a checkpoint that is not one.
  static Result<TlogProof> Parse(std::string_view text);
  std::string ToText() const;
  bool operator==(const TlogProof&) const = default;
};

// Ok, with the checkpoint, when the record with this hash is number proof.index of a log that `trust` believes. Errors
// as of OpenCheckpoint; kIntegrity also when the record is not there.
Result<OpenedCheckpoint> VerifyTlogProof(const TlogProof& proof, const Digest& leaf_hash, const LogTrust& trust);

}  // namespace coffer::audit
