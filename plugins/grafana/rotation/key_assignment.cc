#include "plugins/grafana/rotation/key_assignment.h"

#include <algorithm>
#include <cmath>

#include "plugins/grafana/database/in_parallel.h"

namespace coffer::grafana {
namespace {

constexpr double kTellingBits = 10;

Trial TryDataKey(const KeyedCells& cells, std::size_t data_key, const SecretBytes& key) {
  const DataKeyRow& row = cells.data_keys()[data_key];
  return TryKey({&*row.key->wrapped, cells.SamplesOf(row)}, key);
}

struct OpenedValue {
  Trial trial;
  SecretBytes plaintext;  // unless it failed
};

// The whole value, as it has to be encrypted again.
OpenedValue TryValue(const KeyedCells& cells, std::size_t value, const SecretBytes& key) {
  const LegacyValue& legacy = cells.values()[value];
  OpenedValue opened{{TrialOutcome::kFailed}, {}};
  auto plaintext = legacy.blob.Decrypt(key);
  if (!plaintext.ok()) return opened;
  const std::optional<double> bits = PlausibleBits(*plaintext, legacy.kind);
  if (legacy.blob.cipher == BlobCipher::kAesGcm) {
    opened.trial = {TrialOutcome::kTagged};
  } else if (plaintext->empty() || (!bits && legacy.may_be_raw)) {
    opened.trial = {TrialOutcome::kUntested};
  } else if (bits) {
    opened.trial = {TrialOutcome::kPlausible, *bits};
  }
  opened.plaintext = std::move(plaintext).value();
  return opened;
}

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

  void Remember(KeyAssignment& assignment) const {
    for (std::size_t unit = 0; unit < trials_.size(); ++unit) {
      if (unit < data_keys_.size()) {
        assignment.data_key_trials[data_keys_[unit]] = trials_[unit];
      } else {
        assignment.value_trials[values_[unit - data_keys_.size()]] = trials_[unit];
      }
    }
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
    if (unit < data_keys_.size()) {
      trials_[unit] = TryDataKey(cells_, data_keys_[unit], key_);
      return;
    }
    const std::size_t value = unit - data_keys_.size();
    OpenedValue opened = TryValue(cells_, values_[value], key_);
    trials_[unit] = opened.trial;
    plaintexts_[value] = std::move(opened.plaintext);
  }

  const KeyedCells& cells_;
  const SecretBytes& key_;
  std::vector<std::size_t> data_keys_;
  std::vector<std::size_t> values_;
  std::vector<Trial> trials_;
  std::vector<SecretBytes> plaintexts_;  // of values_
};

// What says too little, when every candidate was tried.
class Doubts {
 public:
  Doubts(const KeyedCells& cells, std::span<const SecretBytes* const> candidates, KeyAssignment& assignment)
      : cells_(cells), candidates_(candidates), assignment_(assignment), is_key_missing_(!assignment.IsComplete()) {}

  void Mark(unsigned threads) {
    MarkIn(assignment_.of_data_key, assignment_.data_key_trials, threads, assignment_.is_data_key_doubtful,
           [this](std::size_t data_key, const SecretBytes& key) { return TryDataKey(cells_, data_key, key); });
    MarkIn(assignment_.of_value, assignment_.value_trials, threads, assignment_.is_value_doubtful,
           [this](std::size_t value, const SecretBytes& key) { return TryValue(cells_, value, key).trial; });
  }

 private:
  using Owners = std::vector<std::optional<std::size_t>>;

  // Those that this candidate did not open.
  std::size_t Others(std::size_t candidate) const {
    const auto is_other = [candidate](const auto& owner) { return !owner || *owner > candidate; };
    const auto others = [&is_other](const Owners& owners) {
      return std::count_if(owners.begin(), owners.end(), is_other);
    };
    return static_cast<std::size_t>(others(assignment_.of_data_key) + others(assignment_.of_value));
  }

