// The prompt of io/terminal.h.
#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "io/system_error.h"
#include "io/terminal.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxLine = 1024;
constexpr std::array<int, 5> kInterrupting = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

// Holds back the signals that would leave the terminal without echo.
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int number : kInterrupting) sigaddset(&held, number);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
    fd_ = UniqueFd(signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  int fd() const { return fd_.get(); }
  // The number of one that came, or 0.
  int Take() const {
    signalfd_siginfo received = {};
    const ssize_t count = read(fd_.get(), &received, sizeof(received));
    return count == static_cast<ssize_t>(sizeof(received)) ? static_cast<int>(received.ssi_signo) : 0;
  }

 private:
  sigset_t before_ = {};
  UniqueFd fd_;
};

// Turns echo off while it lives.
class EchoOff {
 public:
  explicit EchoOff(int terminal) : terminal_(terminal), ok_(tcgetattr(terminal, &before_) == 0) {
    if (!ok_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    ok_ = tcsetattr(terminal_, TCSAFLUSH, &silent) == 0;
  }
  ~EchoOff() {
    if (ok_) tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  bool ok() const { return ok_; }

 private:
  int terminal_;
  termios before_ = {};
  bool ok_;
};

// Shows text as well as it can: a prompt that does not show is no reason to fail.
void Show(int terminal, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(terminal, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

Error TooLong() {
  return Error(ErrorCode::kInvalidArgument, "the secret is longer than allowed, in bytes").WithLimit(kMaxLine);
}

// Reads up to the newline, which is taken off. `signal_number` is set when a signal ended it.
Result<SecretBytes> ReadLine(int terminal, const HeldSignals& signals, int& signal_number) {
  SecretBytes line(kMaxLine + 1);
  std::size_t filled = 0;
  while (filled < line.size()) {
    std::array<pollfd, 2> waited = {pollfd{terminal, POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0}};
    if (poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) return SystemError(errno);
    signal_number = signals.Take();
    if (signal_number != 0) return Error(ErrorCode::kUnavailable, "a signal ended the prompt");
    if (waited[0].revents == 0) continue;
    const MutableBytes room = line.ExposeMutable(SecretAccess::kFile).subspan(filled);
    const ssize_t count = read(terminal, room.data(), room.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return SystemError(errno);
    if (count == 0) return Error(ErrorCode::kUnavailable, "the input ended before a line was typed");
    filled += static_cast<std::size_t>(count);
    if (line.Expose(SecretAccess::kFile)[filled - 1] == std::byte{'\n'}) {
      line.Truncate(filled - 1);
      return line;
    }
  }
  return TooLong();
}

}  // namespace

Result<SecretBytes> PromptSecret(std::string_view prompt) {
  const UniqueFd terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid()) {
    return Error(ErrorCode::kFailedPrecondition,
                 "there is no terminal to ask for the secret on; give it by file or standard input");
  }
  return PromptSecretOn(terminal.get(), prompt);
}

Result<SecretBytes> PromptSecretOn(int terminal_fd, std::string_view prompt) {
  int signal_number = 0;
  std::optional<Result<SecretBytes>> line;
  {
    const HeldSignals signals;
    if (signals.fd() < 0) return SystemError(errno);
    const EchoOff echo_off(terminal_fd);
    if (!echo_off.ok()) return Error(ErrorCode::kFailedPrecondition, "the secret can only be asked for on a terminal");
    Show(terminal_fd, prompt);
    line = ReadLine(terminal_fd, signals, signal_number);
    Show(terminal_fd, "\n");
  }
  // Now that the terminal is as it was, the signal takes its effect.
  if (signal_number != 0) raise(signal_number);
  return std::move(*line);
}

}  // namespace coffer
