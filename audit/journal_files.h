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
// Everything else in the folder is passed over.
Result<std::vector<std::string>> JournalFileNames(const LogFolder& folder);

// Checks file after file of one log, from its first one on. Not thread-safe.
class FileSequence {
 public:
  explicit FileSequence(const Digest& origin) : origin_(origin) {}

  // kIntegrity: this is not the file that follows; the error says in which way.
  Status Follow(const std::string& name, const FileHeader& header, const Digest& header_digest);
  // The same and that the tree and the end of the file before, which was read to its end, are those that the header
  // names. Before the first file: an empty tree and a digest of zeros.
  Status Follow(const std::string& name, const FileHeader& header, const Digest& header_digest, const Frontier& tree,
                const Digest& end);

 private:
  const Digest origin_;
  std::uint64_t number_ = 0;
  std::uint64_t first_index_ = 0;
  Digest previous_header_{};
};

}  // namespace coffer::audit
