#include "keysvc/seal/internal/command_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string_view>
#include <unistd.h>

#include "io/clock.h"
#include "io/process.h"
#include "io/system_error.h"

namespace coffer::keysvc::internal {
namespace {

Error LateError() { return Error(ErrorCode::kUnavailable, "did not finish in time").At("seal_command"); }

class Deadline {
 public:
  explicit Deadline(std::int64_t timeout_micros) : at_(clock_.MonotonicMicros() + timeout_micros) {}
  std::int64_t LeftMicros() const { return std::max<std::int64_t>(at_ - clock_.MonotonicMicros(), 0); }
  // For poll: rounded up, so that 0 means over.
  int LeftMillis() const { return static_cast<int>(std::min<std::int64_t>((LeftMicros() + 999) / 1'000, INT_MAX)); }

 private:
  SystemClock clock_;
  std::int64_t at_;
};

// Writing to a command that does not read is no reason to die, whatever this program does with SIGPIPE.
class BrokenPipeIgnored {
 public:
  BrokenPipeIgnored() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~BrokenPipeIgnored() {
    const timespec now = {0, 0};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  BrokenPipeIgnored(const BrokenPipeIgnored&) = delete;
  BrokenPipeIgnored& operator=(const BrokenPipeIgnored&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

std::vector<EnvironmentChange> OnlyEnvironment(KeyId slot) {
  std::vector<EnvironmentChange> changes;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view assignment = *entry;
    const std::size_t end = assignment.find('=');
    if (end != 0 && end != std::string_view::npos) {
      changes.push_back({std::string(assignment.substr(0, end)), std::nullopt});
    }
  }
  changes.push_back({"PATH", "/usr/bin:/bin"});
  changes.push_back({"COFFER_SEAL_SLOT", std::to_string(slot.value)});
  return changes;
}

Result<ChildProcess> Start(const CommandRun& run) {
  ChildOptions options;
  options.input = options.output = ChildStream::kPipe;
  options.error = ChildStream::kNull;
  options.environment = OnlyEnvironment(run.slot);
  Result<ChildProcess> child = ChildProcess::Spawn(run.argv, options);
  if (child.ok() || child.error().code() == ErrorCode::kUnavailable) return child;
  // As kPermissionDenied it would look as if the command had refused.
  return Error(ErrorCode::kInvalidArgument, "names no program that can be run").At("seal_command.argv");
}

// Both pipes at once, so that neither side waits for the other for ever.
class Exchange {
 public:
  Exchange(ChildProcess& child, const SecretBytes& input, std::size_t max_output)
      : to_child_(child.TakeInput()),
        from_child_(child.TakeOutput()),
        rest_(input.Expose(SecretAccess::kCipher)),
        output_(max_output + 1) {}  // One more shows what is too long.

  // Until the command closes its output.
  Result<SecretBytes> Run(const Deadline& deadline) {
    COFFER_TRY(SetNonBlocking(to_child_));
    COFFER_TRY(SetNonBlocking(from_child_));
    const BrokenPipeIgnored ignored;
    while (from_child_.valid()) {
      if (rest_.empty()) to_child_.Reset();
      std::array<pollfd, 2> ready = {{{from_child_.get(), POLLIN, 0}, {to_child_.get(), POLLOUT, 0}}};
      const int count = poll(ready.data(), ready.size(), deadline.LeftMillis());
      if (count < 0 && errno != EINTR) return SystemError(errno);
      if (deadline.LeftMicros() == 0) return LateError();
      if (count <= 0) continue;
      if (ready[1].revents != 0) COFFER_TRY(Send());
      if (ready[0].revents != 0) COFFER_TRY(Receive());
    }
    output_.Truncate(received_);
    return std::move(output_);
  }

 private:
  static Status SetNonBlocking(const UniqueFd& pipe) {
    if (fcntl(pipe.get(), F_SETFL, O_NONBLOCK) != 0) return SystemError(errno);
    return {};
  }

  Status Send() {
    const ssize_t count = write(to_child_.get(), rest_.data(), rest_.size());
    if (count >= 0) rest_ = rest_.subspan(static_cast<std::size_t>(count));
    if (count >= 0 || errno == EAGAIN || errno == EINTR) return {};
    if (errno != EPIPE) return SystemError(errno);
    rest_ = {};  // It does not want more; its exit says what that means.
    return {};
  }

  Status Receive() {
    const MutableBytes room = output_.ExposeMutable(SecretAccess::kCipher).subspan(received_);
    const ssize_t count = read(from_child_.get(), room.data(), room.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (count < 0) return SystemError(errno);
    if (count == 0) from_child_.Reset();
    received_ += static_cast<std::size_t>(count);
    if (received_ < output_.size()) return {};
    return Error(ErrorCode::kInvalidArgument, "writes more than allowed")
        .At("seal_command")
        .WithLimit(output_.size() - 1);
  }

  UniqueFd to_child_;
  UniqueFd from_child_;
  ByteView rest_;
  SecretBytes output_;
  std::size_t received_ = 0;
};

}  // namespace

Result<SecretBytes> RunSealCommand(const CommandRun& run, const SecretBytes& input) {
  const Deadline deadline(run.timeout_micros);
  COFFER_ASSIGN_OR_RETURN(ChildProcess child, Start(run));
  COFFER_ASSIGN_OR_RETURN(SecretBytes output, Exchange(child, input, run.max_output).Run(deadline));
  COFFER_ASSIGN_OR_RETURN(const std::optional<int> code, child.WaitFor(deadline.LeftMicros()));
  if (!code) return LateError();
  if (*code == 1) return Error(ErrorCode::kPermissionDenied, "refuses").At("seal_command");
  if (*code != 0) return Error(ErrorCode::kUnavailable, "failed").At("seal_command");
  return output;
}

}  // namespace coffer::keysvc::internal
