// FeedTiles: a journal's records into a writer of tiles.
#pragma once

#include "audit/tile_writer.h"
#include "io/log_file.h"

namespace coffer::audit {

// Appends the records behind the writer's, up to `size`; `origin` is the log's name. False: the journal has fewer, and
// the writer has all that there are. Errors as of JournalReader, and the sink's. Thread-safe for different writers.
Result<bool> FeedTiles(TileWriter& tiles, const LogFolder& journal, std::string_view origin, std::uint64_t size,
                       const TileSink& sink);

}  // namespace coffer::audit
