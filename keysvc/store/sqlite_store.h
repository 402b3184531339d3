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

  SqliteStore(SqliteOptions options, std::unique_ptr<SqliteDatabase> database);  // Open's

 private:
  friend class SqliteTransaction;

  const SqliteOptions options_;
  Mutex mutex_;  // held by the living transaction; guards the two below
  std::unique_ptr<SqliteDatabase> database_;
  // After a failed commit or an outage only the file knows the outcome: the next Begin closes and opens it.
  bool reopen_ = false;
};

}  // namespace coffer::keysvc
