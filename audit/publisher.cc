#include "audit/publisher.h"

#include <utility>

#include "audit/tile_feed.h"
#include "audit/tile_files.h"
#include "io/directory.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

constexpr char kCheckpoint[] = "/checkpoint";

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
  std::string place = places.last_signed;
  Result<Bytes> text = ReadFile(place, kMaxNoteSize);
  if (!text.ok() && text.error().code() == ErrorCode::kNotFound) {
    place = places.folder + kCheckpoint;
    text = ReadFile(place, kMaxNoteSize);
  }
  if (!text.ok()) return text.error();
  const Result<OpenedCheckpoint> opened = OpenCheckpoint(AsText(ByteView(*text)), LogTrust::Of(signer.verifier()));
  if (!opened.ok()) return Error(ErrorCode::kIntegrity, "is not a checkpoint of this audit log").At(place);
  return opened->checkpoint.head;
}

Status Publisher::SignNothing(const Places& places, const NoteSigner& signer) {
  COFFER_ASSIGN_OR_RETURN(const SignedNote note, SignCheckpoint(TreeHead(), signer));
  return WriteFileDurably(places.last_signed, AsBytes(note.ToText()), 0644);
}

TileSink Publisher::Sink() const {
  return [this](const Tile& tile, ByteView content) { return WriteTileIn(places_.folder, tile, content); };
}

Status Publisher::Follow(TileWriter& tiles, std::uint64_t size, const TileSink& sink) const {
  COFFER_ASSIGN_OR_RETURN(const bool there, FeedTiles(tiles, journal_, signer_.verifier().name(), size, sink));
  return there ? Status() : Status(NotContinued());
}

Result<TileWriter> Publisher::WriterAtBase(const TreeHead& head, const TileSink& sink) const {
  if (head.size == 0) return TileWriter();
  const TileReader reader = ReadTilesIn(places_.folder);
  Result<TileWriter> begun = TileWriter::FromLeaves(reader, head, sink);
  if (begun.ok() && head == base_) {
    const Status whole = begun->ReadPartialBundle(reader);
    if (!whole.ok()) begun = whole.error();
  }
  if (begun.ok() || begun.error().code() == ErrorCode::kUnavailable) return begun;
  return Error(ErrorCode::kIntegrity,
               "tiles of records that the audit log's retention dropped are missing or damaged, and only a copy has "
               "them: restore tile/ from a copy")
      .At(places_.folder + "/tile");
}

Result<TileWriter> Publisher::WriterAt(const TreeHead& head, const TileSink& sink, const TileSink& base_sink) const {
  Result<TileWriter> resumed = TileWriter::Resume(ReadTilesIn(places_.folder), head);
  if (resumed.ok()) return resumed;
  COFFER_ASSIGN_OR_RETURN(TileWriter anew, WriterAtBase(base_, base_sink));
  COFFER_TRY(Follow(anew, head.size, sink));
  if (anew.Head() != head) return NotContinued();
  return anew;
}

// Nothing is written yet: a full disk is no reason not to start.
Status Publisher::Start(const TreeHead& signed_head, const TreeHead& durable) {
  const auto nowhere = [](const Tile&, ByteView) { return Status(); };
  signed_ = signed_head;
  if (signed_head.size < base_.size) {
    COFFER_TRY(WriterAtBase(signed_head, nowhere));
    signed_ = base_;
  }
  if (durable.size < signed_.size) return NotContinued();
  COFFER_ASSIGN_OR_RETURN(TileWriter tiles, WriterAt(signed_, nowhere, nowhere));
  COFFER_TRY(Follow(tiles, durable.size, nowhere));
  if (tiles.Head() != durable) return NotContinued();
  half_way_ = true;
  return {};
}

Status Publisher::GoOnAtSigned(const TileSink& sink) {
  TileKeeper keeper(places_.folder);
  const TileSink keep = [&keeper](const Tile& tile, ByteView content) { return keeper.Keep(tile, content); };
  COFFER_ASSIGN_OR_RETURN(tiles_, WriterAt(signed_, sink, keep));
  return keeper.SyncNames();
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
  if (durable.size == signed_.size && !half_way_) return {};
  const TileSink sink = Sink();
  // What failed half-way left the tiles' writer of no use.
  if (std::exchange(half_way_, true)) COFFER_TRY(GoOnAtSigned(sink));
  COFFER_TRY(Follow(tiles_, durable.size, sink));
  if (tiles_.Head() != durable) return NotContinued();
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
