#include "keysvc/rpc/held_refusals.h"

namespace coffer::keysvc {

HeldRefusals::HeldRefusals(const Limits& limits) : limits_(limits), thread_([this] { Run(); }) {}

HeldRefusals::~HeldRefusals() {
  Close();
  thread_.join();
}

void HeldRefusals::Give(const std::string& principal, std::size_t bytes, Answer answer) {
  {
    const Lock lock(mutex_);
    const Instant now = std::chrono::steady_clock::now();
    if (HasToWait(principal, bytes, now)) {
      held_.push_back({.due = now + limits_.pause, .bytes = bytes, .answer = std::move(answer)});
      bytes_ += bytes;
      changed_.notify_one();
      return;
    }
  }
  answer();
}

bool HeldRefusals::HasToWait(const std::string& principal, std::size_t bytes, Instant now) {
  if (closed_) return false;
  if (now - since_ >= limits_.pause) {
    refused_.clear();
    since_ = now;
  }
  if (++refused_[principal] <= limits_.at_once) return false;
  return held_.size() < limits_.answers && bytes <= limits_.bytes - bytes_;
}

void HeldRefusals::Close() {
  std::deque<Held> held;
  {
    const Lock lock(mutex_);
    closed_ = true;
    held.swap(held_);
    bytes_ = 0;
  }
  changed_.notify_one();
  for (const Held& one : held) one.answer();
}

void HeldRefusals::Run() {
  for (;;) {
    Answer answer;
    {
      const Lock lock(mutex_);
      while (!closed_ && (held_.empty() || held_.front().due > std::chrono::steady_clock::now())) {
        if (held_.empty()) {
          changed_.wait(mutex_);
        } else {
          const Instant due = held_.front().due;  // the wait lets others change the queue
          changed_.wait_until(mutex_, due);
        }
      }
      if (closed_) return;
      answer = std::move(held_.front().answer);
      bytes_ -= held_.front().bytes;
      held_.pop_front();
    }
    answer();
  }
}

}  // namespace coffer::keysvc
