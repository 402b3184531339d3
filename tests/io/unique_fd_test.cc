#include "io/unique_fd.h"

#include <fcntl.h>
#include <utility>

#include <gtest/gtest.h>

namespace coffer {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

UniqueFd OpenNull() { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(UniqueFdTest, ClosesWhenItGoes) {
  int number = -1;
  {
    const UniqueFd fd = OpenNull();
    number = fd.get();
    ASSERT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(UniqueFdTest, MovingLeavesOneOwner) {
  UniqueFd first = OpenNull();
  const int number = first.get();
  UniqueFd second = std::move(first);
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what is left is the fact tested.
  EXPECT_EQ(second.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(UniqueFdTest, AssigningClosesWhatWasHeld) {
  UniqueFd first = OpenNull();
  const int number = first.get();
  first = OpenNull();
  EXPECT_FALSE(IsOpen(number));
  EXPECT_TRUE(IsOpen(first.get()));
}

TEST(UniqueFdTest, ReleasedDescriptorStaysOpen) {
  int number = -1;
  {
    UniqueFd fd = OpenNull();
    number = fd.Release();
    EXPECT_FALSE(fd.valid());
  }
  EXPECT_TRUE(IsOpen(number));
  const UniqueFd closes(number);
}

TEST(UniqueFdTest, DefaultOwnsNothing) {
  UniqueFd fd;
  EXPECT_FALSE(fd.valid());
  fd.Reset();
  EXPECT_EQ(fd.Release(), -1);
}

}  // namespace
}  // namespace coffer
