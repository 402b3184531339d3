#include "audit/verifier_records.h"

#include <algorithm>

#include "audit/verifier.h"
#include "io/clock.h"

namespace coffer::audit {

void RecordRules::Take(std::uint64_t index, ByteView bytes) {
  const Result<EncodedRecord> decoded = DecodeRecord(bytes);
  if (!decoded.ok()) {
    return report_.Find(Check::kRecords, "", "is not an audit record, or not in the one form that is written", index);
  }
  CheckTime(index, decoded->record);
  CheckPair(index, decoded->record);
  CheckEpoch(index, decoded->record);
  CheckDropped(index, decoded->record);
}

void RecordRules::CheckDropped(std::uint64_t index, const Record& record) {
  if (record.type != RecordType::kPruned) return;
  if (!record.begin || *record.begin > index) {
    return report_.Find(Check::kRetention, "", "says that records were dropped which came after it, or not which",
                        index);
  }
  dropped_.insert(*record.begin);
  if (first_ == 0 || *record.begin != first_) return;
  // What went was no younger than the first record that is kept.
  const std::int64_t age_us = record.time_us - first_time_us_;
  report_.dropped_age_us = std::min(report_.dropped_age_us.value_or(age_us), age_us);
  if (age_us >= limits_.least_dropped_age_us) return;
  report_.Find(Check::kRetention, "", "says that records were dropped which were younger than retention drops any",
               index);
}

bool RecordRules::IsAhead(std::int64_t time_us) const {
  if (limits_.now_us == 0) return false;
  const std::int64_t ahead_us = time_us - limits_.now_us - kMaxRecordAheadUs;
  return ahead_us > 0 && ahead_us > SystemClock().MonotonicMicros() - limits_.started_us;
}

void RecordRules::CheckTime(std::uint64_t index, const Record& record) {
  if (!any_) first_time_us_ = record.time_us;
  if (any_ && record.time_us < last_time_us_) {
    report_.Find(Check::kRecordTimes, "", "is older than the record before it", index);
  }
  if (!ahead_ && IsAhead(record.time_us)) {
    ahead_ = true;
    report_.Find(Check::kRecordTimes, "", "is of a time that is not yet: a clock was set forward, or this one is wrong",
                 index);
  }
  any_ = true;
  last_time_us_ = std::max(last_time_us_, record.time_us);
}

void RecordRules::CheckPair(std::uint64_t index, const Record& record) {
  if (record.type == RecordType::kBegin) open_.emplace(index, record.operation);
  if (record.type != RecordType::kResult) return;
  if (record.begin && *record.begin < first_) return;  // Its begin was dropped.
  const auto begin = record.begin ? open_.find(*record.begin) : open_.end();
  if (begin == open_.end()) {
    return report_.Find(Check::kRecordPairs, "",
                        "is a result of no begin before it, or of one that has its result already", index);
  }
  if (begin->second != record.operation) {
    report_.Find(Check::kRecordPairs, "", "is the result of another operation than its begin", index);
  }
  open_.erase(begin);
}

void RecordRules::CheckEpoch(std::uint64_t index, const Record& record) {
  if (record.store.IsZero()) return;
  std::uint64_t& newest = newest_epoch_[record.store];
  if (record.store_epoch < newest) {
    report_.Find(Check::kStoreEpochs, "", "names an older state of the store than a record before it", index);
  }
  newest = std::max(newest, record.store_epoch);
}

void RecordRules::Finish() {
  report_.first_time_us = first_time_us_;
  report_.last_time_us = last_time_us_;
  report_.open_begins = open_.size();
}

}  // namespace coffer::audit
