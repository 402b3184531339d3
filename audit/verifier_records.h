// RecordRules: what must hold from record to record of an audit log. Part of audit/verifier.h.
#pragma once

#include <map>
#include <set>

#include "audit/record.h"
#include "audit/verifier_report.h"
#include "crypto/ids.h"

namespace coffer::audit {

// Takes the records in their order. Not thread-safe.
class RecordRules {
 public:
  // As of VerifyOptions.
  struct Limits {
    std::int64_t least_dropped_age_us = 0;
    std::int64_t now_us = 0;
    std::int64_t started_us = 0;  // monotonic, at now_us: a long log takes long to read, and may grow meanwhile
  };
  // `report` must outlive it.
  RecordRules(VerifyReport& report, const Limits& limits) : report_(report), limits_(limits) {}

  // Records before `first` were dropped.
  void Begin(std::uint64_t first) { first_ = first; }
  void Take(std::uint64_t index, ByteView bytes);
  // A record says that those before `index` were dropped.
  bool SaysDropped(std::uint64_t index) const { return dropped_.contains(index); }
  // Into the report: times, and begins without a result.
  void Finish();

 private:
  void CheckTime(std::uint64_t index, const Record& record);
  void CheckPair(std::uint64_t index, const Record& record);
  void CheckEpoch(std::uint64_t index, const Record& record);
  void CheckDropped(std::uint64_t index, const Record& record);
  bool IsAhead(std::int64_t time_us) const;

  VerifyReport& report_;
  const Limits limits_;
  std::uint64_t first_ = 0;
  std::set<std::uint64_t> dropped_;
  bool any_ = false;
  bool ahead_ = false;  // said once: no later record is of an earlier time
  std::int64_t first_time_us_ = 0;
  std::int64_t last_time_us_ = 0;
  std::map<std::uint64_t, std::string> open_;        // begins without a result: index and operation
  std::map<StoreUuid, std::uint64_t> newest_epoch_;  // of each store
};

}  // namespace coffer::audit
