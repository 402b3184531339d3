// The note of what a log's retention dropped (docs/FORMAT.md section 10): a signed note, so that nobody without the
// log's key can pass a removed file off as retention. Functions are thread-safe.
#pragma once

#include "audit/tree.h"
#include "crypto/note_key.h"

namespace coffer::audit {

// In the log's folder beside "checkpoint".
inline constexpr char kPrunedNote[] = "pruned";

// The text that is signed. It parses as no checkpoint, and no checkpoint parses as it.
struct PrunedText {
  std::string origin;
  TreeHead base;  // the tree of what was dropped; its size, 1 at least, is the index of the first record that is kept

  // Four lines: what it is, origin, first kept index, root.
  std::string ToText() const;
  // kInvalidArgument, with the line: anything else.
  static Result<PrunedText> Parse(std::string_view text);
  bool operator==(const PrunedText&) const = default;
};

// By the log whose name is the key's. kInvalidArgument: as NoteSigner::Sign.
Result<SignedNote> SignPruned(const TreeHead& base, const NoteSigner& log);
// The tree of what was dropped. kInvalidArgument: malformed. kIntegrity: of another log, or not signed by this key.
Result<TreeHead> OpenPruned(std::string_view note, const NoteVerifier& log_key);
// Of the note in a log's folder; the empty tree when there is none. kIntegrity: it is not this log's. Else as ReadFile.
Result<TreeHead> ReadPruned(const std::string& folder, const NoteVerifier& log_key);

}  // namespace coffer::audit
