#include "crypto/note.h"

#include <algorithm>
#include <array>

#include "crypto/cursor.h"
#include "crypto/text_form.h"

namespace coffer {
namespace {

constexpr std::string_view kSignaturePrefix = "\xe2\x80\x94 ";  // an em dash and a space
constexpr std::string_view kBlankLine = "\n\n";
constexpr std::size_t kKeyIdSize = 4;

// Unicode's White_Space above ASCII, as UTF-8: no encoding is found inside another one.
constexpr std::array<std::string_view, 19> kUnicodeSpaces = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
    "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

Error Malformed(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20; }

bool HasOtherControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return IsControl(c) && c != '\n'; });
}

Result<NoteSignature> ParseLine(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) return Malformed("a note's signature line does not begin with a dash");
  line.remove_prefix(kSignaturePrefix.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !IsKeyName(line.substr(0, space))) {
    return Malformed("a note's signature line has no key name");
  }
  const auto bytes = FromBase64(line.substr(space + 1));
  if (!bytes.ok() || bytes->size() <= kKeyIdSize) return Malformed("a note's signature is malformed");
  Reader reader(*bytes);
  NoteSignature signature;
  signature.name = line.substr(0, space);
  signature.key_id = {reader.U32()};
  signature.bytes = CopyOf(reader.Take(reader.remaining()));
  return signature;
}

}  // namespace

bool IsKeyName(std::string_view name) {
  const auto is_excluded = [](char c) { return IsControl(c) || c == ' ' || c == '+'; };
  const auto is_in_name = [name](std::string_view space) { return name.find(space) != std::string_view::npos; };
  return !name.empty() && IsUtf8(name) && std::none_of(name.begin(), name.end(), is_excluded) &&
         std::none_of(kUnicodeSpaces.begin(), kUnicodeSpaces.end(), is_in_name);
}

std::string NoteSignature::ToLine() const {
  Bytes id_and_signature;
  Writer(id_and_signature).U32(key_id.value).Raw(bytes);
  return std::string(kSignaturePrefix) + name + ' ' + ToBase64(id_and_signature) + '\n';
}

Status CheckNoteText(std::string_view text) {
  if (text.size() > kMaxNoteSize) return Malformed("a note is longer than allowed").WithLimit(kMaxNoteSize);
  if (!text.ends_with('\n')) return Malformed("a note's text does not end with a newline");
  if (!IsUtf8(text) || HasOtherControls(text)) return Malformed("a note is not text in UTF-8");
  return {};
}

Result<SignedNote> SignedNote::Parse(std::string_view note) {
  COFFER_TRY(CheckNoteText(note));
  const std::size_t blank = note.rfind(kBlankLine);
  if (blank == std::string_view::npos) return Malformed("a note has no empty line before its signatures");
  SignedNote parsed;
  parsed.text = note.substr(0, blank + 1);
  const auto lines_before =
      static_cast<std::uint64_t>(std::count(note.begin(), note.begin() + static_cast<std::ptrdiff_t>(blank + 2), '\n'));
  LineReader reader(note.substr(blank + kBlankLine.size()));
  while (const auto line = reader.Next()) {
    if (parsed.signatures.size() == kMaxNoteSignatures) {
      return Malformed("a note has more signatures than allowed").WithLimit(kMaxNoteSignatures);
    }
    auto signature = ParseLine(*line);
    if (!signature.ok()) return std::move(signature).error().AtLine(lines_before + reader.line());
    parsed.signatures.push_back(*std::move(signature));
  }
  if (parsed.signatures.empty()) return Malformed("a note has no signature");
  return parsed;
}

std::string SignedNote::ToText() const {
  std::string note = text + '\n';
  for (const NoteSignature& signature : signatures) note += signature.ToLine();
  return note;
}

}  // namespace coffer
