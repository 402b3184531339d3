// ErasingVfs: a layer over one of SQLite's file layers. In every b-tree page that goes into a database's file it zeroes
// the gap, the bytes between the page's list of cells and the cells.
//
// Why: secure_delete overwrites what is deleted, but when SQLite spreads the cells of a full page over its neighbours,
// it leaves copies of those that moved in the gap. They are outside of any cell, so a later deletion does not reach
// them. The page's layout is that of https://www.sqlite.org/fileformat2.html, section 1.6; the gap has no meaning
// there.
#pragma once

#include <memory>
#include <string>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer::internal {

class ErasingVfs {
 public:
  // Registers it under a unique name until destroyed, by when its connection must be closed. For one connection.
  // `base`: the layer beneath, empty for the system's; kInternal when there is none of this name.
  static Result<std::unique_ptr<ErasingVfs>> Over(const std::string& base);
  ~ErasingVfs();
  ErasingVfs(const ErasingVfs&) = delete;
  ErasingVfs& operator=(const ErasingVfs&) = delete;

  const std::string& name() const;

  struct State;
  explicit ErasingVfs(std::unique_ptr<State> state);  // Over's

 private:
  std::unique_ptr<State> state_;
};

// Pages of a database with more pages than this could be taken for others: the page number that an overflow page begins
// with would look like a b-tree page's type.
inline constexpr std::uint32_t kMaxErasablePages = (std::uint32_t{1} << 25) - 1;

// Zeroes the gap of a page of 512 to 65,536 bytes; leaves it alone when it is no b-tree page. `first`: it is the file's
// first page, which begins with the file's header.
void ZeroGap(MutableBytes page, bool first);

}  // namespace coffer::internal
