#include "plugins/grafana/signal_hold.h"

#include "io/process.h"

namespace coffer::grafana {

SignalHold::SignalHold() {
  sigset_t held;
  sigemptyset(&held);
  for (const int number : kForwardedSignals) sigaddset(&held, number);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &held, &before);
  before_ = before;
}

SignalHold::~SignalHold() {
  if (before_) pthread_sigmask(SIG_SETMASK, &*before_, nullptr);
}

SignalHold::SignalHold(SignalHold&& other) noexcept : before_(other.before_) { other.before_.reset(); }

}  // namespace coffer::grafana
