#include "plugins/grafana/database/key_samples.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/plugins/grafana/database/known_answers.h"

namespace coffer::grafana {
namespace {

using known_answers::Secret;

constexpr std::size_t kLarge = 100'000;

SecretBlob Under(std::size_t size, BlobCipher cipher) {
  return SecretBlob::Encrypt(Secret(std::string(size, 'p')), Secret("key"), cipher, "id");
}

TEST(KeySamplesTest, AValueWithATagIsKeptWholeHoweverLargeItIs) {
  const auto sample = SampleOf(Under(kLarge, BlobCipher::kAesGcm), false);
  ASSERT_TRUE(sample);
  EXPECT_FALSE(sample->is_cut);
  EXPECT_GT(sample->blob.body.size(), kLarge);
  const auto cut = SampleOf(Under(kLarge, BlobCipher::kAesCfb), false);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->is_cut);
  EXPECT_FALSE(SampleOf(Under(0, BlobCipher::kAesCfb), false));
}

TEST(KeySamplesTest, OfLargeValuesWithATagOneIsKept) {
  KeySamples samples;
  for (int i = 0; i < 3; ++i) samples.Add(Under(kLarge, BlobCipher::kAesGcm), false);
  EXPECT_EQ(samples.samples().size(), 1U);
  EXPECT_GT(samples.bytes(), kLarge);
  for (int i = 0; i < 4; ++i) samples.Add(Under(10, BlobCipher::kAesGcm), false);
  EXPECT_EQ(samples.samples().size(), KeySamples::kMaxSamples);
  EXPECT_LT(samples.bytes(), kLarge) << "small ones tell as much";
  samples.Add(Under(kLarge, BlobCipher::kAesGcm), false);
  EXPECT_LT(samples.bytes(), kLarge);
}

TEST(KeySamplesTest, LongTextTellsMoreThanShort) {
  KeySamples samples;
  for (const std::size_t size : {2U, 3U, 4U, 5U, 40U, 50U}) samples.Add(Under(size, BlobCipher::kAesCfb), false);
  std::size_t least = kLarge;
  for (const TrialSample& sample : samples.samples()) least = std::min(least, sample.blob.body.size());
  EXPECT_EQ(least, 4U);
}

TEST(KeySamplesTest, CopiesAreKeptOnce) {
  KeySamples samples;
  const SecretBlob blob = Under(20, BlobCipher::kAesCfb);
  for (int i = 0; i < 3; ++i) samples.Add(blob, false);
  EXPECT_EQ(samples.samples().size(), 1U);
  EXPECT_EQ(samples.Take().size(), 1U);
}

}  // namespace
}  // namespace coffer::grafana
