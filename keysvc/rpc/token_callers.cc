#include "keysvc/rpc/token_callers.h"

namespace coffer::keysvc {

Result<Caller> TokenCallers::Of(const std::vector<std::string_view>& authorization,
                                audit::Authentication& tried) const {
  tried = audit::Authentication::kJwt;
  COFFER_ASSIGN_OR_RETURN(const std::string_view token, BearerTokenOf(authorization));
  if (!token.starts_with(kAccessTokenPrefix)) return jwts_->Of(token);
  tried = audit::Authentication::kToken;
  return OfAccessToken(token);
}

Result<Caller> TokenCallers::OfAccessToken(std::string_view token) const {
  COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, barrier_.Enter());
  COFFER_ASSIGN_OR_RETURN(policy::Principal principal, unsealed->tokens->Find(Sha256({AsBytes(token)}), listener_));
  return Caller{.principal = std::move(principal), .local = false};
}

}  // namespace coffer::keysvc
