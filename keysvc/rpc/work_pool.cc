#include "keysvc/rpc/work_pool.h"

namespace coffer::keysvc {

WorkPool::WorkPool(const LaneLimits& ordinary, const LaneLimits& operators, const LaneLimits& slow) {
  const std::array<std::pair<Lane, LaneLimits>, kLanes> lanes = {
      {{Lane::kOrdinary, ordinary}, {Lane::kOperator, operators}, {Lane::kSlow, slow}}};
  {
    const Lock lock(mutex_);
    for (const auto& [lane, limits] : lanes) QueueOf(lane).limits = limits;
  }
  for (const auto& [lane, limits] : lanes) {
    for (std::size_t i = 0; i < limits.threads; ++i) threads_.emplace_back([this, which = lane] { Run(which); });
  }
}

WorkPool::~WorkPool() {
  Close();
  for (std::thread& thread : threads_) thread.join();
}

WorkPool::Job WorkPool::Queue::Take() {
  const auto caller = by_caller.find(turns.front());
  turns.pop_front();
  Job job = std::move(caller->second.front());
  caller->second.pop_front();
  --size;
  if (caller->second.empty()) {
    by_caller.erase(caller);
  } else {
    turns.push_back(caller->first);
  }
  return job;
}

Status WorkPool::Submit(Lane lane, const std::string& caller, Job job) {
  {
    const Lock lock(mutex_);
    if (closed_) return Error(ErrorCode::kUnavailable, "the service is stopping: try again later");
    Queue& queue = QueueOf(lane);
    if (queue.size >= queue.limits.queue) {
      return Error(ErrorCode::kUnavailable, "too many calls are waiting: try again later");
    }
    std::deque<Job>& own = queue.by_caller[caller];
    if (own.size() >= queue.limits.caller_queue) {
      if (own.empty()) queue.by_caller.erase(caller);
      return Error(ErrorCode::kUnavailable, "too many of your calls are waiting: try again later")
          .WithLimit(queue.limits.caller_queue);
    }
    if (own.empty()) queue.turns.push_back(caller);
    own.push_back(std::move(job));
    ++queue.size;
  }
  changed_[IndexOf(lane)].notify_one();
  return {};
}

void WorkPool::Close() {
  std::vector<Job> dropped;
  {
    const Lock lock(mutex_);
    closed_ = true;
    for (Queue& queue : queues_) {
      while (queue.size != 0) dropped.push_back(queue.Take());
    }
  }
  for (Condition& changed : changed_) changed.notify_all();
  for (const Job& job : dropped) job(Turn::kDropped);
}

bool WorkPool::MayStart(Lane lane) {
  if (QueueOf(lane).size == 0) return false;
  return lane == Lane::kOperator || (QueueOf(Lane::kOperator).size == 0 && operators_running_ == 0);
}

void WorkPool::Run(Lane lane) {
  const bool is_operator = lane == Lane::kOperator;
  Condition& changed = changed_[IndexOf(lane)];
  for (;;) {
    Job job;
    {
      const Lock lock(mutex_);
      while (!closed_ && !MayStart(lane)) changed.wait(mutex_);
      if (closed_) return;
      job = QueueOf(lane).Take();
      if (is_operator) ++operators_running_;
    }
    job(Turn::kRun);
    if (!is_operator) continue;
    {
      const Lock lock(mutex_);
      --operators_running_;
    }
    for (const Lane waiting : {Lane::kOrdinary, Lane::kSlow}) changed_[IndexOf(waiting)].notify_all();
  }
}

}  // namespace coffer::keysvc
