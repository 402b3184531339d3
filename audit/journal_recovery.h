// Opening a journal: what is there, checked, and where it goes on.
#pragma once

#include "audit/journal_files.h"

namespace coffer::audit {

// How much of a journal is read before it goes on.
enum class Depth : std::uint8_t {
  kLastFile,     // All headers, and every record of the last file.
  kEveryRecord,  // Every record of every file; the tree is computed anew.
};

// Where a journal goes on.
struct JournalEnd {
  std::unique_ptr<LogFile> file;  // the last one, to be written to
  FileHeader header;              // its
  Digest header_digest{};
  std::uint64_t offset = 0;  // where the next frame goes
  Digest end{};              // of the file so far
  Frontier tree;             // of all records
  std::uint64_t torn = 0;    // bytes of a write that was not finished, overwritten with zeros
};

// Reads, checks, overwrites a torn end, and makes durable what it found. `known_size`: so many records are known to be
// in the log, from a checkpoint. `base`: the tree of the first records, whose files may be gone (audit/pruned_note.h).
// kNotFound: there is no journal file. kIntegrity: the journal is damaged, or ends before `known_size`; nothing was
// changed. Nobody else may have the journal open.
Result<JournalEnd> RecoverJournal(LogFolder& folder, std::string_view origin, Depth depth, std::uint64_t known_size,
                                  const TreeHead& base = {});

// Makes `spare`, which is all zeros, the file that a journal goes on with: the header is written and synced, then the
// file gets its name.
Result<JournalEnd> BeginFile(std::unique_ptr<LogFile> spare, const FileHeader& header);

}  // namespace coffer::audit
