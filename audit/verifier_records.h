// RecordRules: what must hold from record to record of an audit log. Part of audit/verifier.h.
#pragma once

#include <map>

#include "audit/record.h"
#include "audit/verifier_report.h"
#include "crypto/ids.h"

namespace coffer::audit {

// Takes the records in their order. Not thread-safe.
class RecordRules {
 public:
  // `report` must outlive it.
  explicit RecordRules(VerifyReport& report) : report_(report) {}

  void Take(std::uint64_t index, ByteView bytes);
  // Into the report: times, and begins without a result.
  void Finish();

 private:
  void CheckTime(std::uint64_t index, const Record& record);
  void CheckPair(std::uint64_t index, const Record& record);
  void CheckEpoch(std::uint64_t index, const Record& record);

  VerifyReport& report_;
  bool any_ = false;
  std::int64_t first_time_us_ = 0;
  std::int64_t last_time_us_ = 0;
  std::map<std::uint64_t, std::string> open_;        // begins without a result: index and operation
  std::map<StoreUuid, std::uint64_t> newest_epoch_;  // of each store
};

}  // namespace coffer::audit
