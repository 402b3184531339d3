// WitnessClient: a log's side of c2sp.org/tlog-witness. Asks one witness for its cosignature, remembers what the
// witness knows, and tells a witness that is behind from one that has seen another history. No I/O of its own.
#pragma once

#include "audit/witness_request.h"

namespace coffer::audit {

struct WitnessReply {
  int status = 0;  // of HTTP
  std::string body;
};
// Posts a body to the witness's add-checkpoint. kUnavailable: it did not answer.
using WitnessPost = std::function<Result<WitnessReply>(const std::string& body)>;
// Proves that the log's tree only grew.
using ConsistencyProver = std::function<Result<Proof>(Growth growth)>;

struct WitnessOutcome {
  enum class Kind : std::uint8_t {
    kCosigned,
    kUnavailable,  // no answer, or one that says nothing about the log: try again
    kNotKnown,     // the witness does not witness this log, or not with this key
    kRolledBack,   // it has seen a longer log than this one
    kForked,       // it has seen another log under this name
    kFalse,        // its answer is not what a witness with this key answers
  };
  Kind kind = Kind::kUnavailable;
  std::uint64_t witness_size = 0;  // kRolledBack, kForked: the records that it has seen
  NoteSignature cosignature;       // kCosigned
  std::uint64_t time_unix_s = 0;   // kCosigned
};

// Not thread-safe.
class WitnessClient {
 public:
  // A programmer's error unless `witness` is of type kCosignature.
  explicit WitnessClient(NoteVerifier witness);

  // Asks for `note`, a checkpoint of this log whose head is `head`; at most twice, since the witness may say which
  // checkpoint it knows.
  WitnessOutcome Ask(const SignedNote& note, const TreeHead& head, const ConsistencyProver& prove,
                     const WitnessPost& post);

  const NoteVerifier& witness() const { return witness_; }

 private:
  WitnessOutcome TakeCosignature(const SignedNote& note, const TreeHead& head, const std::string& lines);

  const NoteVerifier witness_;
  std::uint64_t known_ = 0;  // the size that the witness knows, as far as we do
};

}  // namespace coffer::audit
