#include "audit/journal_release.h"

namespace coffer::audit {

Releaser::Releaser(AppendQueue& queue) : queue_(queue), thread_([this] { Run(); }) {}

Releaser::~Releaser() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  thread_.join();
}

void Releaser::Release(std::vector<Completion> completions, Result<std::uint64_t> first) {
  if (completions.empty()) return;
  const Lock lock(mutex_);
  waiting_.push_back({std::move(completions), std::move(first)});
  changed_.notify_one();
}

std::vector<Releaser::Answers> Releaser::Next() {
  const Lock lock(mutex_);
  while (waiting_.empty() && !stopping_) changed_.wait(mutex_);
  return std::exchange(waiting_, {});
}

void Releaser::Run() {
  for (std::vector<Answers> all = Next(); !all.empty(); all = Next()) {
    for (Answers& answers : all) {
      for (std::size_t i = 0; i < answers.completions.size(); ++i) {
        queue_.Answered();
        if (answers.first.ok()) {
          std::move(answers.completions[i])(*answers.first + i);
        } else {
          std::move(answers.completions[i])(answers.first.error());
        }
      }
    }
  }
}

}  // namespace coffer::audit
