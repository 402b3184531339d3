#include "io/internal/child_start.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_error.h"

namespace coffer::internal {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

bool HasNul(const std::string& text) { return text.find('\0') != std::string::npos; }

bool Names(const std::string& assignment, std::string_view name) {
  return assignment.size() > name.size() && assignment[name.size()] == '=' &&
         assignment.compare(0, name.size(), name) == 0;
}

Result<std::vector<std::string>> ChangedEnvironment(const std::vector<EnvironmentChange>& changes) {
  std::vector<std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) result.emplace_back(*entry);
  for (const EnvironmentChange& change : changes) {
    if (change.name.empty() || change.name.find('=') != std::string::npos || HasNul(change.name)) {
      return Error(ErrorCode::kInvalidArgument,
                   "the name of an environment variable is empty or holds '=' or a NUL byte");
    }
    if (change.value.has_value() && HasNul(*change.value)) {
      return Error(ErrorCode::kInvalidArgument, "the value of an environment variable holds a NUL byte")
          .At(change.name);
    }
    std::erase_if(result, [&](const std::string& assignment) { return Names(assignment, change.name); });
    if (change.value.has_value()) result.push_back(change.name + "=" + *change.value);
  }
  return result;
}

std::string_view PathVariable(const std::vector<std::string>& environment) {
  for (const std::string& assignment : environment) {
    if (Names(assignment, "PATH")) return std::string_view(assignment).substr(5);
  }
  return kDefaultPath;
}

// 0 when it can be run, else errno.
int CheckProgram(const std::string& path) {
  struct stat facts = {};
  if (stat(path.c_str(), &facts) != 0) return errno;
  if (!S_ISREG(facts.st_mode)) return EACCES;
  return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

Result<std::string> FindProgram(const std::string& name, const std::vector<std::string>& environment) {
  int failure = ENOENT;
  if (name.find('/') != std::string::npos) {
    failure = CheckProgram(name);
    if (failure == 0) return name;
    return SystemError(failure).At(name);
  }
  std::string_view path = PathVariable(environment);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    const std::string_view folder = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (folder.empty()) continue;  // It would mean the current folder, where anybody may have put anything.
    std::string candidate = std::string(folder) + "/" + name;
    const int error = CheckProgram(candidate);
    if (error == 0) return candidate;
    // Not where the folder itself is closed to us: that says nothing about the program.
    if (error == EACCES && access(candidate.c_str(), F_OK) == 0) failure = EACCES;
  }
  if (failure == EACCES) return SystemError(EACCES).At(name);
  return Error(ErrorCode::kNotFound, "is not a program in PATH").At(name);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Handlers of the parent must not run in the child. What is ignored stays so (nohup), except SIGPIPE, which servers
// ignore for their own sake.
void ResetSignals() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action = {};
    if (sigaction(number, nullptr, &action) != 0) continue;
    const bool keep = action.sa_handler == SIG_DFL || (action.sa_handler == SIG_IGN && number != SIGPIPE);
    if (keep) continue;
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(number, &standard, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void Report(int pipe, int error_number) {
  ssize_t written = -1;
  do {
    written = write(pipe, &error_number, sizeof(error_number));
  } while (written < 0 && errno == EINTR);
  _exit(127);
}

}  // namespace

Result<ChildPlan> ChildPlan::Make(const std::vector<std::string>& argv, const ChildOptions& options) {
  if (argv.empty() || argv.front().empty()) {
    return Error(ErrorCode::kInvalidArgument, "the program to run has no name");
  }
  if (std::any_of(argv.begin(), argv.end(), HasNul)) {
    return Error(ErrorCode::kInvalidArgument, "an argument of the program to run holds a NUL byte");
  }
  ChildPlan plan;
  COFFER_ASSIGN_OR_RETURN(plan.environment_, ChangedEnvironment(options.environment));
  COFFER_ASSIGN_OR_RETURN(plan.program_, FindProgram(argv.front(), plan.environment_));
  plan.argv_ = argv;
  if (options.die_with_parent) plan.parent_death_signal_ = options.term_on_parent_death ? SIGTERM : SIGKILL;
  plan.inherit_descriptors_ = options.inherit_descriptors;
  return plan;
}

pid_t ChildPlan::Start() {
  const std::vector<char*> argv = Pointers(argv_);
  const std::vector<char*> environment = Pointers(environment_);
  const pid_t parent = getpid();
  // Without the fork handlers of libraries (gRPC has some): the child execs at once.
  const pid_t child = _Fork();
  if (child == 0) RunChild(parent, argv, environment);
  return child;
}

void ChildPlan::RunChild(pid_t parent, const std::vector<char*>& argv, const std::vector<char*>& environment) const {
  const int report = failure_pipe_.get();
  if (parent_death_signal_ != 0) {
    if (prctl(PR_SET_PDEATHSIG, parent_death_signal_, 0, 0, 0) != 0) Report(report, errno);
    if (getppid() != parent) _exit(127);  // It died before the line above.
  }
  for (int target = 0; target < 3; ++target) {
    const UniqueFd& source = streams_[static_cast<std::size_t>(target)];
    if (source.valid() && dup2(source.get(), target) < 0) Report(report, errno);
  }
  // Kernels before 5.11 refuse; what we open ourselves closes on exec anyway.
  if (!inherit_descriptors_) close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  ResetSignals();
  execve(program_.c_str(), argv.data(), environment.data());
  Report(report, errno);
}

}  // namespace coffer::internal
