// SqliteStore: the embedded default KeyStore, one SQLite file held by one process.
#pragma once

#include "io/mutex.h"
#include "keysvc/store/key_store.h"

namespace coffer::keysvc {

class SqliteStore final : public KeyStore {
 public:
  // Opens the store or, in an empty file, makes its tables. What is visible afterwards is durable.
  // kUnavailable: cannot be opened, held by another process, disk full. kIntegrity: damaged, another application's
  // file, or its tables are not as this schema says. kFailedPrecondition: a newer Coffer wrote it.
  static Result<std::unique_ptr<SqliteStore>> Open(const SqliteOptions& options);

  Result<std::unique_ptr<StoreTransaction>> Begin() override;
  Status PurgeErased() override;

  explicit SqliteStore(SqliteOptions options);  // Open's

 private:
  friend class SqliteTransaction;
  Status Reopen();

  const SqliteOptions options_;
  Mutex mutex_;  // held by the living transaction; guards the three below
  std::unique_ptr<SqliteDatabase> database_;
  // At first; and after a failed commit or an outage only the file knows the outcome: the next Begin closes and opens
  // it.
  bool reopen_ = true;
  // The write-ahead log may hold what was erased, and could not be emptied: by a PurgeErased, or at the start, when
  // another process left it. Each commit tries again.
  bool purge_owed_ = false;
};

}  // namespace coffer::keysvc
