// Ticker: does something again and again on a thread of its own, until it is destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "crypto/result.h"
#include "io/mutex.h"

namespace coffer {

// Thread-safe.
class Ticker {
 public:
  struct Options {
    std::chrono::milliseconds interval;  // between two passes
    bool polite = false;                 // others go first: Linux gives each thread its own niceness
    bool wait_first = false;             // the first pass comes after an interval
  };
  // The first pass begins at once unless told. A pass that returns true is followed by the next one without a wait; it
  // must not throw. kUnavailable: the system gives no thread.
  static Result<std::unique_ptr<Ticker>> Start(Options options, std::function<bool()> pass);
  // After the pass that runs.
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  Ticker(Options options, std::function<bool()> pass) : options_(options), pass_(std::move(pass)) {}
  void Run() COFFER_EXCLUDES(mutex_);
  // False: it is time to end.
  bool Wait(bool more) COFFER_EXCLUDES(mutex_);

  const Options options_;
  const std::function<bool()> pass_;
  Mutex mutex_;
  Condition changed_;
  bool stopping_ COFFER_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace coffer
