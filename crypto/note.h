// Signed notes (c2sp.org/signed-note): the text and its signature lines, docs/FORMAT.md section 10. A note's text means
// nothing before VerifyNote (crypto/note_key.h) has said that a known key signed it. Functions are thread-safe, objects
// thread-compatible.
#pragma once

#include "crypto/bytes.h"

namespace coffer {

inline constexpr std::size_t kMaxNoteSize = 256 * 1024;  // bytes, signatures included
inline constexpr std::size_t kMaxNoteSignatures = 64;    // C2SP asks for at least 16

// The first four bytes of a hash, big endian: tells keys of one name apart, and proves nothing.
struct NoteKeyId {
  std::uint32_t value = 0;
  bool operator==(const NoteKeyId&) const = default;
};

// True for valid UTF-8 that is not empty and has no control character, no Unicode space and no '+'.
bool IsKeyName(std::string_view name);

// One signature line.
struct NoteSignature {
  std::string name;
  NoteKeyId key_id;
  Bytes bytes;  // behind the key id; not empty

  // "— name base64" and a newline.
  std::string ToLine() const;
  bool operator==(const NoteSignature&) const = default;
};

// Text and signatures, none of them verified. What parses gives the same bytes again.
struct SignedNote {
  std::string text;  // ends with a newline
  std::vector<NoteSignature> signatures;

  // kInvalidArgument, with the limit or the line: too long, not UTF-8, a control character, no signature or too many,
  // a malformed line.
  static Result<SignedNote> Parse(std::string_view note);
  std::string ToText() const;
  bool operator==(const SignedNote&) const = default;
};

// Ok for what can be a note's text: it ends with a newline, is UTF-8 and has no other control character.
// kInvalidArgument otherwise.
Status CheckNoteText(std::string_view text);

}  // namespace coffer
