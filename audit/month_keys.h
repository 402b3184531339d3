// MonthKeys: the keys of an audit log's personal parts, one a month, each a file of its own that can be destroyed.
#pragma once

#include <memory>

#include "audit/record.h"
#include "io/mutex.h"

namespace coffer::audit {

// Thread-safe. The folder has one file a month, "2026-11": 32 bytes, mode 0600. "2026-11.erased" says that the month
// was erased, so that no second key is made for it.
class MonthKeys {
 public:
  // `folder` is made when it is absent; the folder above it must be there.
  static Result<std::unique_ptr<MonthKeys>> Open(std::string folder);

  // The month's key, made and durable when there is none; null when the month was erased. Errors as of io/file.h;
  // kIntegrity: a file that is no key.
  Result<std::shared_ptr<const AuditKey>> For(Month month) COFFER_EXCLUDES(mutex_);
  // The same without making one: null when there is none.
  Result<std::shared_ptr<const AuditKey>> Find(Month month) COFFER_EXCLUDES(mutex_);
  // The month's key was destroyed here.
  Result<bool> IsErased(Month month) const;
  // The months that have a key, in order.
  Result<std::vector<Month>> All() COFFER_EXCLUDES(mutex_);
  // Destroys the month's key: what its records' personal parts hold is gone, here. Copies of the file that somebody
  // else made are not. Fine when it was erased before.
  Status Erase(Month month) COFFER_EXCLUDES(mutex_);

  explicit MonthKeys(std::string folder) : folder_(std::move(folder)) {}  // Open's

 private:
  struct Known {
    Month month = 0;
    std::shared_ptr<const AuditKey> key;  // null: erased
  };
  std::string PathOf(Month month) const;
  Result<std::shared_ptr<const AuditKey>> Load(Month month, bool make) COFFER_REQUIRES(mutex_);

  const std::string folder_;
  SharedMutex mutex_;
  std::vector<Known> known_ COFFER_GUARDED_BY(mutex_);  // the last one asked for is the first
};

}  // namespace coffer::audit
