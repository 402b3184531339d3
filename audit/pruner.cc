#include "audit/pruner.h"

#include <algorithm>
#include <set>

#include "audit/journal_files.h"
#include "audit/journal_scan.h"
#include "audit/proof.h"
#include "audit/pruned_note.h"
#include "audit/record.h"
#include "audit/tile_feed.h"
#include "audit/tile_files.h"
#include "io/directory.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

// The end of the bundle that a record before `index` is in: as far as tiles must be full.
std::uint64_t EndOfBundle(std::uint64_t index) { return (index + kTileWidth - 1) / kTileWidth * kTileWidth; }

Result<FileScanner> Scan(const LogFolder& journal, const std::string& name) {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, journal.Open(name, LogFolder::Access::kRead));
  return FileScanner::Open(std::move(file));
}

// Of the first record; nothing where none is written yet.
Result<std::optional<std::int64_t>> FirstTime(FileScanner& scanner) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<FileScanner::Frame> frame, scanner.Next());
  if (!frame) return std::optional<std::int64_t>();
  const std::optional<ByteView> record = RecordWalk(frame->records).Next();
  COFFER_CHECK(record.has_value());
  const Result<EncodedRecord> decoded = DecodeRecord(*record);
  if (!decoded.ok()) return Error(ErrorCode::kIntegrity, "the audit journal holds a record that is none of ours");
  return std::optional(decoded->record.time_us);
}

// Whether the later tree begins with the earlier one, as far as the published tiles say.
bool TilesProve(const TileReader& reader, const TreeHead& earlier, const TreeHead& later) {
  TileHashes hashes(reader, later.size);
  const Result<Proof> proof = MakeConsistencyProof({.from = earlier.size, .to = later.size}, hashes.Source());
  return proof.ok() && VerifyConsistency(earlier, later, *proof).ok();
}

Error NotOfThisTree() { return {ErrorCode::kIntegrity, "the audit journal's records are not those that were signed"}; }

}  // namespace

Result<Frontier> Pruner::TreeOf(const TreeHead& base) const {
  if (base.size == 0) return Frontier();
  COFFER_ASSIGN_OR_RETURN(const FileScanner scanner, Scan(journal_, JournalFileName(base.size)));
  if (scanner.header().before.Head() == base) return scanner.header().before;
  return Error(ErrorCode::kIntegrity, "the journal does not continue the records that the log's retention dropped");
}

Result<Pruner::Boundary> Pruner::Find(const Frontier& base, const Limits& limits) const {
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> names, JournalFileNames(journal_, base.size()));
  Boundary boundary{.before = base, .more = false};
  for (std::size_t i = 1; i < names.size(); ++i) {
    COFFER_ASSIGN_OR_RETURN(FileScanner scanner, Scan(journal_, names[i]));
    const Frontier& before = scanner.header().before;
    if (before.size() > limits.below || EndOfBundle(before.size()) > limits.signed_head.size) return boundary;
    COFFER_ASSIGN_OR_RETURN(const std::optional<std::int64_t> time_us, FirstTime(scanner));
    if (!time_us || *time_us >= limits.before_us) return boundary;
    boundary.before = before;
    if (i == kMaxFiles) {
      boundary.more = true;
      return boundary;
    }
  }
  return boundary;
}

Result<TileWriter> Pruner::WriterAt(const TreeHead& base, std::uint64_t signed_size, const TileSink& sink) const {
  const TileReader reader = ReadTilesIn(folder_);
  Result<TileWriter> writer = TileWriter::Resume(reader, base, signed_size);
  if (writer.ok() || writer.error().code() == ErrorCode::kUnavailable) return writer;
  COFFER_ASSIGN_OR_RETURN(writer, TileWriter::FromLeaves(reader, base, sink));
  COFFER_TRY(writer->ReadPartialBundle(reader));
  return writer;
}

