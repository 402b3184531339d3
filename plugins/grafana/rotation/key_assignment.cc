#include "plugins/grafana/rotation/key_assignment.h"

#include <algorithm>

#include "plugins/grafana/database/in_parallel.h"

namespace coffer::grafana {
namespace {

// One candidate on what is left. Units are data keys, then values.
class Round {
 public:
  Round(const KeyedCells& cells, const KeyAssignment& assignment, const SecretBytes& key) : cells_(cells), key_(key) {
    for (std::size_t i = 0; i < cells.data_keys().size(); ++i) {
      if (!assignment.of_data_key[i]) data_keys_.push_back(i);
    }
    for (std::size_t i = 0; i < cells.values().size(); ++i) {
      if (!assignment.of_value[i]) values_.push_back(i);
    }
    trials_.resize(data_keys_.size() + values_.size());
    plaintexts_.resize(values_.size());
  }

  std::size_t size() const { return trials_.size(); }

  void Try(unsigned threads, const std::function<void(std::size_t)>& on_done) {
    InParallel(
        size(), threads, [this](std::size_t unit) { TryUnit(unit); }, on_done);
  }

  bool IsProven() const { return grafana::IsProven(trials_); }
  bool NothingFailed() const {
    return std::none_of(trials_.begin(), trials_.end(),
                        [](const Trial& trial) { return trial.outcome == TrialOutcome::kFailed; });
  }

  void Give(std::size_t candidate, KeyAssignment& assignment) {
    const std::vector<KeyFit> fits = Conclude(trials_);
    for (std::size_t unit = 0; unit < fits.size(); ++unit) {
      if (fits[unit] != KeyFit::kOpens) continue;
      if (unit < data_keys_.size()) {
        assignment.of_data_key[data_keys_[unit]] = candidate;
        continue;
      }
      const std::size_t value = unit - data_keys_.size();
      assignment.of_value[values_[value]] = candidate;
      assignment.plaintexts[values_[value]] = std::move(plaintexts_[value]);
    }
  }

 private:
  void TryUnit(std::size_t unit) {
    if (unit >= data_keys_.size()) return TryValue(unit - data_keys_.size(), trials_[unit]);
    const DataKeyRow& row = cells_.data_keys()[data_keys_[unit]];
    trials_[unit] = TryKey({&*row.key->wrapped, cells_.SamplesOf(row)}, key_);
  }

  // The whole value, as it has to be encrypted again.
  void TryValue(std::size_t value, Trial& trial) {
    const LegacyValue& legacy = cells_.values()[values_[value]];
    auto plaintext = legacy.blob.Decrypt(key_);
    trial.outcome = TrialOutcome::kFailed;
    if (!plaintext.ok()) return;
    const std::optional<double> bits = PlausibleBits(*plaintext, legacy.kind);
    if (legacy.blob.cipher == BlobCipher::kAesGcm) {
      trial.outcome = TrialOutcome::kTagged;
    } else if (plaintext->empty() || (!bits && legacy.may_be_raw)) {
      trial.outcome = TrialOutcome::kUntested;
    } else if (bits) {
      trial = {TrialOutcome::kPlausible, *bits};
    }
    plaintexts_[value] = std::move(plaintext).value();
  }

  const KeyedCells& cells_;
  const SecretBytes& key_;
  std::vector<std::size_t> data_keys_;
  std::vector<std::size_t> values_;
  std::vector<Trial> trials_;
  std::vector<SecretBytes> plaintexts_;  // of values_
};

}  // namespace

bool KeyAssignment::IsComplete() const {
  const auto has_candidate = [](const auto& candidate) { return candidate.has_value(); };
  return std::all_of(of_data_key.begin(), of_data_key.end(), has_candidate) &&
         std::all_of(of_value.begin(), of_value.end(), has_candidate);
}

bool KeyAssignment::AnyProven() const { return std::find(proven.begin(), proven.end(), true) != proven.end(); }

void KeyAssignment::AcceptUnproven(const KeyedCells& cells, const SecretBytes& key, std::size_t candidate) {
  for (auto& data_key : of_data_key) data_key = data_key.value_or(candidate);
  for (std::size_t i = 0; i < of_value.size(); ++i) {
    if (of_value[i]) continue;
    of_value[i] = candidate;
    plaintexts[i] = cells.values()[i].blob.Decrypt(key).value();  // It did when it was tried.
  }
}

KeyAssignment AssignKeys(const KeyedCells& cells, std::span<const SecretBytes* const> candidates, unsigned threads,
                         const std::function<void(std::size_t, std::size_t)>& on_progress) {
  KeyAssignment assignment;
  assignment.of_data_key.resize(cells.data_keys().size());
  assignment.of_value.resize(cells.values().size());
  assignment.plaintexts.resize(cells.values().size());
  assignment.proven.resize(candidates.size());
  for (std::size_t candidate = 0; candidate < candidates.size(); ++candidate) {
    Round round(cells, assignment, *candidates[candidate]);
    if (round.size() == 0) break;
    round.Try(threads, [&on_progress, &round](std::size_t done) { on_progress(done, round.size()); });
    assignment.proven[candidate] = round.IsProven();
    if (assignment.proven[candidate]) {
      round.Give(candidate, assignment);
    } else if (round.NothingFailed()) {
      assignment.possible.push_back(candidate);
    }
  }
  if (assignment.IsComplete()) assignment.possible.clear();
  return assignment;
}

}  // namespace coffer::grafana
