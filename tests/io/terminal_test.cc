#include "io/terminal.h"

#include <array>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/unique_fd.h"
#include "tests/support/in_child.h"

namespace coffer {
namespace {

// A terminal of our own: what is written to the master is typed, what is read from it is shown.
class PseudoTerminal {
 public:
  PseudoTerminal() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(grantpt(master_.get()), 0);
    EXPECT_EQ(unlockpt(master_.get()), 0);
    std::array<char, 128> name{};
    EXPECT_EQ(ptsname_r(master_.get(), name.data(), name.size()), 0);
    name_ = name.data();
    slave_ = UniqueFd(open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }

  int slave() const { return slave_.get(); }
  const std::string& name() const { return name_; }
  void Type(std::string_view text) { EXPECT_EQ(write(master_.get(), text.data(), text.size()), std::ssize(text)); }
  // Reads what is shown until `text` is among it.
  bool WaitToShow(std::string_view text) {
    while (shown_.find(text) == std::string::npos) {
      std::array<char, 256> chunk{};
      pollfd waited = {master_.get(), POLLIN, 0};
      if (poll(&waited, 1, 20'000) <= 0) return false;
      const ssize_t count = read(master_.get(), chunk.data(), chunk.size());
      if (count <= 0) return false;
      shown_.append(chunk.data(), static_cast<std::size_t>(count));
    }
    return true;
  }
  const std::string& shown() const { return shown_; }
  bool Echoes() const {
    termios settings = {};
    EXPECT_EQ(tcgetattr(master_.get(), &settings), 0);
    return (settings.c_lflag & ECHO) != 0;
  }

 private:
  UniqueFd master_;
  UniqueFd slave_;
  std::string name_;
  std::string shown_;
};

// Prompts while a person types `text`.
Result<SecretBytes> PromptWhileTyping(PseudoTerminal& terminal, std::string_view text) {
  std::thread person([&] {
    EXPECT_TRUE(terminal.WaitToShow("Secret: "));
    EXPECT_FALSE(terminal.Echoes());
    terminal.Type(text);
  });
  auto secret = PromptSecretOn(terminal.slave(), "Secret: ");
  person.join();
  return secret;
}

TEST(PromptSecretTest, GivesTheLineAndShowsNothingOfIt) {
  PseudoTerminal terminal;
  const auto secret = PromptWhileTyping(terminal, "hunter2\n");
  ASSERT_TRUE(secret.ok()) << secret.error().ToString();
  EXPECT_EQ(AsText(secret->Expose(SecretAccess::kTest)), "hunter2");
  EXPECT_TRUE(terminal.Echoes());
  ASSERT_TRUE(terminal.WaitToShow("\n"));
  EXPECT_EQ(terminal.shown().find("hunter"), std::string::npos);
}

TEST(PromptSecretTest, GivesAnEmptyLine) {
  PseudoTerminal terminal;
  const auto secret = PromptWhileTyping(terminal, "\n");
  ASSERT_TRUE(secret.ok());
  EXPECT_TRUE(secret->empty());
}

TEST(PromptSecretTest, TakesTheLongestLineAndNoLonger) {
  PseudoTerminal terminal;
  EXPECT_EQ(PromptWhileTyping(terminal, std::string(1024, 'x') + "\n")->size(), 1024U);
  PseudoTerminal another;
  const auto longer = PromptWhileTyping(another, std::string(1025, 'x') + "\n");
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(another.Echoes());
}

TEST(PromptSecretTest, EndOfFileIsNoSecret) {
  PseudoTerminal terminal;
  const auto secret = PromptWhileTyping(terminal, "\x04");
  ASSERT_FALSE(secret.ok());
  EXPECT_EQ(secret.error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(terminal.Echoes());
}

TEST(PromptSecretTest, NeedsATerminal) {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(PromptSecretOn(null.get(), "Secret: ").error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(InChild([] {
              setsid();  // Leaves any terminal that the tests have.
              const auto secret = PromptSecret("Secret: ");
              return !secret.ok() && secret.error().code() == ErrorCode::kFailedPrecondition ? 0 : 1;
            }),
            0);
}

// Starts a process on `terminal` that prompts on /dev/tty and exits with 0 when it got a secret.
pid_t StartPrompting(const PseudoTerminal& terminal) {
  const pid_t child = fork();
  if (child != 0) return child;
  setsid();
  const int tty = open(terminal.name().c_str(), O_RDWR);  // NOLINT(android-cloexec-open): the child's own.
  if (tty < 0 || ioctl(tty, TIOCSCTTY, 0) != 0) _exit(9);
  _exit(PromptSecret("Secret: ").ok() ? 0 : 8);
}

TEST(PromptSecretTest, AsksOnTheTerminalOfTheProcess) {
  PseudoTerminal terminal;
  const pid_t child = StartPrompting(terminal);
  ASSERT_TRUE(terminal.WaitToShow("Secret: "));
  terminal.Type("x\n");
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(PromptSecretTest, InterruptRestoresTheTerminalAndTakesEffect) {
  for (const auto& [key, number] : {std::pair<std::string_view, int>{"\x03", SIGINT}, {"\x1c", SIGQUIT}}) {
    PseudoTerminal terminal;
    const pid_t child = StartPrompting(terminal);
    ASSERT_TRUE(terminal.WaitToShow("Secret: "));
    EXPECT_FALSE(terminal.Echoes());
    terminal.Type("half a sec");
    terminal.Type(key);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), number);
    EXPECT_TRUE(terminal.Echoes());
  }
}

TEST(TerminalTest, TellsTerminalsAndTheirWidth) {
  const PseudoTerminal terminal;
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(IsTerminal(terminal.slave()));
  EXPECT_FALSE(IsTerminal(null.get()));
  EXPECT_EQ(TerminalWidth(null.get()), 80U);
  EXPECT_EQ(TerminalWidth(terminal.slave()), 80U);  // It does not say.
  const winsize size = {40, 123, 0, 0};
  ASSERT_EQ(ioctl(terminal.slave(), TIOCSWINSZ, &size), 0);
  EXPECT_EQ(TerminalWidth(terminal.slave()), 123U);
}

// Reads from a pipe that a thread fills with `text`.
Result<SecretBytes> ReadThroughPipe(std::string_view text, std::size_t max_bytes, int flags = 0) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | flags), 0);
  UniqueFd reader(ends[0]);
  std::thread filler([text, writer = UniqueFd(ends[1])] {
    std::string_view left = text;
    while (!left.empty()) {
      const ssize_t count = write(writer.get(), left.data(), std::min<std::size_t>(left.size(), 1000));
      if (count < 0 && errno == EAGAIN) continue;
      if (count < 0) return;
      left.remove_prefix(static_cast<std::size_t>(count));
    }
  });
  auto secret = ReadSecretFromFd(reader.get(), max_bytes);
  filler.join();
  return secret;
}

TEST(ReadSecretFromFdTest, GivesAllUpToTheLimit) {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 50'000U}) {
    const std::string text(size, 's');
    const auto secret = ReadThroughPipe(text, 50'000);
    ASSERT_TRUE(secret.ok()) << size;
    EXPECT_EQ(AsText(secret->Expose(SecretAccess::kTest)), text);
  }
}

TEST(ReadSecretFromFdTest, RefusesOneByteTooMany) {
  for (const std::size_t limit : {0U, 9U, 4095U, 4096U}) {
    const std::string text(limit + 1, 's');
    const auto secret = ReadThroughPipe(text, limit);
    ASSERT_FALSE(secret.ok()) << limit;
    EXPECT_EQ(secret.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(secret.error().limit(), limit);
  }
}

TEST(ReadSecretFromFdTest, WaitsOnANonBlockingDescriptor) {
  EXPECT_EQ(ReadThroughPipe("late", 10, O_NONBLOCK)->size(), 4U);
}

TEST(ReadSecretFromFdTest, FailsOnWhatCannotBeRead) {
  EXPECT_FALSE(ReadSecretFromFd(-1, 10).ok());
  const UniqueFd folder(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_FALSE(ReadSecretFromFd(folder.get(), 10).ok());
}

TEST(WithoutFinalNewlineTest, TakesExactlyOneOff) {
  const std::vector<std::pair<std::string_view, std::string_view>> kCases = {
      {"", ""}, {"a", "a"}, {"a\n", "a"}, {"a\r\n", "a"}, {"a\n\n", "a\n"}, {"\n", ""}, {"a\r", "a\r"}, {" a ", " a "},
  };
  for (const auto& [given, expected] : kCases) {
    const SecretBytes result = WithoutFinalNewline(SecretBytes::CopyOf(AsBytes(given)));
    EXPECT_EQ(AsText(result.Expose(SecretAccess::kTest)), expected);
  }
}

}  // namespace
}  // namespace coffer
