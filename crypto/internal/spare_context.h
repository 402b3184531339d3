// One library context, expanded from a key once, for any number of threads. Internal to crypto/.
//
// OpenSSL's contexts are for one thread at a time: `idle` holds one for whoever comes first, and a second user at the
// same moment duplicates the pattern, which nobody computes with.
#pragma once

#include <atomic>

#include "crypto/internal/openssl.h"

namespace coffer::internal {

// kDuplicate(pattern) gives a new context, or null. A context given back must be ready for its next user. Thread-safe;
// everything is freed, and so wiped by OpenSSL, at the end.
template <typename Context, auto kFree, auto kDuplicate>
class SpareContext {
 public:
  using Handle = Owned<Context, kFree>;

  explicit SpareContext(Handle pattern) : pattern_(std::move(pattern)) {}
  SpareContext(const SpareContext&) = delete;
  SpareContext& operator=(const SpareContext&) = delete;
  ~SpareContext() { const Handle last(idle_.load()); }

  // Null when the library fails.
  Handle Lease() {
    Handle context(idle_.exchange(nullptr, std::memory_order_acquire));
    if (context == nullptr) context.reset(kDuplicate(pattern_.get()));
    return context;
  }
  void Return(Handle context) {
    Context* expected = nullptr;
    if (idle_.compare_exchange_strong(expected, context.get(), std::memory_order_release, std::memory_order_relaxed)) {
      static_cast<void>(context.release());
    }
  }

 private:
  const Handle pattern_;
  std::atomic<Context*> idle_{nullptr};
};

}  // namespace coffer::internal
