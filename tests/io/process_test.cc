#include "io/process.h"

#include <array>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/support/in_child.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

constexpr int kDeadlineMillis = 20'000;

std::vector<std::string> Shell(std::string script) { return {"/bin/sh", "-c", std::move(script)}; }

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    pollfd waited = {fd, POLLIN, 0};
    if (poll(&waited, 1, kDeadlineMillis) <= 0) return text + "<timeout>";
    const ssize_t count = read(fd, chunk.data(), chunk.size());
    if (count <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

// What the command prints, and its exit code behind it.
std::string OutputOf(const std::vector<std::string>& argv, ChildOptions options = {}) {
  options.output = ChildStream::kPipe;
  auto child = ChildProcess::Spawn(argv, options);
  if (!child.ok()) return child.error().ToString();
  std::string text = ReadAll(child->TakeOutput().get());
  const auto code = child->Wait();
  return text + "|" + (code.ok() ? std::to_string(*code) : code.error().ToString());
}

TEST(ChildProcessTest, GivesTheExitCode) {
  for (const int code : {0, 1, 42, 255}) {
    auto child = ChildProcess::Spawn(Shell("exit " + std::to_string(code)), {});
    ASSERT_TRUE(child.ok()) << child.error().ToString();
    EXPECT_EQ(*child->Wait(), code);
    EXPECT_EQ(*child->Wait(), code);
  }
}

TEST(ChildProcessTest, GivesTheSignalThatEndedIt) {
  for (const int number : {SIGKILL, SIGTERM, SIGUSR1}) {
    auto child = ChildProcess::Spawn({"sleep", "1000"}, {});
    ASSERT_TRUE(child.ok());
    ASSERT_TRUE(child->Signal(number).ok());
    EXPECT_EQ(*child->Wait(), 128 + number);
    EXPECT_EQ(child->Signal(number).error().code(), ErrorCode::kFailedPrecondition);
  }
}

TEST(ChildProcessTest, PassesArgumentsUntouched) {
  EXPECT_EQ(OutputOf({"printf", "%s,", "a b", "", "$HOME", "\"'\n"}), "a b,,$HOME,\"'\n,|0");
}

TEST(ChildProcessTest, SetsAndRemovesVariables) {
  ChildOptions options;
  options.environment = {{"COFFER_A", "first"}, {"COFFER_A", "second"}, {"COFFER_B", ""}, {"HOME", std::nullopt}};
  EXPECT_EQ(OutputOf(Shell("echo \"$COFFER_A:${COFFER_B-unset}:${HOME-unset}\"; env | grep -c COFFER_A"), options),
            "second::unset\n1\n|0");
}

TEST(ChildProcessTest, SearchesTheChildsPath) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "tool", AsBytes("#!/bin/sh\necho mine\n"), 0700).ok());
  ChildOptions options;
  options.environment = {{"PATH", "/nowhere::" + folder.path()}};
  EXPECT_EQ(OutputOf({"tool"}, options), "mine\n|0");
}

TEST(ChildProcessTest, EmptyPartOfPathIsNotTheCurrentFolder) {
  ChildOptions options;
  options.environment = {{"PATH", "::"}};
  // A path of the repository's root, where tests run.
  const auto child = ChildProcess::Spawn({"Makefile"}, options);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code(), ErrorCode::kNotFound);
}

TEST(ChildProcessTest, FileInPathThatMayNotRunIsDenied) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "tool", AsBytes("x"), 0600).ok());
  ChildOptions options;
  options.environment = {{"PATH", folder.path()}};
  EXPECT_EQ(ChildProcess::Spawn({"tool"}, options).error().code(), ErrorCode::kPermissionDenied);
}

TEST(ChildProcessTest, ConnectsAllThreeStreams) {
  ChildOptions options;
  options.input = options.output = options.error = ChildStream::kPipe;
  auto child = ChildProcess::Spawn(Shell("cat; echo problem >&2"), options);
  ASSERT_TRUE(child.ok());
  UniqueFd input = child->TakeInput();
  ASSERT_EQ(write(input.get(), "hello", 5), 5);
  input.Reset();
  EXPECT_EQ(ReadAll(child->TakeOutput().get()), "hello");
  EXPECT_EQ(ReadAll(child->TakeError().get()), "problem\n");
  EXPECT_FALSE(child->TakeOutput().valid());
  EXPECT_EQ(*child->Wait(), 0);
}

TEST(ChildProcessTest, NullStreamIsEmptyAndSwallows) {
  ChildOptions options;
  options.input = options.error = ChildStream::kNull;
  EXPECT_EQ(OutputOf(Shell("cat; echo x >&2; echo done"), options), "done\n|0");
}

TEST(ChildProcessTest, GivesNoOtherDescriptorsUnlessTold) {
  const UniqueFd leaky(open("/dev/null", O_RDONLY));  // NOLINT(android-cloexec-open): the leak is what is tested.
  ASSERT_TRUE(leaky.valid());
  const std::string script = "test -e /proc/self/fd/" + std::to_string(leaky.get()) + " && echo there";
  EXPECT_EQ(OutputOf(Shell(script)), "|1");
  ChildOptions options;
  options.inherit_descriptors = true;
  EXPECT_EQ(OutputOf(Shell(script), options), "there\n|0");
}

