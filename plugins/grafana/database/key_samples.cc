#include "plugins/grafana/database/key_samples.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

constexpr std::size_t kCutAt = 4'096;                  // bytes of an aes-cfb body that are kept
constexpr std::size_t kLarge = std::size_t{64} << 10;  // of an aes-gcm body
constexpr std::size_t kEnoughToTell = 64;

bool IsTagged(const TrialSample& sample) { return sample.blob.cipher == BlobCipher::kAesGcm; }
bool IsLarge(const TrialSample& sample) { return sample.blob.body.size() > kLarge; }

// The more, the more a value tells.
std::size_t WorthOf(const TrialSample& sample) {
  if (IsTagged(sample)) return (IsLarge(sample) ? 3 : 4) * kEnoughToTell;
  return std::min(sample.blob.body.size(), kEnoughToTell) + (sample.may_be_raw ? 0 : kEnoughToTell);
}

}  // namespace

std::optional<TrialSample> SampleOf(SecretBlob blob, bool may_be_raw, PlaintextKind kind) {
  TrialSample sample{std::move(blob), false, may_be_raw, kind};
  Bytes& body = sample.blob.body;
  if (body.empty()) return std::nullopt;
  if (!IsTagged(sample) && body.size() > kCutAt) {
    body.resize(kCutAt);
    body.shrink_to_fit();
    sample.is_cut = true;
  }
  return sample;
}

std::size_t KeySamples::bytes() const {
  std::size_t bytes = 0;
  for (const TrialSample& sample : samples_) bytes += sizeof(TrialSample) + sample.blob.body.size();
  return bytes;
}

void KeySamples::Add(SecretBlob blob, bool may_be_raw, PlaintextKind kind) {
  // Old versions of a row hold the same blob again, which tells nothing more.
  const bool is_copy = std::any_of(samples_.begin(), samples_.end(), [&blob](const TrialSample& sample) {
    return sample.blob.salt == blob.salt && sample.blob.iv == blob.iv;
  });
  std::optional<TrialSample> sample = is_copy ? std::nullopt : SampleOf(std::move(blob), may_be_raw, kind);
  if (!sample) return;
  if (IsLarge(*sample) && std::any_of(samples_.begin(), samples_.end(), IsTagged)) return;
  if (samples_.size() < kMaxSamples) return samples_.push_back(std::move(*sample));
  const auto least = std::min_element(samples_.begin(), samples_.end(), [](const TrialSample& a, const TrialSample& b) {
    return WorthOf(a) < WorthOf(b);
  });
  if (WorthOf(*sample) > WorthOf(*least)) *least = std::move(*sample);
}

}  // namespace coffer::grafana
