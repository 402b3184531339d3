// AccessTokens: bearer tokens of the service's own, kept in the store as digests. A token is bound to one listener and
// ends; it is shown once, when it is made.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/store/authenticated_store.h"
#include "keysvc/store/records.h"
#include "policy/principal.h"

namespace coffer::keysvc {

inline constexpr std::string_view kAccessTokenPrefix = "cft1_";
inline constexpr std::size_t kAccessTokenBytes = 32;    // of randomness, behind the prefix as base64url without padding
inline constexpr std::size_t kMaxAccessTokens = 1'024;  // in force
inline constexpr std::int64_t kMinAccessTokenLife = 60;  // seconds
inline constexpr std::int64_t kMaxAccessTokenLife = std::int64_t{366} * 24 * 3600;

// Thread-safe.
class AccessTokens {
 public:
  // All of the store. `store` and `clock` must outlive it. kIntegrity.
  static Result<std::unique_ptr<AccessTokens>> Load(AuthenticatedStore& store, const Clock& clock);

  struct Wanted {
    std::string principal;
    std::string listener;
    std::int64_t lifetime_s = 0;

    // kInvalidArgument, naming the member: a limit above is broken, or no bearer token may stand for the principal.
    Status Check() const;
  };
  struct Made {
    AccessTokenRecord record;
    SecretBytes token;  // its text
  };
  // kResourceExhausted: as many are in force as may be.
  Status CheckRoom() const;
  // `by` is a principal. Also removes those that have run out. kResourceExhausted.
  Result<Made> Create(const Wanted& wanted, const std::string& by, const std::string& reason);
  // kNotFound, kInvalidArgument: no id.
  Status Revoke(const std::string& id);
  // Those in force, by age.
  std::vector<AccessTokenRecord> List() const;

  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Whom the token with this SHA-256 stands for at this listener. kUnauthenticated: none is in force there.
  Result<policy::Principal> Find(const Digest& digest, std::string_view listener) const;

 private:
  AccessTokens(AuthenticatedStore& store, const Clock& clock) : store_(store), clock_(clock) {}
  Status Read();  // the table, from the store

  AuthenticatedStore& store_;
  const Clock& clock_;
  std::atomic<std::uint64_t> generation_{1};  // of what is in force, but for tokens that run out
  Mutex change_mutex_;                        // one change at a time; taken before mutex_
  mutable SharedMutex mutex_;
  std::map<Digest, AccessTokenRecord> tokens_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::keysvc
