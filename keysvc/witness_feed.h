// WitnessFeed: shows the audit log's checkpoints to witnesses and publishes their cosignatures. Its own thread, of low
// priority; nothing waits for it, and no witness can hold a call up.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "audit/log.h"

namespace coffer::keysvc {

struct WitnessAddress {
  std::string url;   // its submission prefix: "/add-checkpoint" is added
  NoteVerifier key;  // of type kCosignature
};

// What is known of a witness.
struct WitnessFacts {
  std::string name;
  std::uint64_t size = 0;        // of the last checkpoint that it cosigned since this start
  std::int64_t cosigned_us = 0;  // when, by its clock; 0: not since this start
  bool refuses = false;          // it has seen a longer log, or another one, and has not cosigned since
  std::string trouble;  // why there is no newer cosignature; the refusal's while it refuses; empty: all is well
};

// What all of them together come to.
struct WitnessReport {
  bool witnessed = false;  // one has cosigned within the time that was set, and none has seen another log
  std::vector<WitnessFacts> witnesses;
};

// Thread-safe.
class WitnessFeed {
 public:
  struct Options {
    std::vector<WitnessAddress> witnesses;
    std::chrono::milliseconds interval{10'000};  // a log that grew is shown so often
    std::chrono::milliseconds max_age{300'000};  // of a cosignature; one that did not grow is shown again before that
    std::chrono::milliseconds patience{10'000};  // with one witness
  };

  // `log` and `clock` must outlive it. kUnavailable: no thread, or no HTTP.
  static Result<std::unique_ptr<WitnessFeed>> Start(audit::Log& log, const Clock& clock, Options options);
  // Does not wait for an answer that is awaited, or a second or two.
  ~WitnessFeed();
  WitnessFeed(const WitnessFeed&) = delete;
  WitnessFeed& operator=(const WitnessFeed&) = delete;

  WitnessReport report() const;
  // What is in no doubt: the size of the largest checkpoint that was cosigned since this start; 0 when a witness
  // refuses.
  std::uint64_t witnessed_size() const;

  struct State;
  explicit WitnessFeed(std::unique_ptr<State> state);  // Start's

 private:
  std::unique_ptr<State> state_;
};

}  // namespace coffer::keysvc
