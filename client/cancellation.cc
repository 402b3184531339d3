#include "client/cancellation.h"

namespace coffer::client {

void Cancellation::Cancel() {
  const Lock lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* const context : watched_) context->TryCancel();
  changed_.notify_all();
}

bool Cancellation::IsCancelled() const {
  const Lock lock(mutex_);
  return cancelled_;
}

void Cancellation::Pause(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  const Lock lock(mutex_);
  while (!cancelled_ && changed_.wait_until(mutex_, until) == std::cv_status::no_timeout) {
  }
}

Cancellation::Watch::Watch(Cancellation& cancellation, grpc::ClientContext& context)
    : cancellation_(cancellation), context_(context) {
  const Lock lock(cancellation_.mutex_);
  cancellation_.watched_.insert(&context_);
  if (cancellation_.cancelled_) context_.TryCancel();
}

Cancellation::Watch::~Watch() {
  const Lock lock(cancellation_.mutex_);
  cancellation_.watched_.erase(&context_);
}

}  // namespace coffer::client
