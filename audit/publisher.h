// Publisher: makes what others read out of the journal: tiles and the signed checkpoint (docs/FORMAT.md section 10).
// All of it can be deleted and is made again, but for tiles of hashes whose records were dropped (audit/pruner.h), and
// for the last signed checkpoint, which is kept beside the key as well: a log must never sign a second history.
#pragma once

#include "audit/checkpoint.h"
#include "audit/journal_reader.h"
#include "audit/tile_writer.h"

namespace coffer::audit {

// One thread at a time.
class Publisher {
 public:
  struct Places {
    std::string folder;       // of "checkpoint" and "tile/"; there
    std::string last_signed;  // the file of the last signed checkpoint, beside the key
  };
  // The last signed checkpoint: the one beside the key, else the published one. kNotFound: there is neither.
  // kIntegrity: not ours.
  static Result<TreeHead> LastSigned(const Places& places, const NoteSigner& signer);

  // Writes the first one beside a new key: of the empty tree. From then on a file that is missing was taken away.
  static Status SignNothing(const Places& places, const NoteSigner& signer);

  // `journal` and `signer` must outlive it. `base`: the tree of the records that were dropped from the journal.
  Publisher(const LogFolder& journal, const NoteSigner& signer, Places places, const TreeHead& base = {})
      : journal_(journal), signer_(signer), places_(std::move(places)), base_(base) {}

  // Goes on behind `signed_head`, or behind what was dropped, when that is more: its note is signed as well. `durable`
  // is the journal's head. Writes nothing. kIntegrity: the journal does not continue what was signed, or tiles are gone
  // that only records made which were dropped.
  Status Start(const TreeHead& signed_head, const TreeHead& durable);
  // Publishes tiles and a checkpoint of `durable`, the journal's head. Nothing new: nothing is done. The first time,
  // and after a failure, tiles that are gone or are not this log's are made again, from the journal's first record on.
  Status Publish(const TreeHead& durable);

  // Adds witnesses' cosignatures of a checkpoint that was published: to the published one while it is still that one,
  // and to the file of the last cosigned one. A later cosignature of one witness replaces its earlier one.
  Status AddCosignatures(const SignedNote& note, std::vector<NoteSignature> cosignatures);

  // More records were dropped, none of them behind signed_head().
  void Dropped(const TreeHead& base) { base_ = base; }

  // What the last checkpoint signs.
  const TreeHead& signed_head() const { return signed_; }

 private:
  TileSink Sink() const;
  // Appends the journal's records up to `size`.
  Status Follow(TileWriter& tiles, std::uint64_t size, const TileSink& sink) const;
  // Of the first records, out of the tiles of leaf hashes, all of which are there where records were dropped.
  Result<TileWriter> WriterAtBase(const TreeHead& head, const TileSink& sink) const;
  // Of the tiles that are there, or of the journal's records. Tiles of records that were dropped go to `base_sink`.
  Result<TileWriter> WriterAt(const TreeHead& head, const TileSink& sink, const TileSink& base_sink) const;
  Status GoOnAtSigned(const TileSink& sink);
  Status RemoveFilled(Growth growth) const;

  const LogFolder& journal_;
  const NoteSigner& signer_;
  const Places places_;
  TreeHead base_;
  TileWriter tiles_;
  TreeHead signed_;
  bool half_way_ = true;  // tiles_ is not that of signed_: at the start, and after an attempt to publish that failed
};

// In the log's folder beside "checkpoint": the last one that a witness cosigned, with the cosignatures.
inline constexpr char kCosignedCheckpoint[] = "checkpoint.cosigned";

// The checkpoint that is published in the folder. kNotFound: none is.
Result<SignedNote> ReadCheckpoint(const std::string& folder);
// The last one that a witness cosigned. kNotFound: none did.
Result<SignedNote> ReadCosignedCheckpoint(const std::string& folder);

}  // namespace coffer::audit