  template <typename TryOne>
  void MarkIn(const Owners& owners, const std::vector<Trial>& trials, unsigned threads, std::vector<bool>& doubtful,
              const TryOne& try_one) const {
    std::vector<std::size_t> others;
    for (std::size_t candidate = 0; candidate < candidates_.size(); ++candidate) others.push_back(Others(candidate));
    std::vector<std::size_t> little;
    for (std::size_t i = 0; i < owners.size(); ++i) {
      const bool is_alone = !owners[i] || others[*owners[i]] == 0;
      if (!is_alone && !IsTelling(trials[i], others[*owners[i]])) little.push_back(i);
    }
    std::vector<char> fits(little.size());  // not bool: written on several threads
    const auto look = [&](std::size_t at) {
      fits[at] = is_key_missing_ || FitsLater(*owners[little[at]], little[at], try_one) ? 1 : 0;
    };
    InParallel(little.size(), threads, look, [](std::size_t) {});
    for (std::size_t at = 0; at < little.size(); ++at) doubtful[little[at]] = fits[at] != 0;
  }

  // Those before the owner were tried on it.
  template <typename TryOne>
  bool FitsLater(std::size_t owner, std::size_t at, const TryOne& try_one) const {
    for (std::size_t later = owner + 1; later < candidates_.size(); ++later) {
      if (!assignment_.proven[later]) continue;
      if (try_one(at, *candidates_[later]).outcome != TrialOutcome::kFailed) return true;
    }
    return false;
  }

  const KeyedCells& cells_;
  std::span<const SecretBytes* const> candidates_;
  KeyAssignment& assignment_;
  bool is_key_missing_;  // something is under a key that nobody gave
};

}  // namespace

bool IsTelling(const Trial& trial, std::size_t others) {
  if (trial.outcome == TrialOutcome::kTagged) return true;
  const double chances = std::log2(static_cast<double>(std::max<std::size_t>(others, 1)));
  return trial.outcome == TrialOutcome::kPlausible && trial.bits >= kTellingBits + chances;
}

bool KeyAssignment::IsComplete() const {
  const auto has_candidate = [](const auto& candidate) { return candidate.has_value(); };
  return std::all_of(of_data_key.begin(), of_data_key.end(), has_candidate) &&
         std::all_of(of_value.begin(), of_value.end(), has_candidate);
}

bool KeyAssignment::AnyProven() const { return std::find(proven.begin(), proven.end(), true) != proven.end(); }

void KeyAssignment::LeaveDoubtful() {
  for (std::size_t i = 0; i < of_data_key.size(); ++i) {
    if (is_data_key_doubtful[i]) of_data_key[i].reset();
  }
  for (std::size_t i = 0; i < of_value.size(); ++i) {
    if (is_value_doubtful[i]) of_value[i].reset();
  }
}

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
  assignment.data_key_trials.resize(cells.data_keys().size());
  assignment.value_trials.resize(cells.values().size());
  assignment.is_data_key_doubtful.resize(cells.data_keys().size());
  assignment.is_value_doubtful.resize(cells.values().size());
  assignment.proven.resize(candidates.size());
  for (std::size_t candidate = 0; candidate < candidates.size(); ++candidate) {
    Round round(cells, assignment, *candidates[candidate]);
    if (round.size() == 0) break;
    round.Try(threads, [&on_progress, &round](std::size_t done) { on_progress(done, round.size()); });
    assignment.proven[candidate] = round.IsProven();
    const bool is_possible = !assignment.proven[candidate] && round.NothingFailed();
    if (assignment.proven[candidate] || is_possible) round.Remember(assignment);
    if (assignment.proven[candidate]) round.Give(candidate, assignment);
    if (is_possible) assignment.possible.push_back(candidate);
  }
  Doubts(cells, candidates, assignment).Mark(threads);
  if (assignment.IsComplete()) assignment.possible.clear();
  return assignment;
}

}  // namespace coffer::grafana
