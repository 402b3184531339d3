// KeySamples: the few values under one data key that a secret_key is tried on.
#pragma once

#include <optional>
#include <vector>

#include "plugins/grafana/database/key_trials.h"

namespace coffer::grafana {

// What a key can be tried on, without what is not needed for it; nothing when the value is empty.
std::optional<TrialSample> SampleOf(SecretBlob blob, bool may_be_raw, PlaintextKind kind = PlaintextKind::kText);

// The most telling ones of many, at most kMaxSamples. Of aes-gcm values that are large, which are nothing without their
// end, one at most, and none where a small one tells as much.
class KeySamples {
 public:
  static constexpr std::size_t kMaxSamples = 4;

  void Add(SecretBlob blob, bool may_be_raw, PlaintextKind kind = PlaintextKind::kText);
  const std::vector<TrialSample>& samples() const { return samples_; }
  std::vector<TrialSample> Take() { return std::move(samples_); }
  std::size_t bytes() const;  // of the values

 private:
  std::vector<TrialSample> samples_;
};

}  // namespace coffer::grafana
