#include "keysvc/rpc/jwt_callers.h"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

constexpr std::string_view kScheme = "bearer";

Error Refused(Literal message) { return {ErrorCode::kUnauthenticated, message}; }

bool IsScheme(std::string_view word) {
  return std::equal(word.begin(), word.end(), kScheme.begin(), kScheme.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

}  // namespace

// "Bearer" in any case, one space or more, the token (RFC 6750 section 2.1, RFC 9110 section 11.1).
Result<std::string_view> BearerTokenOf(const std::vector<std::string_view>& authorization) {
  if (authorization.empty()) return Refused("a bearer token is required, as metadata: authorization: Bearer TOKEN");
  if (authorization.size() > 1) return Refused("the call has more than one authorization");
  const std::string_view value = authorization.front();
  const std::size_t start = value.find_first_not_of(' ', std::min(value.find(' '), value.size()));
  if (start == value.npos || !IsScheme(value.substr(0, value.find(' ')))) {
    return Refused("the call's authorization is not of the form Bearer TOKEN");
  }
  return value.substr(start);
}

JwtCallers::JwtCallers(Key, std::vector<JwtTrust> trusts, const Clock& clock) : clock_(clock) {
  for (JwtTrust& trust : trusts) {
    policy::JwtNames names{trust.rules.issuer, trust.rules.subject};
    Trusted trusted{std::move(trust.rules), std::make_unique<KeySetFile>(std::move(trust.keys)),
                    std::move(trust.principal)};
    COFFER_CHECK(trusted_.emplace(std::move(names), std::move(trusted)).second);
  }
}

Result<std::unique_ptr<const JwtCallers>> JwtCallers::Start(std::vector<JwtTrust> trusts, const Clock& clock) {
  auto callers = std::make_unique<JwtCallers>(Key(), std::move(trusts), clock);
  for (const auto& [names, trusted] : callers->trusted_) COFFER_TRY(trusted.keys->Refresh());
  COFFER_ASSIGN_OR_RETURN(callers->refreshing_,
                          Ticker::Start({.interval = kRefresh, .wait_first = true}, [raw = callers.get()] {
                            raw->Refresh();
                            return false;
                          }));
  return std::unique_ptr<const JwtCallers>(std::move(callers));
}

void JwtCallers::Refresh() const {
  for (const auto& [names, trusted] : trusted_) {
    const std::shared_ptr<const policy::Jwks> before = trusted.keys->keys();
    const Status read = trusted.keys->Refresh();
    if (!read.ok()) {
      spdlog::error("tokens are verified with the keys that were there before: {}", read.error().ToString());
    } else if (const auto keys = trusted.keys->keys(); keys != before) {
      spdlog::info("{} keys of an issuer of tokens were read from {}", keys->size(), trusted.keys->path());
    }
  }
}

Result<Caller> JwtCallers::Of(std::string_view token) const {
  const auto caller = [](const Trusted& trusted) { return Caller{.principal = trusted.principal, .local = false}; };
  const std::int64_t now_s = clock_.UnixMicros() / kMicrosPerSecond;
  const Digest digest = Sha256({AsBytes(token)});
  if (const Trusted* const known = FindKnown(digest, now_s)) return caller(*known);
  COFFER_ASSIGN_OR_RETURN(const policy::JwtNames names, policy::ClaimedNames(token));
  const auto found = trusted_.find(names);
  if (found == trusted_.end()) return Refused("the token's iss and sub are not an issuer and its subject of ours");
  const Trusted& trusted = found->second;
  const std::shared_ptr<const policy::Jwks> keys = trusted.keys->keys();
  COFFER_ASSIGN_OR_RETURN(const policy::JwtClaims claims, policy::VerifyJwt(token, *keys, trusted.rules, now_s));
  Remember(digest, {.trusted = &trusted, .keys = keys, .from_s = now_s, .end_s = claims.expires_at_s});
  return caller(trusted);
}

const JwtCallers::Trusted* JwtCallers::FindKnown(const Digest& digest, std::int64_t now_s) const {
  const ReadLock held(mutex_);
  const auto found = known_.find(digest);
  if (found == known_.end()) return nullptr;
  const Known& known = found->second;
  const bool serves = known.from_s <= now_s && now_s < known.end_s && known.keys == known.trusted->keys->keys();
  return serves ? known.trusted : nullptr;
}

void JwtCallers::Remember(const Digest& digest, Known known) const {
  const Lock held(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.insert_or_assign(digest, std::move(known));
}

}  // namespace coffer::keysvc