Result<bool> Pruner::Follow(TileWriter& writer, const TreeHead& to, const TileSink& sink) const {
  COFFER_ASSIGN_OR_RETURN(const bool there, FeedTiles(writer, journal_, signer_.verifier().name(), to.size, sink));
  return there && writer.Head() == to;
}

Status Pruner::CheckRecords(const TreeHead& base, const TreeHead& boundary, const TreeHead& signed_head) const {
  const TileSink nowhere = [](const Tile&, ByteView) { return Status(); };
  COFFER_ASSIGN_OR_RETURN(TileWriter writer, WriterAt(base, signed_head.size, nowhere));
  COFFER_ASSIGN_OR_RETURN(bool same, Follow(writer, boundary, nowhere));
  if (!same) return NotOfThisTree();
  if (TilesProve(ReadTilesIn(folder_), boundary, signed_head)) return {};
  COFFER_ASSIGN_OR_RETURN(same, Follow(writer, signed_head, nowhere));
  return same ? Status() : NotOfThisTree();
}

Status Pruner::KeepTiles(const TreeHead& base, const TreeHead& boundary, const TreeHead& signed_head) const {
  TileKeeper keeper(folder_);
  const TileSink sink = [&keeper, &boundary](const Tile& tile, ByteView content) -> Status {
    const bool goes = tile.kind == TileKind::kRecords && (tile.index + 1) * kTileWidth <= boundary.size;
    return goes ? Status() : keeper.Keep(tile, content);
  };
  COFFER_ASSIGN_OR_RETURN(TileWriter writer, WriterAt(base, signed_head.size, sink));
  COFFER_ASSIGN_OR_RETURN(const bool same, Follow(writer, boundary, sink));
  if (!same) return NotOfThisTree();
  COFFER_ASSIGN_OR_RETURN(const bool there,
                          FeedTiles(writer, journal_, signer_.verifier().name(), EndOfBundle(boundary.size), sink));
  if (!there) return NotOfThisTree();
  return keeper.SyncNames();
}

Status Pruner::WriteNote(const TreeHead& base) const {
  COFFER_ASSIGN_OR_RETURN(const SignedNote note, SignPruned(base, signer_));
  return WriteFileDurably(folder_ + "/" + kPrunedNote, AsBytes(note.ToText()), 0644);
}

Result<bool> Pruner::HasFilesBelow(const TreeHead& base) const {
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> names, JournalFileNames(journal_));
  return !names.empty() && names.front() < JournalFileName(base.size);
}

// As long as a journal file is there its bundles may be: the files go last.
Status Pruner::Remove(const TreeHead& base, bool sweep) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> names, JournalFileNames(journal_));
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t first, names.empty() ? base.size : FirstIndexIn(names.front()));
  COFFER_TRY(RemoveBundles(base, sweep ? 0 : first));
  return RemoveFiles(base);
}

Status Pruner::RemoveFiles(const TreeHead& base) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> names, JournalFileNames(journal_));
  for (const std::string& name : names) {
    if (name >= JournalFileName(base.size)) break;
    COFFER_TRY(journal_.Remove(name));
  }
  return journal_.SyncNames();
}

Status Pruner::RemoveBundles(const TreeHead& base, std::uint64_t from) const {
  std::set<std::string> folders;
  for (std::uint64_t index = from / kTileWidth; index < base.size / kTileWidth; ++index) {
    const Tile tile{TileKind::kRecords, 0, index, kTileWidth};
    folders.insert(TileFolder(tile));
    COFFER_TRY(RemoveTree(folder_ + "/" + tile.Path()));
    COFFER_TRY(RemoveTree(folder_ + "/" + tile.PartialFolder()));
  }
  for (const std::string& name : folders) {
    const Status synced = SyncDirectory(folder_ + "/" + name);
    if (!synced.ok() && synced.error().code() != ErrorCode::kNotFound) return synced;
  }
  return {};
}

}  // namespace coffer::audit
