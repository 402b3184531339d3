// The wrapper's half of io/process.h: signals passed on to one child.
#include <array>
#include <cerrno>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "io/process.h"
#include "io/system_error.h"

namespace coffer {
namespace {

// Takes the forwarded signals through a descriptor, in place of their usual effect, while it lives.
class SignalIntake {
 public:
  SignalIntake() {
    sigset_t forwarded;
    sigemptyset(&forwarded);
    for (const int number : kForwardedSignals) sigaddset(&forwarded, number);
    pthread_sigmask(SIG_BLOCK, &forwarded, &before_);
    fd_ = UniqueFd(signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~SignalIntake() {
    // What came after the child's end was meant for it: without the reads it would strike us when the mask goes.
    while (Next().has_value()) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalIntake(const SignalIntake&) = delete;
  SignalIntake& operator=(const SignalIntake&) = delete;

  int fd() const { return fd_.get(); }
  std::optional<signalfd_siginfo> Next() const {
    signalfd_siginfo received = {};
    const ssize_t count = read(fd_.get(), &received, sizeof(received));
    if (count != static_cast<ssize_t>(sizeof(received))) return std::nullopt;
    return received;
  }

 private:
  sigset_t before_ = {};
  UniqueFd fd_;
};

bool CameFromTerminalKeys(const signalfd_siginfo& received) {
  const auto number = static_cast<int>(received.ssi_signo);
  return received.ssi_code == SI_KERNEL && (number == SIGINT || number == SIGQUIT);
}

}  // namespace

Result<int> RunForwardingSignals(const std::vector<std::string>& argv, const ChildOptions& options) {
  const SignalIntake intake;
  if (intake.fd() < 0) return SystemError(errno);
  COFFER_ASSIGN_OR_RETURN(ChildProcess child, ChildProcess::Spawn(argv, options));
  for (;;) {
    std::array<pollfd, 2> waited = {pollfd{child.pid_fd(), POLLIN, 0}, pollfd{intake.fd(), POLLIN, 0}};
    if (poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) return SystemError(errno);
    if (waited[0].revents != 0) return child.Wait();
    while (const auto received = intake.Next()) {
      if (CameFromTerminalKeys(*received)) continue;
      // A child that ended meanwhile needs no signal; the next turn sees its end.
      static_cast<void>(child.Signal(static_cast<int>(received->ssi_signo)));
    }
  }
}

}  // namespace coffer
