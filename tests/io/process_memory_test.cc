#include "io/process_memory.h"

#include <array>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/support/in_child.h"
#include "tests/support/sanitized.h"

namespace coffer {
namespace {

constexpr int kSkipped = 77;

// Takes CAP_IPC_LOCK from this process and leaves it a small limit.
bool BecomeLimited() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return false;
  sets[0].effective &= ~(1U << CAP_IPC_LOCK);
  if (syscall(SYS_capset, &header, sets.data()) != 0) return false;
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return false;
  limit.rlim_cur = 65'536;
  return setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

std::int64_t LockedKib() {
  const auto status = ReadFile("/proc/self/status", 1 << 16);
  if (!status.ok()) return -1;
  const std::string_view text = AsText(*status);
  const std::size_t at = text.find("VmLck:");
  if (at == std::string_view::npos) return -1;
  std::int64_t kib = 0;
  for (const char c : text.substr(at + 6, text.find('\n', at) - at - 6)) {
    if (c >= '0' && c <= '9') kib = kib * 10 + (c - '0');
  }
  return kib;
}

TEST(LockMemoryTest, RefusesWhenLimited) {
  const int result = InChild([] {
    if (!BecomeLimited()) return kSkipped;
    const auto lock = LockMemory(false);
    if (lock.ok()) return 1;
    if (lock.error().code() != ErrorCode::kFailedPrecondition) return 2;
    return lock.error().message().find("--allow-swap") == std::string_view::npos ? 3 : 0;
  });
  if (result == kSkipped) GTEST_SKIP() << "this process may not give up capabilities";
  EXPECT_EQ(result, 0);
}

TEST(LockMemoryTest, GoesOnUnlockedWhenLimitedAndSwapIsAllowed) {
  const int result = InChild([] {
    if (!BecomeLimited()) return kSkipped;
    const auto lock = LockMemory(true);
    if (!lock.ok() || *lock != MemoryLock::kSwappable) return 1;
    return LockedKib() == 0 ? 0 : 2;
  });
  if (result == kSkipped) GTEST_SKIP() << "this process may not give up capabilities";
  EXPECT_EQ(result, 0);
}

TEST(LockMemoryTest, LocksAllMemoryNowAndLaterWherePermitted) {
  const int result = InChild([] {
    const auto lock = LockMemory(false);
    if (!lock.ok()) return lock.error().code() == ErrorCode::kFailedPrecondition ? kSkipped : 1;
    if (*lock != MemoryLock::kLocked) return 2;
    const std::int64_t before = LockedKib();
    if (!kSanitized && before <= 0) return 3;
    constexpr std::size_t kLater = 64U << 20;
    if (mmap(nullptr, kLater, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) return 4;
    if (!kSanitized && LockedKib() < before + static_cast<std::int64_t>(kLater / 1024)) return 5;
    std::thread([] {}).join();  // A new stack must fit as well.
    return 0;
  });
  if (result == kSkipped) GTEST_SKIP() << "memory cannot be locked here";
  EXPECT_EQ(result, 0);
}

TEST(LockMemoryTest, TrialLeavesNothingLocked) {
  const int result = InChild([] {
    if (!BecomeLimited()) return kSkipped;
    static_cast<void>(LockMemory(false));
    return LockedKib() == 0 ? 0 : 1;
  });
  if (result == kSkipped) GTEST_SKIP() << "this process may not give up capabilities";
  EXPECT_EQ(result, 0);
}

TEST(DenyCoreDumpsTest, SetsLimitAndDumpableOff) {
  EXPECT_EQ(InChild([] {
              if (!DenyCoreDumps().ok()) return 1;
              rlimit limit = {1, 1};
              if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0) return 2;
              return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 3;
            }),
            0);
}

}  // namespace
}  // namespace coffer
