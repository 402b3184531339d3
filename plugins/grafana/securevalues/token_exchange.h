// TokenExchange: Grafana's bearer token in, an access token out (authlib's token exchange). Not a transport: it answers
// one HTTP request, and must be reached over loopback or behind TLS, for the bearer token stands in it.
#pragma once

#include <functional>

#include "io/clock.h"
#include "io/http_server.h"
#include "plugins/grafana/securevalues/access_token.h"

namespace coffer::grafana {

inline constexpr std::string_view kTokenExchangePath = "/v1/sign-access-token";
inline constexpr std::size_t kMaxExchangeRequest = 16 * 1024;  // bytes of a body

// Takes a line of what was done, without its end: names and outcomes, never a token.
using LogLine = std::function<void(const std::string&)>;

struct ExchangeOptions {
  std::string clients_file;   // ExchangeClients' text; read anew for each request
  std::int64_t life_s = 600;  // of an access token; kMinAccessTokenLife to kMaxAccessTokenLife
};

// Thread-safe. All that it is given must outlive it.
class TokenExchange {
 public:
  // As Parse and ReadFile of the clients' file, with its path; kInvalidArgument too for a life out of its limits.
  static Result<TokenExchange> Create(ExchangeOptions options, const AccessTokens& tokens, const Clock& clock,
                                      LogLine log);

  // POST kTokenExchangePath, "Authorization: Bearer <token>", {"namespace": N, "audiences": ["secret.grafana.app"]};
  // "expiresIn" may ask for a shorter life, in seconds; whatever else is in the object belongs to other servers and is
  // not looked at. 200 {"data":{"token":T},"status":"success"}. Else {"error":sentence,"status":"error"} with 400
  // (form), 401 (nobody's bearer token), 403 (another audience or namespace), 404, 405, 503 (the clients' file cannot
  // be read).
  HttpReply Answer(const HttpRequest& request) const;

 private:
  TokenExchange(ExchangeOptions options, const AccessTokens& tokens, const Clock& clock, LogLine log)
      : options_(std::move(options)), tokens_(tokens), clock_(clock), log_(std::move(log)) {}
  // Who asks; the identity goes into `who` as soon as it is known.
  Result<std::string> Exchange(const HttpRequest& request, std::string& who) const;

  ExchangeOptions options_;
  const AccessTokens& tokens_;
  const Clock& clock_;
  LogLine log_;
};

}  // namespace coffer::grafana
