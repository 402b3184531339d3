#include "plugins/grafana/database/key_samples.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

constexpr std::size_t kCutAt = 4'096;                      // bytes of an aes-cfb body that are kept
constexpr std::size_t kMaxTagged = std::size_t{64} << 10;  // of an aes-gcm body, which is nothing without its end
constexpr std::size_t kEnoughToTell = 64;

// The more, the more a value tells.
std::size_t WorthOf(const TrialSample& sample) {
  const std::size_t size = std::min(sample.blob.body.size(), kEnoughToTell);
  return sample.blob.cipher == BlobCipher::kAesGcm ? 4 * kEnoughToTell : size + (sample.may_be_raw ? 0 : kEnoughToTell);
}

}  // namespace

std::optional<TrialSample> SampleOf(SecretBlob blob, bool may_be_raw) {
  TrialSample sample{std::move(blob), false, may_be_raw};
  Bytes& body = sample.blob.body;
  const bool tagged = sample.blob.cipher == BlobCipher::kAesGcm;
  if (body.empty() || (tagged && body.size() > kMaxTagged)) return std::nullopt;
  if (!tagged && body.size() > kCutAt) {
    body.resize(kCutAt);
    body.shrink_to_fit();
    sample.is_cut = true;
  }
  return sample;
}

void KeySamples::Add(SecretBlob blob, bool may_be_raw) {
  // Old versions of a row hold the same blob again, which tells nothing more.
  const bool is_copy = std::any_of(samples_.begin(), samples_.end(), [&blob](const TrialSample& sample) {
    return sample.blob.salt == blob.salt && sample.blob.iv == blob.iv;
  });
  std::optional<TrialSample> sample = is_copy ? std::nullopt : SampleOf(std::move(blob), may_be_raw);
  if (!sample) return;
  if (samples_.size() < kMaxSamples) return samples_.push_back(std::move(*sample));
  const auto least = std::min_element(samples_.begin(), samples_.end(), [](const TrialSample& a, const TrialSample& b) {
    return WorthOf(a) < WorthOf(b);
  });
  if (WorthOf(*sample) > WorthOf(*least)) *least = std::move(*sample);
}

}  // namespace coffer::grafana
