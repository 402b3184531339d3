// RowIndex: which rows a store holds, and which state of each, as a running process knows it. The database is
// attacker's input while the process runs, too: a row's MAC says that we wrote it once, this says that it is the one to
// be found now, and that none is missing or back.
//
// Memory: about 150 bytes a row, and the length of a secret's path or of a metadata key.
#pragma once

#include <array>
#include <map>
#include <string>

#include "keysvc/store/key_store.h"

namespace coffer::keysvc {

// Not thread-safe.
class RowIndex {
 public:
  // The first half of a row's MAC. To pass for another row of the same key, an old one would have to share it.
  using Mark = std::array<std::byte, 16>;
  // What to Restore to take a change back.
  struct Change {
    std::string key;
    std::optional<Mark> before;
  };

  // `mac`: of the row that has this primary key from now on; nothing when there is none.
  Change Set(const TableSpec& spec, const Row& primary_key, const std::optional<Digest>& mac);
  void Restore(Change change);

  // Whether a read of this primary key may have found this.
  bool Expects(const TableSpec& spec, const Row& primary_key, const std::optional<StoredRow>& found) const;
  // Whether this is exactly what the scan has to find, in order. `request` has passed CheckScan.
  bool Expects(const ScanRequest& request, const std::vector<StoredRow>& found) const;

 private:
  std::map<std::string, Mark, std::less<>> marks_;  // by encoded table and primary key, in the order of scans
};

}  // namespace coffer::keysvc
