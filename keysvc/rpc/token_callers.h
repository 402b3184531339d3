// TokenCallers: the caller that a bearer token makes on one listener: a token of the service's own, which is looked up
// in the store that is open, or a JSON Web Token.
//
// A token is only looked at: it is in no log, error or record.
#pragma once

#include "keysvc/rpc/jwt_callers.h"
#include "keysvc/service/barrier.h"

namespace coffer::keysvc {

// Thread-safe.
class TokenCallers {
 public:
  // `barrier` must outlive it. `listener`: the name that tokens of the service's own are bound to.
  TokenCallers(std::string listener, const Barrier& barrier, std::unique_ptr<const JwtCallers> jwts)
      : listener_(std::move(listener)), barrier_(barrier), jwts_(std::move(jwts)) {}

  // Of a call with these values of the metadata `authorization`. `tried`, always set, says what kind was shown.
  // kUnauthenticated: as BearerTokenOf, AccessTokens::Find and JwtCallers::Of. For a token of the service's own also as
  // Barrier::Enter.
  Result<Caller> Of(const std::vector<std::string_view>& authorization, audit::Authentication& tried) const;

 private:
  Result<Caller> OfAccessToken(std::string_view token) const;

  const std::string listener_;
  const Barrier& barrier_;
  const std::unique_ptr<const JwtCallers> jwts_;
};

}  // namespace coffer::keysvc
