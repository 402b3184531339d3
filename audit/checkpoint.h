// Checkpoints (c2sp.org/tlog-checkpoint): the signed head of a log's tree, docs/FORMAT.md section 10. Functions are
// thread-safe, objects thread-compatible.
#pragma once

#include "audit/tree.h"
#include "crypto/note_key.h"

namespace coffer::audit {

// The text that is signed.
struct Checkpoint {
  std::string origin;  // the log's name: one line, not empty
  TreeHead head;

  // Three lines: origin, size, root. No extension lines are ever written.
  std::string ToText() const;
  // Extension lines behind the three are accepted and ignored. kInvalidArgument, with the line: malformed, or a size
  // above kMaxTreeSize.
  static Result<Checkpoint> Parse(std::string_view text);
  bool operator==(const Checkpoint&) const = default;
};

// The signed note of `head` by the log whose name is the key's. Whoever calls it makes sure that the head is consistent
// with every head that this key signed before. kInvalidArgument: as NoteSigner::Sign.
Result<SignedNote> SignCheckpoint(const TreeHead& head, const NoteSigner& log);

// Whose checkpoints are believed. A key is in it once, whatever its names and types.
struct LogTrust {
  std::string origin;
  std::vector<NoteVerifier> log_keys;   // of type kSignature; one that signed is enough
  std::vector<NoteVerifier> witnesses;  // of type kCosignature
  std::size_t quorum = 0;               // how many witnesses must have cosigned

  // The log whose origin is the key's name, no witness asked for.
  static LogTrust Of(const NoteVerifier& log_key);
};

struct Cosigned {
  std::string witness;
  std::uint64_t time_unix_s = 0;
  bool operator==(const Cosigned&) const = default;
};

struct OpenedCheckpoint {
  Checkpoint checkpoint;
  std::vector<Cosigned> cosigned;  // by known witnesses, in the order of LogTrust::witnesses
};

// kInvalidArgument: malformed, or a trust that no log can meet (no log key, keys of the wrong type, one key twice, a
// quorum above the count of witnesses). kIntegrity: another origin, no signature of a log key, a false one of a known
// key, fewer cosignatures than the quorum.
Result<OpenedCheckpoint> OpenCheckpoint(const SignedNote& note, const LogTrust& trust);
Result<OpenedCheckpoint> OpenCheckpoint(std::string_view note, const LogTrust& trust);

}  // namespace coffer::audit
