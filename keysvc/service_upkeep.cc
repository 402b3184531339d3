#include "keysvc/service_upkeep.h"

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

constexpr std::chrono::seconds kInterval{5};
}  // namespace

Result<std::unique_ptr<ServiceUpkeep>> ServiceUpkeep::Start(Barrier& barrier, audit::Log& log, AuditRecorder& recorder,
                                                            const Clock& clock) {
  std::unique_ptr<ServiceUpkeep> upkeep(new ServiceUpkeep(barrier, log, recorder, clock));
  COFFER_ASSIGN_OR_RETURN(upkeep->ticker_, Ticker::Start({.interval = kInterval}, [raw = upkeep.get()] {
                            raw->Pass();
                            return false;
                          }));
  return upkeep;
}

// What the service does by itself is recorded like a call: before it, and what came of it.
DueGate ServiceUpkeep::GateOf(const AuditRecorder::OwnAct& act) {
  return [this, act](const std::string& what) {
    AuditRecorder::OwnAct one = act;
    one.object = what;
    return recorder_.BeginOwn(one);
  };
}

void ServiceUpkeep::NoteDue(const AuditRecorder::OwnAct& act, const DueReport& report) {
  const auto end = [this, &act](const DueReport::Item& item, const Status& outcome) {
    AuditRecorder::OwnAct one = act;
    one.object = item.what;
    const Status recorded = recorder_.EndOwn(one, *item.begin, outcome);
    if (!recorded.ok()) spdlog::error("upkeep: {}", recorded.error().ToString());
  };
  for (const DueReport::Item& item : report.done) {
    spdlog::warn("{}: {}", act.operation, item.what);
    end(item, {});
  }
  for (const DueReport::Item& item : report.failed) end(item, *item.error);
  if (report.failure) spdlog::error("upkeep: {}", report.failure->ToString());
}

// A clock that was set is for whoever reads the log's times.
void ServiceUpkeep::NoteClock() {
  const std::int64_t ahead = due_clock_.Ahead();
  if (std::abs(ahead - clock_noted_) <= DueClock::kTolerance) return;
  const std::string step = std::to_string((ahead - clock_noted_) / kMicrosPerSecond) + " s";
  spdlog::error("the machine's clock was set by {}: nothing is rotated or destroyed by it before a restart", step);
  const Status noted = recorder_.NoteOwn({.operation = "ClockStepped", .object = step});
  if (noted.ok()) clock_noted_ = ahead;
}

// What is due by the clock: rotations, destructions, a journal to be made anew. Nothing while it could not be recorded.
void ServiceUpkeep::Pass() {
  NoteClock();
  const Result<std::shared_ptr<Unsealed>> unsealed = barrier_.Enter();
  if (!unsealed.ok() || log_.low() || !log_.state().ok()) return;
  const std::int64_t now = due_clock_.Now();
  const Status refreshed = (*unsealed)->keys->Refresh();
  if (!refreshed.ok()) spdlog::error("the store: {}", refreshed.error().ToString());
  AuditRecorder::OwnAct act{
      .operation = "RotateDue", .store = (*unsealed)->uuid, .store_epoch = (*unsealed)->store->seen()};
  NoteDue(act, (*unsealed)->keys->RotateDue(now, GateOf(act)));
  act.operation = "DestroyDue";
  const DueReport destroyed = (*unsealed)->keys->DestroyDue(now, GateOf(act));
  NoteDue(act, destroyed);
  // What is held back is tried again each time, and said when that changes.
  std::string held;
  for (const DueReport::Item& item : destroyed.held) held += item.what + ": " + item.why + "; ";
  if (!held.empty() && held != held_before_) spdlog::error("not destroyed yet: {}", held);
  held_before_ = held;
  const Status maintained = (*unsealed)->store->Maintain();
  if (!maintained.ok()) spdlog::error("key journal: {}", maintained.error().ToString());
}

}  // namespace coffer::keysvc
