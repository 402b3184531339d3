// Refusals that are held: of whom, how many, and that each is given once.
#include "keysvc/rpc/held_refusals.h"

#include <atomic>

#include <gtest/gtest.h>

#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;

class HeldRefusalsTest : public testing::Test {
 protected:
  void Refuse(HeldRefusals& held, const std::string& principal, int times, std::size_t bytes = 1) {
    for (int i = 0; i < times; ++i) {
      held.Give(principal, bytes, [this] { ++given; });
    }
  }
  std::atomic<int> given{0};
};

TEST_F(HeldRefusalsTest, OnlyOfWhomIsRefusedOften) {
  HeldRefusals held({.pause = 1h, .at_once = 3});
  Refuse(held, "often", 5);
  EXPECT_EQ(given, 3);
  Refuse(held, "seldom", 3);
  EXPECT_EQ(given, 6) << "each principal is counted for itself";
  held.Close();
  EXPECT_EQ(given, 8);
  Refuse(held, "often", 5);
  EXPECT_EQ(given, 13) << "nothing is held once it is closed";
  held.Close();
  EXPECT_EQ(given, 13) << "each is given once";
}

TEST_F(HeldRefusalsTest, EachIsGivenAPauseLater) {
  HeldRefusals held({.pause = 20ms, .at_once = 0});
  const auto begun = std::chrono::steady_clock::now();
  Refuse(held, "often", 100);
  EXPECT_TRUE(WaitUntil([this] { return given == 100; }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 20ms);
}

TEST_F(HeldRefusalsTest, CountingBeginsAnewWithEachPause) {
  HeldRefusals held({.pause = 20ms, .at_once = 1});
  Refuse(held, "often", 3);
  EXPECT_TRUE(WaitUntil([&] {  // a call that finds itself counted anew is answered before it returns
    const int before = given;
    Refuse(held, "often", 1);
    return given > before;
  }));
}

TEST_F(HeldRefusalsTest, SoManyAtMost) {
  HeldRefusals held({.pause = 1h, .at_once = 0, .answers = 2});
  Refuse(held, "often", 5);
  EXPECT_EQ(given, 3);
}

TEST_F(HeldRefusalsTest, SoManyBytesAtMost) {
  HeldRefusals held({.pause = 1h, .at_once = 0, .bytes = 10});
  Refuse(held, "often", 1, 11);
  EXPECT_EQ(given, 1) << "larger than all that may be held";
  Refuse(held, "often", 2, 6);
  EXPECT_EQ(given, 2) << "the second does not fit beside the first";
  Refuse(held, "often", 1, 4);
  EXPECT_EQ(given, 2) << "what is left is used";
}

TEST_F(HeldRefusalsTest, WhatWasGivenMakesRoom) {
  HeldRefusals held({.pause = 20ms, .at_once = 0, .answers = 1, .bytes = 5});
  for (int round = 1; round <= 3; ++round) {
    Refuse(held, "often", 1, 5);
    ASSERT_TRUE(WaitUntil([&] { return given == round; }));
  }
}

TEST_F(HeldRefusalsTest, WhatIsHeldIsGivenWhenItEnds) {
  {
    HeldRefusals held({.pause = 1h, .at_once = 0});
    Refuse(held, "often", 3);
    EXPECT_EQ(given, 0);
  }
  EXPECT_EQ(given, 3);
}

}  // namespace
}  // namespace coffer::keysvc
