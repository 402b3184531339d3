// Child processes: started without a shell, tied to us, waited for without races.
#pragma once

#include <array>
#include <optional>
#include <signal.h>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "crypto/result.h"
#include "io/unique_fd.h"

namespace coffer {

enum class ChildStream : std::uint8_t {
  kInherit,  // Ours.
  kNull,     // /dev/null.
  kPipe,     // A pipe whose other end the ChildProcess holds.
};

// One variable set (a value) or removed (none). The rest of our environment is inherited.
struct EnvironmentChange {
  std::string name;
  std::optional<std::string> value;
};

struct ChildOptions {
  ChildStream input = ChildStream::kInherit;
  ChildStream output = ChildStream::kInherit;
  ChildStream error = ChildStream::kInherit;
  std::vector<EnvironmentChange> environment;
  // The kernel kills the child (SIGKILL, or SIGTERM with `term_on_parent_death`) when the thread that started it ends:
  // start from a thread that lives as long as the child should.
  bool die_with_parent = true;
  bool term_on_parent_death = false;
  // False: only descriptors 0, 1 and 2 reach the child. True: those without close-on-exec too (socket activation).
  bool inherit_descriptors = false;
};

// One child. Not waited for when destroyed: killed and reaped. Move-only; thread-compatible.
class ChildProcess {
 public:
  // Runs argv[0] (searched in the child's PATH when it has no '/') with the signal mask empty and handlers at default;
  // ignored signals stay ignored, but SIGPIPE is at default. kInvalidArgument: argv empty, a NUL byte, a bad variable
  // name. kNotFound, kPermissionDenied: the program is not there, or may not be run. kUnavailable: no processes,
  // descriptors or memory left.
  static Result<ChildProcess> Spawn(const std::vector<std::string>& argv, const ChildOptions& options);

  ~ChildProcess();
  ChildProcess(ChildProcess&&) noexcept = default;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Readable (poll) when the child has ended.
  int pid_fd() const { return pid_fd_.get(); }

  // Our ends of the pipes; not valid when the stream is not kPipe or was taken. Closing the input is the child's end of
  // file.
  UniqueFd TakeInput() { return std::move(input_); }
  UniqueFd TakeOutput() { return std::move(output_); }
  UniqueFd TakeError() { return std::move(error_); }

  // Never reaches another process: sent through the pid descriptor. Ok, without effect, when the child has ended and
  // was not waited for; kFailedPrecondition when it was.
  Status Signal(int signal_number);

  // The exit code, or 128 + the signal's number. Again: the same. kUnavailable when the code is lost because the
  // process ignores SIGCHLD.
  Result<int> Wait();
  // Nothing when it still runs after `timeout_micros`; 0 asks only.
  Result<std::optional<int>> WaitFor(std::int64_t timeout_micros);

 private:
  ChildProcess() = default;
  void KillAndReap();
  Status Reap();

  pid_t pid_ = -1;
  UniqueFd pid_fd_;
  UniqueFd input_;
  UniqueFd output_;
  UniqueFd error_;
  std::optional<int> exit_code_;
};

// The signals that a program which wraps another one passes on.
inline constexpr std::array<int, 6> kForwardedSignals = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

// For programs that wrap another one: starts it, passes kForwardedSignals on to it while it runs, and gives its exit
// code or 128 + signal. A SIGINT or SIGQUIT of the terminal's keys is not sent twice:
// the kernel gave it to the whole process group. Call it where no other thread runs, or where others block these
// signals; the mask is restored.
Result<int> RunForwardingSignals(const std::vector<std::string>& argv, const ChildOptions& options);

}  // namespace coffer
