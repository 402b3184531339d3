// A stream of records through encryption, decryption or rewrap.
#pragma once

#include <string>

#include "cli/byte_sink.h"
#include "cli/field_batch.h"

namespace coffer::cli {

struct StreamOptions {
  FieldWork work;
  bool keep_going = false;  // write NULL for what does not decrypt, and go on
};

struct StreamCounts {
  std::uint64_t records = 0;
  std::uint64_t values = 0;
  std::uint64_t rewrapped = 0;
  std::uint64_t failed = 0;  // the next two among them
  std::uint64_t undecryptable = 0;
  std::uint64_t keys_disabled = 0;
  std::uint64_t unmatched = 0;  // records left out, since they are not what was searched for
};

// Reads to the end of `source`, batch by batch, in bounded memory; whole records only reach `sink`. Values that do not
// decrypt are named on standard error by line and field; unless `keep_going`, nothing of their batch is written and the
// stream ends there, unfinished (then `counts.failed` is not 0). `progress`: draw a bar on standard error, where the
// input's size is known.
Outcome<StreamCounts> RunStream(client::Client& client, const FieldPlan& plan, RecordFormat& format, ByteSource& source,
                                ByteSink& sink, const StreamOptions& options, bool progress);

}  // namespace coffer::cli
