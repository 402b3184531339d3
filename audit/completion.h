// Completion: what is to be done once a record is durable, or refused. A move-only std::function of one call.
#pragma once

#include <memory>
#include <utility>

#include "crypto/result.h"

namespace coffer::audit {

// Holds any callable that takes a Result<std::uint64_t>, one that can only be moved as well. It must not throw.
// Thread-compatible.
class Completion {
 public:
  template <typename Call>
  // NOLINTNEXTLINE(google-explicit-constructor): a lambda is meant to convert.
  Completion(Call call) : held_(std::make_unique<Holder<Call>>(std::move(call))) {}

  // Calls, once, and lets go of what it held.
  void operator()(Result<std::uint64_t> index) && {
    const std::unique_ptr<Held> held = std::move(held_);
    held->Call(std::move(index));
  }

 private:
  class Held {
   public:
    virtual ~Held() = default;
    virtual void Call(Result<std::uint64_t> index) = 0;
  };
  template <typename Callable>
  class Holder final : public Held {
   public:
    explicit Holder(Callable call) : call_(std::move(call)) {}
    void Call(Result<std::uint64_t> index) override { call_(std::move(index)); }

   private:
    Callable call_;
  };

  std::unique_ptr<Held> held_;
};

}  // namespace coffer::audit
