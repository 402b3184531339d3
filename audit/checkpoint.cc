#include "audit/checkpoint.h"

#include <algorithm>

#include "crypto/text_form.h"

namespace coffer::audit {
namespace {

Error Malformed(Literal message) { return {ErrorCode::kInvalidArgument, message}; }
Error NotBelieved(Literal message) { return {ErrorCode::kIntegrity, message}; }

bool AllOfType(const std::vector<NoteVerifier>& keys, NoteKeyType type) {
  return std::all_of(keys.begin(), keys.end(), [type](const NoteVerifier& key) { return key.type() == type; });
}

// The log's keys, then the witnesses'.
Result<std::vector<NoteVerifier>> KnownKeys(const LogTrust& trust) {
  if (trust.log_keys.empty() || !AllOfType(trust.log_keys, NoteKeyType::kSignature) ||
      !AllOfType(trust.witnesses, NoteKeyType::kCosignature)) {
    return Malformed("a log's trust needs log keys that sign and witness keys that cosign");
  }
  if (trust.quorum > trust.witnesses.size()) return Malformed("a quorum is larger than the count of witnesses");
  std::vector<NoteVerifier> known = trust.log_keys;
  known.insert(known.end(), trust.witnesses.begin(), trust.witnesses.end());
  for (auto key = known.begin(); key != known.end(); ++key) {
    if (std::any_of(known.begin(), key, [key](const NoteVerifier& other) { return other.key() == key->key(); })) {
      return Malformed("a log's trust has one key twice");
    }
  }
  return known;
}

}  // namespace

std::string Checkpoint::ToText() const {
  COFFER_CHECK(!origin.empty() && origin.find('\n') == std::string::npos);
  return origin + '\n' + std::to_string(head.size) + '\n' + ToBase64(head.root) + '\n';
}

Result<Checkpoint> Checkpoint::Parse(std::string_view text) {
  COFFER_TRY(CheckNoteText(text));
  LineReader reader(text);
  const auto origin = reader.Next();
  if (!origin || origin->empty()) return Malformed("a checkpoint has no origin").AtLine(1);
  const auto size_line = reader.Next();
  if (!size_line) return Malformed("a checkpoint has fewer than three lines").AtLine(2);
  auto size = FromDecimal(*size_line, kMaxTreeSize);
  if (!size.ok()) return std::move(size).error().At("size").AtLine(2);
  const auto root_line = reader.Next();
  if (!root_line) return Malformed("a checkpoint has fewer than three lines").AtLine(3);
  auto root = DigestFromBase64(*root_line);
  if (!root.ok()) return std::move(root).error().At("root").AtLine(3);
  while (const auto extension = reader.Next()) {
    if (extension->empty()) return Malformed("a checkpoint has an empty line").AtLine(reader.line());
  }
  return Checkpoint{std::string(*origin), {*size, *root}};
}

Result<SignedNote> SignCheckpoint(const TreeHead& head, const NoteSigner& log) {
  SignedNote note;
  note.text = Checkpoint{log.verifier().name(), head}.ToText();
  COFFER_ASSIGN_OR_RETURN(note.signatures.emplace_back(), log.Sign(note.text));
  return note;
}

LogTrust LogTrust::Of(const NoteVerifier& log_key) { return {log_key.name(), {log_key}, {}, 0}; }

Result<OpenedCheckpoint> OpenCheckpoint(const SignedNote& note, const LogTrust& trust) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<NoteVerifier> known, KnownKeys(trust));
  COFFER_ASSIGN_OR_RETURN(const std::vector<NoteSigned> signers, VerifyNote(note, known));
  OpenedCheckpoint opened;
  bool log_signed = false;
  for (const NoteSigned& signer : signers) {
    if (signer.verifier < trust.log_keys.size()) {
      log_signed = true;
    } else {
      opened.cosigned.push_back({known[signer.verifier].name(), signer.time_unix_s.value_or(0)});
    }
  }
  if (!log_signed) return NotBelieved("the log did not sign this checkpoint");
  COFFER_ASSIGN_OR_RETURN(opened.checkpoint, Checkpoint::Parse(note.text));
  if (opened.checkpoint.origin != trust.origin) return NotBelieved("the checkpoint is of another log");
  if (opened.cosigned.size() < trust.quorum) {
    return NotBelieved("the checkpoint has fewer cosignatures than its quorum").WithLimit(trust.quorum);
  }
  return opened;
}

Result<OpenedCheckpoint> OpenCheckpoint(std::string_view note, const LogTrust& trust) {
  COFFER_ASSIGN_OR_RETURN(const SignedNote parsed, SignedNote::Parse(note));
  return OpenCheckpoint(parsed, trust);
}

}  // namespace coffer::audit
