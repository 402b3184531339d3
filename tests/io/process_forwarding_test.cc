#include <signal.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/process.h"
#include "tests/support/in_child.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer {
namespace {

TEST(RunForwardingSignalsTest, GivesTheExitCode) {
  EXPECT_EQ(*RunForwardingSignals({"sh", "-c", "exit 3"}, {}), 3);
  EXPECT_EQ(*RunForwardingSignals({"sh", "-c", "kill -KILL $$"}, {}), 128 + SIGKILL);
}

TEST(RunForwardingSignalsTest, FailsWhenTheProgramIsNotThere) {
  EXPECT_EQ(RunForwardingSignals({"/no/such/program"}, {}).error().code(), ErrorCode::kNotFound);
}

TEST(RunForwardingSignalsTest, RestoresTheSignalMask) {
  sigset_t before;
  sigset_t after;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
  ASSERT_TRUE(RunForwardingSignals({"true"}, {}).ok());
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &after), 0);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    EXPECT_EQ(sigismember(&before, number), sigismember(&after, number));
  }
}

// A wrapper in its own process: sends itself `number` once its child runs; the child answers with exit code 60 +
// number.
int WrapperThatGets(int number, const TempDir& folder) {
  return InChild([&]() -> int {
    sigset_t all;
    sigfillset(&all);
    // The sender inherits the mask, so that the signal finds no thread but the wrapper's descriptor.
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    const std::string ready = folder / ("ready" + std::to_string(number));
    std::thread sender([&] {
      if (WaitUntil([&] { return *Exists(ready); })) kill(getpid(), number);
    });
    const std::string text = std::to_string(number);
    const std::string script =
        "trap 'kill -KILL $!; exit " + std::to_string(60 + number) + "' " + text + "; sleep 1000 & echo > \"$0\"; wait";
    const auto code = RunForwardingSignals({"sh", "-c", script, ready}, {});
    sender.join();
    return code.ok() ? *code : 1;
  });
}

TEST(RunForwardingSignalsTest, PassesEachSignalOn) {
  const TempDir folder;
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    EXPECT_EQ(WrapperThatGets(number, folder), 60 + number) << number;
  }
}

TEST(RunForwardingSignalsTest, SignalThatCameBeforeTheChildReachesIt) {
  EXPECT_EQ(InChild([]() -> int {
              sigset_t term;
              sigemptyset(&term);
              sigaddset(&term, SIGTERM);
              pthread_sigmask(SIG_BLOCK, &term, nullptr);
              kill(getpid(), SIGTERM);
              const auto code = RunForwardingSignals({"sleep", "1000"}, {});
              return code.ok() && *code == 128 + SIGTERM ? 0 : 1;
            }),
            0);
}

TEST(RunForwardingSignalsTest, SignalOutsideTheListIsNotPassedOn) {
  // SIGWINCH is ignored by default: the child runs to its own end.
  EXPECT_EQ(
      InChild([]() -> int {
        const auto code = RunForwardingSignals({"sh", "-c", "trap 'exit 9' WINCH; kill -WINCH $PPID; exit 4"}, {});
        return code.ok() ? *code : 1;
      }),
      4);
}

}  // namespace
}  // namespace coffer
