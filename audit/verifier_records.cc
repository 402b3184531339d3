#include "audit/verifier_records.h"

#include <algorithm>

namespace coffer::audit {

void RecordRules::Take(std::uint64_t index, ByteView bytes) {
  const Result<EncodedRecord> decoded = DecodeRecord(bytes);
  if (!decoded.ok()) {
    return report_.Find(Check::kRecords, "", "is not an audit record, or not in the one form that is written", index);
  }
  CheckTime(index, decoded->record);
  CheckPair(index, decoded->record);
  CheckEpoch(index, decoded->record);
}

void RecordRules::CheckTime(std::uint64_t index, const Record& record) {
  if (!any_) first_time_us_ = record.time_us;
  if (any_ && record.time_us < last_time_us_) {
    report_.Find(Check::kRecordTimes, "", "is older than the record before it", index);
  }
  any_ = true;
  last_time_us_ = std::max(last_time_us_, record.time_us);
}

void RecordRules::CheckPair(std::uint64_t index, const Record& record) {
  if (record.type == RecordType::kBegin) open_.emplace(index, record.operation);
  if (record.type != RecordType::kResult) return;
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
