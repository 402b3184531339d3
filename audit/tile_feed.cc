#include "audit/tile_feed.h"

#include "audit/journal_reader.h"

namespace coffer::audit {

Result<bool> FeedTiles(TileWriter& tiles, const LogFolder& journal, std::string_view origin, std::uint64_t size,
                       const TileSink& sink) {
  if (tiles.size() == size) return true;
  COFFER_ASSIGN_OR_RETURN(JournalReader reader,
                          JournalReader::Open(journal, origin, {.from = tiles.size(), .to = size}));
  while (tiles.size() < size) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<JournalReader::Record> record, reader.Next());
    if (!record) return false;
    COFFER_TRY(tiles.Append(record->bytes, sink));
  }
  return true;
}

}  // namespace coffer::audit
