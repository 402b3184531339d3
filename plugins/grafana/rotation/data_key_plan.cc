#include "plugins/grafana/rotation/data_key_plan.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "plugins/grafana/cells/cell_rewriter.h"
#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/in_parallel.h"
#include "plugins/grafana/rotation/encrypt_again.h"
#include "plugins/grafana/rotation/key_assignment.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kRootScope = "root";

// Labels begin with the day on which the key was made. Where there are none yet, the ids do.
bool IsNewer(const DataKey& a, const DataKey& b) { return a.label != b.label ? a.label > b.label : a.id > b.id; }

// The oldest schema has no scopes.
bool CanBeTarget(const DataKey& key) {
  const bool is_root = key.scope.empty() || key.scope == kRootScope;
  return key.active && !key.is_twice && is_root;
}

// Of the value under another data key.
SecretBlob FormOf(const SecretBlob& old, const std::string& data_key) {
  SecretBlob form;
  form.data_key = data_key;
  form.cipher = old.cipher;
  form.names_cipher = old.names_cipher;
  form.empty_name = old.empty_name;
  return form;
}

}  // namespace

Status DataKeyPlan::Make(bool encrypts) {
  report_.legacy = cells_.legacy();
  report_.unread = cells_.keyed().census().unreadable;
  ChooseTarget();
  if (target_ != nullptr) TryKeys();
  if (report_.refusal == DataKeyRefusal::kNone) {
    for (const std::string& place : cells_.damaged()) report_.unreadable.push_back({place, UnreadableReason::kDamaged});
    COFFER_TRY(MoveValues(encrypts));
    for (const EnvelopeRow& row : cells_.rows()) COFFER_TRY(ChangeRow(row));
    const bool is_left_behind = !report_.unreadable.empty() && !options_.accept_unreadable;
    if (is_left_behind) report_.refusal = DataKeyRefusal::kUnreadable;
  }
  Count();
  return {};
}

void DataKeyPlan::ChooseTarget() {
  for (const DataKeyRow& row : cells_.keyed().data_keys()) {
    if (!CanBeTarget(*row.key)) continue;
    if (target_ == nullptr || IsNewer(*row.key, *target_)) target_ = row.key;
  }
  if (target_ == nullptr) report_.refusal = DataKeyRefusal::kNoActiveKey;
}

// What Grafana reads is what its secret_key makes of a data key's row, so a key that is right for the target is right.
void DataKeyPlan::TryKeys() {
  const std::vector<DataKeyRow>& rows = cells_.keyed().data_keys();
  std::vector<TrialUnit> units;
  units.reserve(rows.size());
  for (const DataKeyRow& row : rows) units.push_back({&*row.key->wrapped, cells_.keyed().SamplesOf(row)});
  const std::vector<Trial> trials =
      TryKeyOnAll(units, secret_key_, ThreadsFor(options_.threads), [this, &units](std::size_t done) {
        if (options_.on_progress) options_.on_progress(RotationStep::kTrying, done, units.size());
      });
  if (!IsTargetProven(trials)) return;
  const auto has_failed = [](const Trial& trial) { return trial.outcome == TrialOutcome::kFailed; };
  failed_ = static_cast<std::size_t>(std::count_if(trials.begin(), trials.end(), has_failed));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (has_failed(trials[i]) || rows[i].key->is_twice) continue;
    auto key = rows[i].key->wrapped->Decrypt(secret_key_);
    if (!key.ok()) continue;
    keys_.emplace(rows[i].key->id, OpenedKey{std::move(key).value(), IsTelling(trials[i], failed_)});
  }
}

bool DataKeyPlan::IsTargetProven(const std::vector<Trial>& trials) {
  const std::vector<DataKeyRow>& rows = cells_.keyed().data_keys();
  const auto row =
      std::find_if(rows.begin(), rows.end(), [this](const DataKeyRow& each) { return each.key == target_; });
  const std::array<Trial, 1> trial = {trials[static_cast<std::size_t>(row - rows.begin())]};
  if (IsProven(trial)) return true;
  const bool failed = trial.front().outcome == TrialOutcome::kFailed;
  report_.refusal = failed ? DataKeyRefusal::kOpensNothing : DataKeyRefusal::kUnproven;
  return false;
}

// Nothing where it does not open, or where nobody can tell: without a tag under a data key that too little tells of, in
// a database where not every data key is under this secret_key.
std::optional<SecretBytes> DataKeyPlan::Open(const EnvelopeValue& value) const {
  const auto key = keys_.find(*value.blob.data_key);
  if (key == keys_.end()) return std::nullopt;
  auto plaintext = value.blob.Decrypt(key->second.key);
  if (!plaintext.ok()) return std::nullopt;
  const bool is_plausible = value.may_be_raw || PlausibleBits(*plaintext, PlaintextKind::kText).has_value();
  const bool is_believed = is_plausible && (key->second.is_told || failed_ == 0);
  if (value.blob.cipher != BlobCipher::kAesGcm && !is_believed) return std::nullopt;
  return std::move(plaintext).value();
}

