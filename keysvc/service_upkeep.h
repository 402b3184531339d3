// ServiceUpkeep: what the service does by itself, by the clock: rotations and destructions that are due, a key journal
// that is to be made anew. Each act is recorded before it and after it, like a call; nothing is done while it could not
// be.
#pragma once

#include "io/ticker.h"
#include "keysvc/service/audit_recorder.h"
#include "keysvc/service/barrier.h"
#include "keysvc/service/due_clock.h"

namespace coffer::keysvc {

// Thread-safe.
class ServiceUpkeep {
 public:
  // On a thread of its own, every five seconds, from now on. All four must outlive it. kUnavailable: no thread.
  static Result<std::unique_ptr<ServiceUpkeep>> Start(Barrier& barrier, audit::Log& log, AuditRecorder& recorder,
                                                      const Clock& clock);

 private:
  ServiceUpkeep(Barrier& barrier, audit::Log& log, AuditRecorder& recorder, const Clock& clock)
      : barrier_(barrier), log_(log), recorder_(recorder), due_clock_(clock) {}
  void Pass();
  void NoteClock();
  DueGate GateOf(const AuditRecorder::OwnAct& act);
  void NoteDue(const AuditRecorder::OwnAct& act, const DueReport& report);

  // All below are the thread's.
  Barrier& barrier_;
  audit::Log& log_;
  AuditRecorder& recorder_;
  const DueClock due_clock_;
  std::int64_t clock_noted_ = 0;  // how far it was ahead when that was recorded last
  std::string held_before_;
  std::unique_ptr<Ticker> ticker_;  // last: it uses the others
};

}  // namespace coffer::keysvc
