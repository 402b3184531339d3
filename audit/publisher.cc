#include "audit/publisher.h"

#include <utility>

#include "io/directory.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

constexpr char kCheckpoint[] = "/checkpoint";

// Makes the folders of `path` below `folder`.
Status MakeFolders(const std::string& folder, const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    COFFER_TRY(MakeDirectory(folder + "/" + path.substr(0, slash), 0755));
  }
  return {};
}

Error NotContinued() {
  return {ErrorCode::kIntegrity,
          "the audit journal is not the one whose checkpoint was signed last: it was rolled back, cut or replaced"};
}

}  // namespace

Result<SignedNote> ReadCheckpoint(const std::string& folder) {
  COFFER_ASSIGN_OR_RETURN(const Bytes text, ReadFile(folder + kCheckpoint, kMaxNoteSize));
  return SignedNote::Parse(AsText(ByteView(text)));
}

Result<SignedNote> ReadCosignedCheckpoint(const std::string& folder) {
  COFFER_ASSIGN_OR_RETURN(const Bytes text, ReadFile(folder + "/" + kCosignedCheckpoint, kMaxNoteSize));
  return SignedNote::Parse(AsText(ByteView(text)));
}

Result<TreeHead> Publisher::LastSigned(const Places& places, const NoteSigner& signer) {
  const Result<Bytes> text = ReadFile(places.last_signed, kMaxNoteSize);
  if (!text.ok() && text.error().code() == ErrorCode::kNotFound) return TreeHead{};
  if (!text.ok()) return text.error();
  const Result<OpenedCheckpoint> opened = OpenCheckpoint(AsText(ByteView(*text)), LogTrust::Of(signer.verifier()));
  if (!opened.ok()) {
    return Error(ErrorCode::kIntegrity, "is not a checkpoint of this audit log").At(places.last_signed);
  }
  return opened->checkpoint.head;
}

Status Publisher::WriteTile(const Tile& tile, ByteView content) const {
  const std::string path = tile.Path();
  const std::string whole = places_.folder + "/" + path;
  const Status written = ReplaceFile(whole, content, 0644);
  if (written.ok() || written.error().code() != ErrorCode::kNotFound) return written;
  COFFER_TRY(MakeFolders(places_.folder, path));
  return ReplaceFile(whole, content, 0644);
}

Status Publisher::Follow(std::uint64_t size) {
  if (tiles_.size() == size) return {};
  const auto sink = [this](const Tile& tile, ByteView content) { return WriteTile(tile, content); };
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(journal_, signer_.verifier().name(),
                                                                    {.from = tiles_.size(), .to = size}));
  while (tiles_.size() < size) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<JournalReader::Record> record, reader.Next());
    if (!record) return NotContinued();
    COFFER_TRY(tiles_.Append(record->bytes, sink));
  }
  return {};
}

Status Publisher::Start(const TreeHead& signed_head, const TreeHead& durable) {
  if (durable.size < signed_head.size) return NotContinued();
  Result<TileWriter> resumed = TileWriter::Resume(ReadTilesIn(places_.folder), signed_head);
  if (resumed.ok()) {
    tiles_ = std::move(resumed).value();
  } else {
    tiles_ = TileWriter();
    COFFER_TRY(Follow(signed_head.size));
    if (tiles_.Head() != signed_head) return NotContinued();
  }
  signed_ = signed_head;
  COFFER_TRY(Follow(durable.size));
  return tiles_.Head() == durable ? Status() : Status(NotContinued());
}

Status Publisher::RemoveFilled(Growth growth) const {
  for (const Tile& tile : FilledBy(growth)) COFFER_TRY(RemoveTree(places_.folder + "/" + tile.PartialFolder()));
  return {};
}

Status Publisher::AddCosignatures(const SignedNote& note, std::vector<NoteSignature> cosignatures) {
  SignedNote cosigned = note;
  const Result<SignedNote> before = ReadCosignedCheckpoint(places_.folder);
  if (before.ok() && before->text == note.text) cosigned = *before;
  for (NoteSignature& added : cosignatures) {
    std::erase_if(cosigned.signatures,
                  [&added](const NoteSignature& old) { return old.name == added.name && old.key_id == added.key_id; });
    cosigned.signatures.push_back(std::move(added));
  }
  const std::string text = cosigned.ToText();
  COFFER_TRY(ReplaceFile(places_.folder + "/" + kCosignedCheckpoint, AsBytes(text), 0644));
  const Result<SignedNote> published = ReadCheckpoint(places_.folder);
  if (!published.ok() || published->text != note.text) return {};
  return ReplaceFile(places_.folder + kCheckpoint, AsBytes(text), 0644);
}

Status Publisher::Publish(const TreeHead& durable) {
  if (durable.size == signed_.size) return {};
  // What failed half-way left the tiles' writer of no use.
  if (std::exchange(half_way_, true)) COFFER_TRY(Start(signed_, durable));
  COFFER_TRY(Follow(durable.size));
  if (tiles_.Head() != durable) return NotContinued();
  const auto sink = [this](const Tile& tile, ByteView content) { return WriteTile(tile, content); };
  COFFER_TRY(tiles_.WritePartial(sink));
  COFFER_ASSIGN_OR_RETURN(const SignedNote note, SignCheckpoint(durable, signer_));
  const std::string text = note.ToText();
  // Remembered before anybody sees it: after a crash nothing else may be signed than what continues it.
  COFFER_TRY(WriteFileDurably(places_.last_signed, AsBytes(text), 0644));
  COFFER_TRY(ReplaceFile(places_.folder + kCheckpoint, AsBytes(text), 0644));
  const Growth growth{.from = signed_.size, .to = durable.size};
  signed_ = durable;
  half_way_ = false;
  return RemoveFilled(growth);
}

}  // namespace coffer::audit
