// Cancellation: ends the calls of a client from another thread.
#pragma once

#include <chrono>
#include <set>

#include <grpcpp/client_context.h>

#include "io/mutex.h"

namespace coffer::client {

// Thread-safe.
class Cancellation {
 public:
  // For good.
  void Cancel() COFFER_EXCLUDES(mutex_);
  bool IsCancelled() const COFFER_EXCLUDES(mutex_);
  // As long as that, or until it is cancelled.
  void Pause(std::chrono::milliseconds time) COFFER_EXCLUDES(mutex_);

  // While it lives, the call of `context` is among those that end. Both outlive it.
  class Watch {
   public:
    Watch(Cancellation& cancellation, grpc::ClientContext& context);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Cancellation& cancellation_;
    grpc::ClientContext& context_;
  };

 private:
  mutable Mutex mutex_;
  Condition changed_;
  bool cancelled_ COFFER_GUARDED_BY(mutex_) = false;
  std::set<grpc::ClientContext*> watched_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::client
