// InChild: runs code in a forked process, for what would change or end the test's own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace coffer {

// `body()` gives the exit code. The result is that code, or 128 + the signal that ended the process. Call it where no
// other thread runs.
template <typename Body>
int InChild(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace coffer
