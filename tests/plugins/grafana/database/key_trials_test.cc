#include "plugins/grafana/database/key_trials.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "tests/plugins/grafana/database/known_answers.h"

namespace coffer::grafana {
namespace {

using known_answers::Secret;

constexpr auto kCfb = BlobCipher::kAesCfb;
constexpr auto kGcm = BlobCipher::kAesGcm;

SecretBlob Under(std::string_view key, std::string_view text, BlobCipher cipher = kCfb) {
  return SecretBlob::Encrypt(Secret(text), Secret(key), cipher, std::nullopt);
}

TrialUnit Value(SecretBlob blob) {
  TrialUnit unit;
  unit.samples.push_back({std::move(blob)});
  return unit;
}

std::vector<KeyFit> FitsOf(const std::vector<TrialUnit>& units, std::string_view key, unsigned threads = 2) {
  return Conclude(TryKeyOnAll(units, Secret(key), threads, [](std::size_t) {}));
}

using Fits = std::vector<KeyFit>;
constexpr auto kOpens = KeyFit::kOpens;
constexpr auto kDoesNot = KeyFit::kDoesNot;
constexpr auto kUnknown = KeyFit::kUnknown;

// Values of these sizes under "right".
std::vector<TrialUnit> Values(const std::vector<std::size_t>& sizes, std::string_view key = "right") {
  std::vector<TrialUnit> units;
  for (const std::size_t size : sizes) units.push_back(Value(Under(key, std::string(size, 'p'))));
  return units;
}

TEST(KeyTrialsTest, ValuesOpenWithTheirKeyAndWithNoOther) {
  const auto units = Values({30, 20, 25, 40});
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, kOpens, kOpens, kOpens}));
  EXPECT_EQ(FitsOf(units, "wrong"), (Fits{kDoesNot, kDoesNot, kDoesNot, kDoesNot}));
}

TEST(KeyTrialsTest, ManyShortValuesTogetherAreEnough) {
  auto units = Values({8, 8, 8, 8, 8, 8});
  units.push_back(Value(Under("another", std::string(64, 'p'))));
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, kOpens, kOpens, kOpens, kOpens, kOpens, kDoesNot}));
}

TEST(KeyTrialsTest, FewShortValuesAreBelievedWhereNothingFails) {
  EXPECT_EQ(FitsOf(Values({4}), "right"), Fits{kOpens});
  auto units = Values({4});
  units.push_back(Value(Under("another", std::string(64, 'p'))));
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kUnknown, kDoesNot}));
}

TEST(KeyTrialsTest, WhatIsPlausibleAndNotProvenIsNeverDenied) {
  auto units = Values({9});  // under the right key, too short to prove it
  const SecretBlob unused = SecretBlob::Encrypt(RandomSecret(16), Secret("right"), kCfb, std::nullopt);
  units.push_back({&unused, {}});
  units.push_back(Value(Under("another", std::string(64, 'p'))));
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kUnknown, kUnknown, kDoesNot}));
  const Fits another = FitsOf(units, "another");
  EXPECT_EQ(another[1], kOpens);
  EXPECT_EQ(another[2], kOpens);
}

TEST(KeyTrialsTest, BracesOfAnObjectProveAKey) {
  const std::string object = R"({"a":"xyz"})";
  auto units = std::vector<TrialUnit>{Value(Under("right", object))};
  units.push_back(Value(Under("another", std::string(64, 'p'))));
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kUnknown, kDoesNot}));
  units.front().samples.front().kind = PlaintextKind::kJsonObject;
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, kDoesNot}));
  // One that is cut has no end.
  units.front() = Value(Under("right", object + std::string(64, 'p')));
  units.front().samples.front().kind = PlaintextKind::kJsonObject;
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kDoesNot, kDoesNot}));
  units.front().samples.front().is_cut = true;
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, kDoesNot}));
}

TEST(KeyTrialsTest, AWrongKeyNeverOpensManyShortValues) {
  // One in six of them comes out as text.
  const Fits fits = FitsOf(Values(std::vector<std::size_t>(60, 2)), "wrong");
  EXPECT_EQ(std::count(fits.begin(), fits.end(), kOpens), 0);
  EXPECT_NE(std::count(fits.begin(), fits.end(), kDoesNot), 0);
}

TEST(KeyTrialsTest, TagsTellForCertain) {
  std::vector<TrialUnit> units;
  units.push_back(Value(Under("right", "x", kGcm)));
  units.push_back(Value(Under("wrong", "x", kGcm)));
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, kDoesNot}));
}

