// JwtCallers: the caller that a JSON Web Token makes, shown as a bearer token (RFC 6750) in a call's metadata.
//
// A token is only looked at: it is in no log, error or record. What is kept of a verified one is its SHA-256.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "io/clock.h"
#include "io/ticker.h"
#include "keysvc/rpc/key_set_file.h"
#include "keysvc/service/call.h"
#include "policy/jwt.h"

namespace coffer::keysvc {

// Which token makes which caller. Issuer and subject tell them apart.
struct JwtTrust {
  policy::JwtRules rules;
  std::string keys;             // file of the issuer's keys
  policy::Principal principal;  // ParseBearerPrincipal's
};

// The token of a call with these values of the metadata `authorization`. kUnauthenticated: not exactly one; not
// "Bearer" and a token. Thread-safe.
Result<std::string_view> BearerTokenOf(const std::vector<std::string_view>& authorization);

// Thread-safe.
class JwtCallers {
  struct Key {};

 public:
  static constexpr std::chrono::milliseconds kRefresh{1000};
  static constexpr std::size_t kMaxKnown = 1024;  // verified tokens, which are not verified again

  // Reads the files of keys, and again each second: a new one counts at once, a broken one is logged and leaves the
  // keys as they are. kNotFound, kPermissionDenied, kInvalidArgument, kUnavailable: a file gives no keys. `clock` must
  // outlive it.
  static Result<std::unique_ptr<const JwtCallers>> Start(std::vector<JwtTrust> trusts, const Clock& clock);
  JwtCallers(Key, std::vector<JwtTrust> trusts, const Clock& clock);

  // kUnauthenticated: of an issuer and subject that nobody trusts; or as VerifyJwt says.
  Result<Caller> Of(std::string_view token) const COFFER_EXCLUDES(mutex_);

 private:
  struct Trusted {
    policy::JwtRules rules;
    std::unique_ptr<KeySetFile> keys;
    policy::Principal principal;
  };
  // Serves while the keys are those that it was verified with, from when it was verified until it expires.
  struct Known {
    const Trusted* trusted = nullptr;
    std::shared_ptr<const policy::Jwks> keys;
    std::int64_t from_s = 0;  // Unix seconds
    std::int64_t end_s = 0;
  };
  void Refresh() const;
  const Trusted* FindKnown(const Digest& digest, std::int64_t now_s) const COFFER_EXCLUDES(mutex_);
  void Remember(const Digest& digest, Known known) const COFFER_EXCLUDES(mutex_);

  const Clock& clock_;
  std::map<policy::JwtNames, Trusted> trusted_;
  mutable SharedMutex mutex_;
  mutable std::map<Digest, Known> known_ COFFER_GUARDED_BY(mutex_);
  std::unique_ptr<Ticker> refreshing_;
};

}  // namespace coffer::keysvc
