#include "audit/pruned_note.h"

#include "crypto/text_form.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kFirstLine = "coffer/v1/audit-pruned";

Error Malformed(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

}  // namespace

std::string PrunedText::ToText() const {
  COFFER_CHECK(!origin.empty() && origin.find('\n') == std::string::npos && base.size > 0);
  return std::string(kFirstLine) + '\n' + origin + '\n' + std::to_string(base.size) + '\n' + ToBase64(base.root) + '\n';
}

Result<PrunedText> PrunedText::Parse(std::string_view text) {
  COFFER_TRY(CheckNoteText(text));
  LineReader reader(text);
  const auto first = reader.Next();
  if (!first || *first != kFirstLine) return Malformed("is no note of an audit log's retention").AtLine(1);
  PrunedText parsed;
  const auto origin = reader.Next();
  if (!origin || origin->empty()) return Malformed("a note of retention has no origin").AtLine(2);
  parsed.origin = *origin;
  const auto index_line = reader.Next();
  if (!index_line) return Malformed("a note of retention has fewer than four lines").AtLine(3);
  auto index = FromDecimal(*index_line, kMaxTreeSize);
  if (!index.ok()) return std::move(index).error().At("index").AtLine(3);
  if (*index == 0) return Malformed("a note of retention says that nothing was dropped").At("index").AtLine(3);
  parsed.base.size = *index;
  const auto root_line = reader.Next();
  if (!root_line) return Malformed("a note of retention has fewer than four lines").AtLine(4);
  auto root = DigestFromBase64(*root_line);
  if (!root.ok()) return std::move(root).error().At("root").AtLine(4);
  parsed.base.root = *root;
  if (reader.Next()) return Malformed("a note of retention has more than four lines").AtLine(5);
  return parsed;
}

Result<SignedNote> SignPruned(const TreeHead& base, const NoteSigner& log) {
  SignedNote note;
  note.text = PrunedText{log.verifier().name(), base}.ToText();
  COFFER_ASSIGN_OR_RETURN(note.signatures.emplace_back(), log.Sign(note.text));
  return note;
}

Result<TreeHead> OpenPruned(std::string_view note, const NoteVerifier& log_key) {
  COFFER_ASSIGN_OR_RETURN(const SignedNote parsed, SignedNote::Parse(note));
  COFFER_TRY(VerifyNote(parsed, std::span(&log_key, 1)));
  COFFER_ASSIGN_OR_RETURN(const PrunedText text, PrunedText::Parse(parsed.text));
  if (text.origin != log_key.name()) return Error(ErrorCode::kIntegrity, "the note of retention is another log's");
  return text.base;
}

Result<TreeHead> ReadPruned(const std::string& folder, const NoteVerifier& log_key) {
  const std::string path = folder + "/" + kPrunedNote;
  const Result<Bytes> note = ReadFile(path, kMaxNoteSize);
  if (!note.ok() && note.error().code() == ErrorCode::kNotFound) return TreeHead{};
  if (!note.ok()) return note.error();
  const Result<TreeHead> base = OpenPruned(AsText(ByteView(*note)), log_key);
  if (base.ok()) return *base;
  return Error(ErrorCode::kIntegrity, "is no note of this audit log's retention, signed by its key").At(path);
}

}  // namespace coffer::audit
