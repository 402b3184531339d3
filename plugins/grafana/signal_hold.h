// SignalHold: signals that would end us wait, so that a folder with secrets is wiped first.
#pragma once

#include <optional>
#include <signal.h>

namespace coffer::grafana {

// While it lives, kForwardedSignals (io/process.h) stay pending for the calling thread and for threads that it
// starts afterwards; RunForwardingSignals takes them from there. Make one before the first other thread (a gRPC
// channel), because a thread that does not hold them is struck by them. Destroy it in the thread that made it.
// Move-only.
class SignalHold {
 public:
  SignalHold();
  ~SignalHold();
  SignalHold(SignalHold&& other) noexcept;
  SignalHold& operator=(SignalHold&& other) = delete;
  SignalHold(const SignalHold&) = delete;
  SignalHold& operator=(const SignalHold&) = delete;

 private:
  std::optional<sigset_t> before_;
};

}  // namespace coffer::grafana