TEST(ChildProcessTest, StartsWithAnEmptySignalMask) {
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &term, &before), 0);
  const std::string output = OutputOf({"grep", "SigBlk", "/proc/self/status"});
  sigset_t after;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
  EXPECT_EQ(output, "SigBlk:\t0000000000000000\n|0");
  EXPECT_EQ(sigismember(&after, SIGTERM), 1);
}

TEST(ChildProcessTest, FailsToStartWithTheReason) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "data", AsBytes("x"), 0600).ok());
  ASSERT_TRUE(WriteFileDurably(folder / "broken", AsBytes("#!/nowhere/interpreter\n"), 0700).ok());
  struct Case {
    std::vector<std::string> argv;
    ErrorCode code;
  };
  const std::vector<Case> kCases = {
      {{}, ErrorCode::kInvalidArgument},
      {{""}, ErrorCode::kInvalidArgument},
      {{"sh", std::string("a\0b", 3)}, ErrorCode::kInvalidArgument},
      {{"no-such-program-anywhere"}, ErrorCode::kNotFound},
      {{"/no/such/program"}, ErrorCode::kNotFound},
      {{folder / "data"}, ErrorCode::kPermissionDenied},
      {{folder.path()}, ErrorCode::kPermissionDenied},
      {{folder / "broken"}, ErrorCode::kNotFound},  // Only exec finds out.
      {{"true", std::string(4U << 20, 'x')}, ErrorCode::kInvalidArgument},
  };
  for (const Case& bad : kCases) {
    const auto child = ChildProcess::Spawn(bad.argv, {});
    ASSERT_FALSE(child.ok());
    EXPECT_EQ(child.error().code(), bad.code) << child.error().ToString();
  }
}

TEST(ChildProcessTest, RefusesBadVariables) {
  for (const EnvironmentChange& bad :
       {EnvironmentChange{"", "x"}, EnvironmentChange{"A=B", "x"}, EnvironmentChange{std::string("A\0", 2), "x"},
        EnvironmentChange{"A", std::string("x\0y", 3)}}) {
    ChildOptions options;
    options.environment = {bad};
    EXPECT_EQ(ChildProcess::Spawn({"true"}, options).error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ChildProcessTest, WaitForReturnsWhileItRuns) {
  auto child = ChildProcess::Spawn({"sleep", "1000"}, {});
  ASSERT_TRUE(child.ok());
  EXPECT_FALSE(child->WaitFor(0)->has_value());
  EXPECT_FALSE(child->WaitFor(2'000)->has_value());
  ASSERT_TRUE(child->Signal(SIGKILL).ok());
  EXPECT_EQ(**child->WaitFor(std::int64_t{kDeadlineMillis} * 1'000), 128 + SIGKILL);
  EXPECT_EQ(**child->WaitFor(0), 128 + SIGKILL);
}

TEST(ChildProcessTest, IsKilledWhenDestroyed) {
  UniqueFd output;
  {
    ChildOptions options;
    options.output = ChildStream::kPipe;
    auto child = ChildProcess::Spawn({"sleep", "1000"}, options);
    ASSERT_TRUE(child.ok());
    output = child->TakeOutput();
  }
  EXPECT_EQ(ReadAll(output.get()), "");
}

TEST(ChildProcessTest, MovingKeepsTheChild) {
  auto child = ChildProcess::Spawn(Shell("exit 9"), {});
  ASSERT_TRUE(child.ok());
  ChildProcess moved = std::move(*child);
  auto other = ChildProcess::Spawn({"sleep", "1000"}, {});
  ASSERT_TRUE(other.ok());
  *other = std::move(moved);
  EXPECT_EQ(*other->Wait(), 9);
  EXPECT_FALSE(moved.Wait().ok());  // NOLINT(bugprone-use-after-move): what is left is the fact tested.
}

TEST(ChildProcessTest, DiesWithItsParent) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  EXPECT_EQ(InChild([] {
              ChildOptions options;
              options.inherit_descriptors = true;
              auto child = ChildProcess::Spawn({"sleep", "1000"}, options);
              // Ends without destructors, as a killed process does.
              _exit(child.ok() ? 5 : 6);
              return 0;
            }),
            5);
  writer.Reset();
  EXPECT_EQ(ReadAll(reader.get()), "");  // The end of file comes when the grandchild is gone.
}

TEST(ChildProcessTest, LostExitCodeIsAnError) {
  EXPECT_EQ(InChild([] {
              signal(SIGCHLD, SIG_IGN);
              ChildOptions options;
              options.input = ChildStream::kPipe;  // It lives until it is let go: a child that ends at once may be gone
              auto child = ChildProcess::Spawn({"cat"}, options);  // before it can be watched.
              if (!child.ok()) return 1;
              child->TakeInput().Reset();
              const auto code = child->Wait();
              return !code.ok() && code.error().code() == ErrorCode::kUnavailable ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace coffer
