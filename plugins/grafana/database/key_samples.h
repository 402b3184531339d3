// KeySamples: the few values under one data key that a secret_key is tried on.
#pragma once

#include <optional>
#include <vector>

#include "plugins/grafana/database/key_trials.h"

namespace coffer::grafana {

// What a key can be tried on, without what is not needed for it; nothing when the value is empty or too large to keep.
std::optional<TrialSample> SampleOf(SecretBlob blob, bool may_be_raw);

// The most telling ones of many, at most kMaxSamples.
class KeySamples {
 public:
  static constexpr std::size_t kMaxSamples = 4;

  void Add(SecretBlob blob, bool may_be_raw);
  const std::vector<TrialSample>& samples() const { return samples_; }

 private:
  std::vector<TrialSample> samples_;
};

}  // namespace coffer::grafana