TEST(KeyTrialsTest, DataKeysAreToldByTheValuesUnderThem) {
  const SecretBytes data_key = RandomSecret(16);
  const SecretBlob wrapped = SecretBlob::Encrypt(data_key, Secret("right"), kCfb, std::nullopt);
  TrialUnit unit{&wrapped, {}};
  unit.samples.push_back({SecretBlob::Encrypt(Secret("a-long-password-of-a-database"), data_key, kCfb, "id")});
  unit.samples.push_back({SecretBlob::Encrypt(RandomSecret(40), data_key, kCfb, "id")});  // damaged
  EXPECT_EQ(FitsOf({unit}, "right"), Fits{kOpens});
  EXPECT_EQ(FitsOf({unit}, "wrong"), Fits{kDoesNot});
}

TEST(KeyTrialsTest, ADataKeyWithoutValuesIsLikeTheOthers) {
  const SecretBlob unused = SecretBlob::Encrypt(RandomSecret(16), Secret("right"), kCfb, std::nullopt);
  std::vector<TrialUnit> units = Values({30});
  units.push_back({&unused, {}});
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, kOpens}));
  EXPECT_EQ(FitsOf(units, "wrong"), (Fits{kDoesNot, kUnknown}));
  EXPECT_EQ(FitsOf({{&unused, {}}}, "right"), Fits{kUnknown});
}

// Whoever can write to the database can make one that is empty, and so known, under any key.
TEST(KeyTrialsTest, ADataKeyIsOf16Or32Bytes) {
  for (const BlobCipher cipher : {kCfb, kGcm}) {
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 24U, 32U, 33U}) {
      const SecretBytes data_key = RandomSecret(size);
      const SecretBlob wrapped = SecretBlob::Encrypt(data_key, Secret("right"), cipher, std::nullopt);
      std::vector<TrialUnit> units = Values({30});
      units.push_back({&wrapped, {}});
      const bool is_one = size == 16 || size == 32;
      EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, is_one ? kOpens : kDoesNot})) << size;
      units.back().samples.push_back(
          {SecretBlob::Encrypt(Secret("a-long-password-of-a-database"), data_key, cipher, "id")});
      EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, is_one ? kOpens : kDoesNot})) << size;
    }
  }
}

TEST(KeyTrialsTest, AWrappedDataKeyWithATagNeedsNoValues) {
  const SecretBlob wrapped = SecretBlob::Encrypt(RandomSecret(16), Secret("right"), kGcm, std::nullopt);
  EXPECT_EQ(FitsOf({{&wrapped, {}}}, "right"), Fits{kOpens});
  EXPECT_EQ(FitsOf({{&wrapped, {}}}, "wrong"), Fits{kDoesNot});
}

TEST(KeyTrialsTest, RawValuesContradictNothing) {
  TrialUnit raw = Value(SecretBlob::Encrypt(RandomSecret(64), Secret("right"), kCfb, std::nullopt));
  raw.samples.front().may_be_raw = true;
  EXPECT_EQ(FitsOf({raw}, "right"), Fits{kUnknown});
  auto units = Values({30});
  units.push_back(raw);
  EXPECT_EQ(FitsOf(units, "right"), (Fits{kOpens, kOpens}));
}

TEST(KeyTrialsTest, ACutMayBeInsideACharacter) {
  const std::string text = "passwort-mit-\xE2\x82\xAC-\xF0\x9F\x94\x91-und-mehr-davon";
  for (std::size_t size = 10; size < text.size(); ++size) {
    TrialUnit unit = Value(Under("right", text));
    unit.samples.front().blob.body.resize(size);
    unit.samples.front().is_cut = true;
    EXPECT_EQ(FitsOf({unit}, "right"), Fits{kOpens}) << size;
  }
}

TEST(KeyTrialsTest, EveryUnitIsTriedOnceOnAnyNumberOfThreads) {
  const auto units = Values({30, 31, 32, 33, 34, 35, 36});
  for (const unsigned threads : {0U, 1U, 3U, 64U}) {
    std::size_t last = 0;
    const auto trials = TryKeyOnAll(units, Secret("right"), threads, [&last](std::size_t done) { last = done; });
    EXPECT_EQ(last, units.size());
    for (const Trial& trial : trials) EXPECT_EQ(trial.outcome, TrialOutcome::kPlausible);
  }
  EXPECT_TRUE(TryKeyOnAll({}, Secret("right"), 4, [](std::size_t) {}).empty());
}

}  // namespace
}  // namespace coffer::grafana
