// RefusedIdentities: who was turned away before there was a caller. Counted by kind, and told to the audit log now and
// then: nobody fills the log by knocking, and no door waits for it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "audit/log.h"
#include "io/mutex.h"

namespace coffer::keysvc {

struct RefusedIdentity {
  audit::Authentication authentication = audit::Authentication::kNone;  // how it was tried
  std::string role = {};                                                // of the unix socket; empty: none
  std::string failure;                                                  // an Error's sentence
  std::string peer = {};                                                // address, or "uid:1000"; empty: not known
};

// Thread-safe.
class RefusedIdentities {
 public:
  static constexpr std::int64_t kIntervalUs = 60'000'000;
  // Of (authentication, role, failure), apart from one more a (authentication, role) for whatever is beyond.
  static constexpr std::size_t kMaxKinds = 256;

  // Counts it, and does nothing else.
  void Note(RefusedIdentity refused) COFFER_EXCLUDES(mutex_);

  // Gives the log one record of each kind that was noted since its last record, unless that was less than kIntervalUs
  // ago: how many there were, and the peer of the first of them. Does not wait; what the log cannot take counts for the
  // next record. `now_us` is monotonic. This must outlive the log. To be called some times a second.
  void Flush(audit::Log& log, std::int64_t now_us) COFFER_EXCLUDES(mutex_);
  // Whatever is counted, for the end.
  void FlushAll(audit::Log& log) COFFER_EXCLUDES(mutex_);

 private:
  struct Kind {
    audit::Authentication authentication;
    std::string role;
    std::string failure;
    auto operator<=>(const Kind&) const = default;
  };
  struct Unwritten {
    std::uint64_t count = 0;
    std::string peer;  // the first one's
    std::optional<std::int64_t> written_us;
  };
  using Due = std::map<Kind, Unwritten>;

  Due TakeDue(std::optional<std::int64_t> now_us) COFFER_EXCLUDES(mutex_);
  void Write(audit::Log& log, const Kind& kind, const Unwritten& due) COFFER_EXCLUDES(mutex_);

  Mutex mutex_;
  std::map<Kind, Unwritten> kinds_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::keysvc
