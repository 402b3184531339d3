// AuditRetention: what the configuration says about how long the audit log keeps records, and who was in them.
#pragma once

#include <functional>
#include <string>

#include "audit/query_index.h"

namespace coffer::keysvc {

// One thread at a time.
class AuditRetention {
 public:
  struct Options {
    std::uint32_t records_days = 0;  // 0: for ever
    std::uint32_t people_days = 0;   // counted from the end of a month; 0: for ever
    // Records below this index may go, as far as witnesses are concerned. Unset: all.
    std::function<std::uint64_t()> below = {};
  };

  // Both must outlive it.
  AuditRetention(audit::Log& log, audit::QueryIndex& index, Options options)
      : log_(log), index_(index), options_(std::move(options)) {}

  // One pass: destroys months' keys, drops records. A failure is logged when it is another one than the last time.
  // True: there is more to do now.
  bool Pass();

 private:
  Status CheckTimes() const;
  Status ErasePeople(std::int64_t now_us);
  Result<bool> DropRecords(std::int64_t now_us);

  audit::Log& log_;
  audit::QueryIndex& index_;
  const Options options_;
  std::string failure_;  // what was logged last
};

}  // namespace coffer::keysvc