Status DataKeyPlan::MoveValues(bool encrypts) {
  const std::vector<EnvelopeValue>& values = cells_.values();
  const SecretBytes& target = keys_.find(target_->id)->second.key;
  moved_.resize(values.size());
  std::atomic<bool> failed{false};
  const auto move = [&](std::size_t i) {
    const SecretBlob& blob = values[i].blob;
    if (blob.data_key == target_->id) return;
    const std::optional<SecretBytes> plaintext = Open(values[i]);
    if (!plaintext) return;
    auto moved = encrypts ? EncryptAgain(FormOf(blob, target_->id), *plaintext, target) : Result<Bytes>(blob.ToBytes());
    if (!moved.ok()) failed = true;
    if (moved.ok()) moved_[i] = std::move(moved).value();
  };
  InParallel(values.size(), ThreadsFor(options_.threads), move, [this, &values](std::size_t done) {
    if (options_.on_progress) options_.on_progress(RotationStep::kEncrypting, done, values.size());
  });
  if (failed) return Error(ErrorCode::kInternal, "a value does not come back from its new encryption");
  return {};
}

bool DataKeyPlan::IsOfOthers(const SecretBlob& blob) const {
  const DataKey* const key = cells_.keyed().keys().Find(*blob.data_key);
  return key != nullptr && key->provider != target_->provider;
}

UnreadableReason DataKeyPlan::ReasonOf(const SecretBlob& blob) const {
  const DataKey* const key = cells_.keyed().keys().Find(*blob.data_key);
  if (key == nullptr || key->is_twice) return UnreadableReason::kNoDataKey;
  const auto opened = keys_.find(key->id);
  const bool is_unsure = opened != keys_.end() && !opened->second.is_told && failed_ > 0;
  return is_unsure ? UnreadableReason::kUnsure : UnreadableReason::kNotUnderKey;
}

Status DataKeyPlan::ChangeRow(const EnvelopeRow& row) {
  RowChange change{row.table, row.row_id, row.names, {}, cells_.keyed().Stamps(row.table)};
  for (const auto& [column, content] : row.cells) {
    const SensitiveColumn& each = SensitiveColumns()[column];
    std::vector<std::string> from;
    const RowNames& names = row.names;
    auto rewritten =
        RewriteCell(each.encoding, content,
                    [this, &from, &names, at = column](ByteView bytes, std::string_view path) -> std::optional<Bytes> {
                      const std::optional<std::size_t> value = cells_.ValueOf(bytes);
                      if (!value) return std::nullopt;  // under secret_key itself
                      const SecretBlob& blob = cells_.values()[*value].blob;
                      if (moved_[*value]) {
                        from.push_back(*blob.data_key);
                      } else if (blob.data_key == target_->id) {
                        ++report_.already;
                      } else if (IsOfOthers(blob)) {
                        ++report_.of_others;
                      } else {
                        report_.unreadable.push_back({PlaceText(at, names, path), ReasonOf(blob)});
                      }
                      return moved_[*value];
                    });
    if (!rewritten.ok()) {
      report_.unreadable.push_back({PlaceText(column, names, {}), UnreadableReason::kDuplicateKeys});
      continue;
    }
    if (!*rewritten) continue;
    if ((*rewritten)->size() > kMaxCell) {
      return Error(ErrorCode::kResourceExhausted, "a cell would be larger than is read, in bytes").WithLimit(kMaxCell);
    }
    report_.values[column] += from.size();
    for (const std::string& id : from) ++from_[id];
    change.cells.push_back({each.column, content, std::move(**rewritten)});
  }
  if (change.cells.empty()) return {};
  ++report_.rows;
  changes_.push_back(std::move(change));
  return {};
}

void DataKeyPlan::Count() {
  std::map<std::string, DataKeyCount, std::less<>> counts;
  for (const auto& [id, key] : cells_.keyed().keys().all()) {
    counts[id] = {id, key.label, key.provider, key.active, &key == target_, 0, 0, false};
  }
  for (const auto& [id, uses] : cells_.uses()) {
    counts[id].id = id;
    counts[id].values += uses;
  }
  const bool is_done = report_.refusal == DataKeyRefusal::kNone;
  for (const auto& [id, moved] : from_) {
    if (!is_done) break;
    counts[id].moved = moved;
    counts[id].values -= moved;
    counts[target_->id].values += moved;
  }
  for (auto& [id, count] : counts) {
    count.unneeded = is_done && !count.provider.empty() && !count.is_target && count.values == 0 && report_.unread == 0;
    report_.data_keys.push_back(std::move(count));
  }
}

}  // namespace coffer::grafana
