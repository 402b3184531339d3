// Pruner: drops the oldest records of a log, whole journal files of them and their entry bundles, a step at a time
// (docs/FORMAT.md section 10). Hashes and checkpoints stay, so what was proved can be proved again. A crash between any
// two steps leaves a log that opens and verifies; Remove, again, finishes what was begun.
#pragma once

#include "audit/tile_writer.h"
#include "crypto/note_key.h"
#include "io/log_file.h"

namespace coffer::audit {

// One thread at a time, beside a running Journal and Publisher.
class Pruner {
 public:
  static constexpr std::size_t kMaxFiles = 16;  // dropped at once

  struct Limits {
    std::int64_t before_us = 0;  // only records that are older
    std::uint64_t below = 0;     // only records of a checkpoint: that many
    TreeHead signed_head = {};   // of the last checkpoint, whose tiles are there
  };
  // Where the journal can be cut.
  struct Boundary {
    Frontier before;    // the tree of what goes; as it is now when nothing does
    bool more = false;  // kMaxFiles were found, and perhaps there are more
  };

  // `folder` is the log's, `journal` the one of its journal; both and the signer must outlive it.
  Pruner(LogFolder& journal, const NoteSigner& signer, std::string folder)
      : journal_(journal), signer_(signer), folder_(std::move(folder)) {}

  // What was dropped already, out of the header of the first file that is kept. kIntegrity: there is no such file.
  Result<Frontier> TreeOf(const TreeHead& base) const;
  // The newest beginning of a file below the limits: its first record, and so all before it, is older than before_us.
  // The last file always stays. kIntegrity: a file is damaged.
  Result<Boundary> Find(const Frontier& base, const Limits& limits) const;
  // Reads the records between the two, and that the signed tree begins with them: by a proof out of the published
  // tiles, or by the records behind them where the tiles are damaged. Writes nothing. kIntegrity: they are not those
  // that were signed.
  Status CheckRecords(const TreeHead& base, const TreeHead& boundary, const TreeHead& signed_head) const;
  // Reads them for the last time, and makes durable the tiles of hashes that they make, and the bundle that `boundary`
  // is in; writes anew those that are not as they should be.
  Status KeepTiles(const TreeHead& base, const TreeHead& boundary, const TreeHead& signed_head) const;
  // The note that says so, durable and signed.
  Status WriteNote(const TreeHead& base) const;
  // Whether there are journal files below.
  Result<bool> HasFilesBelow(const TreeHead& base) const;
  // First bundles, then journal files, the oldest first. Nobody may read records below. `sweep`: looks for every bundle
  // below, not only for those whose records have a journal file: a copy of tile/ may have been put back.
  Status Remove(const TreeHead& base, bool sweep);
  // Of records from `from` on.
  Status RemoveBundles(const TreeHead& base, std::uint64_t from) const;
  Status RemoveFiles(const TreeHead& base);

 private:
  Result<TileWriter> WriterAt(const TreeHead& base, std::uint64_t signed_size, const TileSink& sink) const;
  // Gives the records between the two to `writer`; false when its tree is then not `to`.
  Result<bool> Follow(TileWriter& writer, const TreeHead& to, const TileSink& sink) const;

  LogFolder& journal_;
  const NoteSigner& signer_;
  const std::string folder_;
};

}  // namespace coffer::audit
