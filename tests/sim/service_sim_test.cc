// 1,000 lives, each cut by power failures at its own steps; 100,000 in `make soak`. COFFER_SIM_SEEDS and
// COFFER_SIM_FIRST choose others.
#include "tests/sim/service_sim.h"

#include <charconv>
#include <iostream>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace coffer::sim {
namespace {

constexpr std::uint64_t kDefaultSeeds = kSanitized ? 150 : 1'000;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = getenv(name);
  if (text == nullptr) return otherwise;
  const std::string_view digits(text);
  std::uint64_t value = otherwise;
  std::from_chars(digits.begin(), digits.end(), value);
  return value;
}

// Key files in memory, so that no seed waits for a disk.
std::string KeyFolder() {
  std::string folder = "/dev/shm/coffer-sim-XXXXXX";
  return mkdtemp(folder.data()) == nullptr ? "" : folder;
}

class ServiceSimTest : public ::testing::Test {
 protected:
  ~ServiceSimTest() override { EXPECT_TRUE(RemoveTree(folder_).ok()); }
  const std::string folder_ = KeyFolder();
};

TEST_F(ServiceSimTest, WhatWasAcknowledgedSurvivesAPowerCutAtAnyStep) {
  ASSERT_FALSE(folder_.empty());
  const std::uint64_t first = FromEnvironment("COFFER_SIM_FIRST", 1);
  const std::uint64_t seeds = FromEnvironment("COFFER_SIM_SEEDS", kDefaultSeeds);
  std::uint64_t acknowledged = 0;
  std::uint64_t cut = 0;
  std::uint64_t put_back = 0;
  std::uint64_t destroyed = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    ServiceSim life(seed, folder_);
    const std::string broken = life.Run();
    ASSERT_EQ(broken, "");
    acknowledged += life.acknowledged();
    cut += life.crashed_midway() ? 1 : 0;
    put_back += life.was_put_back() ? 1 : 0;
    destroyed += life.destroyed();
  }
  std::cout << seeds << " lives, " << cut << " cut midway, " << put_back << " with an old store put back, " << destroyed
            << " destructions, " << acknowledged << " acknowledged operations checked\n";
  EXPECT_GT(put_back, 0U);
  EXPECT_GT(destroyed, 0U);
  EXPECT_GT(cut, seeds / 2) << "most lives are to be cut while they work";
  EXPECT_GT(acknowledged, seeds);
}

TEST_F(ServiceSimTest, EachBrokenInvariantIsNoticed) {
  void (ServiceSim::*const breaks[])() = {&ServiceSim::ForgetASecretBeforeTheCheck,
                                          &ServiceSim::BringBackWhatWasDestroyed, &ServiceSim::PutTheJournalBackToo};
  for (const auto break_it : breaks) {
    bool noticed = false;
    for (std::uint64_t seed = 1; seed <= 60 && !noticed; ++seed) {
      ServiceSim life(seed, folder_);
      (life.*break_it)();
      noticed = !life.Run().empty();
    }
    EXPECT_TRUE(noticed);
  }
}

}  // namespace
}  // namespace coffer::sim
