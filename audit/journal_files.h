// The files of a journal in their folder: names, order, and that each continues the one before.
#pragma once

#include <string>
#include <vector>

#include "audit/frame.h"
#include "io/log_file.h"

namespace coffer::audit {

// "00000000000000000042.journal" for the file whose first record has index 42.
std::string JournalFileName(std::uint64_t first_index);

// The names of the journal files of a folder, in order. kIntegrity: a name that ends like one of theirs and is none.
// Everything else in the folder is passed over, and files that begin before `first_index`.
Result<std::vector<std::string>> JournalFileNames(const LogFolder& folder, std::uint64_t first_index = 0);

// The index in such a name. kIntegrity: larger than any.
Result<std::uint64_t> FirstIndexIn(const std::string& name);

// Checks file after file of one log, from the first one that is there. Without `base` that is file 0; with it, files
// may be missing whose records were all dropped by the log's retention: `base` is the tree of these records, and a file
// has to begin behind it. Not thread-safe.
class FileSequence {
 public:
  explicit FileSequence(const Digest& origin, const TreeHead& base = {}) : origin_(origin), base_(base) {}

  // kIntegrity: this is not the file that follows; the error says in which way.
  Status Follow(const std::string& name, const FileHeader& header, const Digest& header_digest);
  // The same and that the tree and the end of the file before, which was read to its end, are those that the header
  // names. Before the first file: what it names itself.
  Status Follow(const std::string& name, const FileHeader& header, const Digest& header_digest, const Frontier& tree,
                const Digest& end);
  // Behind the last file. kIntegrity: none began behind `base`.
  Status Finish() const;

 private:
  Status Begin(const std::string& name, const FileHeader& header) const;

  const Digest origin_;
  const TreeHead base_;
  bool begun_ = false;
  bool passed_base_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t first_index_ = 0;
  Digest previous_header_{};
};

}  // namespace coffer::audit
