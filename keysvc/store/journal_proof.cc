#include "keysvc/store/journal_proof.h"

namespace coffer::keysvc {
namespace {

Error NotAuthentic() { return {ErrorCode::kIntegrity, "the key journal holds a commit that is not authentic"}; }

// No table's name has a zero byte.
std::string NameOf(const RecordView& row) {
  std::string name;
  name.reserve(row.table.size() + 1 + row.key.size());
  name.append(row.table).push_back('\0');
  name.append(AsText(row.key));
  return name;
}

}  // namespace

Status JournalProof::Take(const GroupView& group) {
  // Of two commits for one epoch the earlier one failed.
  if (!first_ && group.head.epoch == epoch_) TakeBackLast();
  last_.clear();
  for (const RecordView& row : group.rows) COFFER_TRY(TakeRow(row, group));
  const Digest mac = HeadMac(keys_.head, store_, group.head.epoch, sum_);
  if (sum_ != MacSum(group.head.sum) || !EqualConstantTime(mac, group.head.mac)) return NotAuthentic();
  first_ = false;
  epoch_ = group.head.epoch;
  return {};
}

Status JournalProof::TakeRow(const RecordView& row, const GroupView& group) {
  const Digest mac = many_macs_.Row(row.table, row.key, row.row_epoch, row.row);
  const bool fresh = first_ || row.row_epoch == group.head.epoch.value;
  if (!fresh || !EqualConstantTime(mac, row.mac)) return NotAuthentic();
  std::string name = NameOf(row);
  const bool was_there = macs_.contains(name);
  const bool gone = row.row.empty();
  if (first_ ? was_there || gone : gone && !was_there) return NotAuthentic();
  Set(std::move(name), gone ? std::nullopt : std::optional(mac));
  return {};
}

void JournalProof::Set(std::string row, const std::optional<Digest>& mac) {
  const auto there = macs_.find(row);
  Change change{.row = {}, .before = std::nullopt};
  if (there != macs_.end()) {
    change.before = there->second;
    many_macs_.Remove(sum_, there->second);
  }
  if (mac) many_macs_.Add(sum_, *mac);
  if (!first_) {
    change.row = row;
    last_.push_back(std::move(change));
  }
  if (!mac) {
    macs_.erase(there);
  } else if (there != macs_.end()) {
    there->second = *mac;
  } else {
    macs_.emplace(std::move(row), *mac);
  }
}

void JournalProof::TakeBackLast() {
  const std::vector<Change> changes = std::move(last_);
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) Set(change->row, change->before);
}

}  // namespace coffer::keysvc
