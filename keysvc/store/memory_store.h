// MemoryStore: a KeyStore that forgets everything when destroyed. For tests and simulation.
#pragma once

#include <array>
#include <map>
#include <set>

#include "io/mutex.h"
#include "keysvc/store/key_store.h"

namespace coffer::keysvc {

class MemoryStore final : public KeyStore {
 public:
  Result<std::unique_ptr<StoreTransaction>> Begin() override;
  Status PurgeErased() override { return {}; }  // there are no files

 private:
  friend class MemoryTransaction;
  struct Rows {
    std::map<Row, StoredRow> by_key;
    std::set<Row> unique;  // the further unique key, where the table has one
  };

  Mutex mutex_;  // held by the living transaction; guards the two below
  std::array<Rows, kTableCount> tables_;
  std::optional<StoredHead> head_;
};

}  // namespace coffer::keysvc
