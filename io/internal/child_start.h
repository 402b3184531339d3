// What happens between fork and exec: everything is prepared before, and the child calls only what is
// async-signal-safe.
#pragma once

#include <array>
#include <string>
#include <sys/types.h>
#include <vector>

#include "io/process.h"

namespace coffer::internal {

// One program to run, resolved: no allocation is needed after fork.
class ChildPlan {
 public:
  // As ChildProcess::Spawn fails before a process is made.
  static Result<ChildPlan> Make(const std::vector<std::string>& argv, const ChildOptions& options);

  // The descriptor that becomes `target` (0, 1 or 2) in the child. Taken over; must be above 2.
  void SetStream(int target, UniqueFd source) { streams_[static_cast<std::size_t>(target)] = std::move(source); }
  // Gets the errno of a failed start; closed by exec. Taken over; must be above 2.
  void SetFailurePipe(UniqueFd pipe) { failure_pipe_ = std::move(pipe); }
  // Forks and runs. The child's pid, or -1 with errno. Every signal of this thread must be blocked.
  pid_t Start();

 private:
  ChildPlan() = default;
  [[noreturn]] void RunChild(pid_t parent, const std::vector<char*>& argv, const std::vector<char*>& environment) const;

  std::string program_;
  std::vector<std::string> argv_;
  std::vector<std::string> environment_;
  std::array<UniqueFd, 3> streams_;
  UniqueFd failure_pipe_;
  int parent_death_signal_ = 0;
  bool inherit_descriptors_ = false;
};

}  // namespace coffer::internal
