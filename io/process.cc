#include "io/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 forgot to say so itself.
extern "C" {
#include <sys/pidfd.h>
}

#include "io/clock.h"
#include "io/internal/child_start.h"
#include "io/system_error.h"

namespace coffer {
namespace {

using internal::ChildPlan;

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

// Above 2, so that it cannot be overwritten while the child's standard streams are put in place.
Result<UniqueFd> AboveStandard(UniqueFd fd) {
  if (fd.get() > 2) return fd;
  UniqueFd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!moved.valid()) return SystemError(errno);
  return moved;
}

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError(errno);
  Pipe pipe;
  pipe.reader = UniqueFd(ends[0]);
  pipe.writer = UniqueFd(ends[1]);
  COFFER_ASSIGN_OR_RETURN(pipe.reader, AboveStandard(std::move(pipe.reader)));
  COFFER_ASSIGN_OR_RETURN(pipe.writer, AboveStandard(std::move(pipe.writer)));
  return pipe;
}

// Gives the child its stream and returns our end, if there is one.
Result<UniqueFd> Connect(ChildPlan& plan, int target, ChildStream stream) {
  switch (stream) {
    case ChildStream::kInherit:
      return UniqueFd();
    case ChildStream::kNull: {
      UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
      if (!null.valid()) return SystemError(errno);
      COFFER_ASSIGN_OR_RETURN(null, AboveStandard(std::move(null)));
      plan.SetStream(target, std::move(null));
      return UniqueFd();
    }
    case ChildStream::kPipe: {
      COFFER_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
      const bool child_reads = target == STDIN_FILENO;
      plan.SetStream(target, std::move(child_reads ? pipe.reader : pipe.writer));
      return std::move(child_reads ? pipe.writer : pipe.reader);
    }
  }
  return Error(ErrorCode::kInvalidArgument, "a stream of the program to run is neither inherited, null nor a pipe");
}

// Blocks every signal of this thread while it lives, so that no handler runs in the forked child.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_ = {};
};

// Waits until the child runs its program: 0, or the errno of its failed start.
int ReadStartFailure(int pipe) {
  int error_number = 0;
  for (;;) {
    const ssize_t count = read(pipe, &error_number, sizeof(error_number));
    if (count < 0 && errno == EINTR) continue;
    return count == static_cast<ssize_t>(sizeof(error_number)) ? error_number : 0;
  }
}

std::int64_t NowMicros() { return SystemClock().MonotonicMicros(); }

}  // namespace

Result<ChildProcess> ChildProcess::Spawn(const std::vector<std::string>& argv, const ChildOptions& options) {
  COFFER_ASSIGN_OR_RETURN(ChildPlan plan, ChildPlan::Make(argv, options));
  ChildProcess child;
  COFFER_ASSIGN_OR_RETURN(child.input_, Connect(plan, STDIN_FILENO, options.input));
  COFFER_ASSIGN_OR_RETURN(child.output_, Connect(plan, STDOUT_FILENO, options.output));
  COFFER_ASSIGN_OR_RETURN(child.error_, Connect(plan, STDERR_FILENO, options.error));
  COFFER_ASSIGN_OR_RETURN(Pipe failure, MakePipe());
  plan.SetFailurePipe(std::move(failure.writer));
  {
    const AllSignalsBlocked blocked;
    child.pid_ = plan.Start();
    if (child.pid_ < 0) return SystemError(errno);
  }
  child.pid_fd_ = UniqueFd(pidfd_open(child.pid_, 0));
  if (!child.pid_fd_.valid()) {
    const int error = errno;
    kill(child.pid_, SIGKILL);  // Not reaped yet, so the number is still its own.
    waitpid(child.pid_, nullptr, 0);
    return SystemError(error);
  }
  plan.SetFailurePipe(UniqueFd());
  const int error = ReadStartFailure(failure.reader.get());
  if (error != 0) return SystemError(error).At(argv.front());
  return child;
}

ChildProcess::~ChildProcess() { KillAndReap(); }

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    KillAndReap();
    pid_ = other.pid_;
    pid_fd_ = std::move(other.pid_fd_);
    input_ = std::move(other.input_);
    output_ = std::move(other.output_);
    error_ = std::move(other.error_);
    exit_code_ = other.exit_code_;
  }
  return *this;
}

void ChildProcess::KillAndReap() {
  if (!pid_fd_.valid() || exit_code_.has_value()) return;
  pidfd_send_signal(pid_fd_.get(), SIGKILL, nullptr, 0);
  static_cast<void>(Reap());
}

Status ChildProcess::Signal(int signal_number) {
  if (!pid_fd_.valid() || exit_code_.has_value()) {
    return Error(ErrorCode::kFailedPrecondition, "the child process has ended");
  }
  if (pidfd_send_signal(pid_fd_.get(), signal_number, nullptr, 0) == 0) return {};
  if (errno == ESRCH) return Error(ErrorCode::kFailedPrecondition, "the child process has ended");
  return SystemError(errno);
}

Status ChildProcess::Reap() {
  if (!pid_fd_.valid()) return Error(ErrorCode::kFailedPrecondition, "there is no child process");
  siginfo_t end = {};
  while (waitid(P_PIDFD, static_cast<id_t>(pid_fd_.get()), &end, WEXITED) != 0) {
    if (errno == ECHILD) {
      return Error(ErrorCode::kUnavailable,
                   "the exit code of the child process was lost: this process ignores SIGCHLD");
    }
    if (errno != EINTR) return SystemError(errno);
  }
  exit_code_ = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
  return {};
}

Result<int> ChildProcess::Wait() {
  if (!exit_code_.has_value()) COFFER_TRY(Reap());
  return *exit_code_;
}

Result<std::optional<int>> ChildProcess::WaitFor(std::int64_t timeout_micros) {
  const std::int64_t deadline = NowMicros() + std::max<std::int64_t>(timeout_micros, 0);
  while (!exit_code_.has_value()) {
    const std::int64_t left_millis = (std::max<std::int64_t>(deadline - NowMicros(), 0) + 999) / 1'000;
    pollfd ended = {pid_fd_.get(), POLLIN, 0};
    const int ready = poll(&ended, 1, static_cast<int>(std::min<std::int64_t>(left_millis, INT_MAX)));
    if (ready < 0 && errno != EINTR) return SystemError(errno);
    if (ready > 0) COFFER_TRY(Reap());
    if (ready == 0 && NowMicros() >= deadline) return std::optional<int>();
  }
  return exit_code_;
}

}  // namespace coffer
