#include "plugins/grafana/securevalues/token_exchange.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "io/directory.h"
#include "io/file.h"
#include "plugins/grafana/securevalues/exchange_clients.h"
#include "plugins/grafana/securevalues/exchange_request.h"

namespace coffer::grafana {
namespace {

using nlohmann::json;

// Whoever writes it can let anybody in.
Status CheckWriters(const std::string& path) {
  constexpr std::uint32_t kOthersWrite = 0002;
  COFFER_ASSIGN_OR_RETURN(const FileFacts facts, FactsOf(path));
  if ((facts.permissions & kOthersWrite) == 0) return {};
  return Error(ErrorCode::kPermissionDenied, "everybody may write this file, and let himself in; chmod o-w").At(path);
}

Result<ExchangeClients> ReadClients(const std::string& path) {
  COFFER_TRY(CheckWriters(path));
  COFFER_ASSIGN_OR_RETURN(const Bytes text, ReadFile(path, kMaxExchangeClientsText));
  auto clients = ExchangeClients::Parse(AsText(text));
  if (!clients.ok()) return std::move(clients).error().At(path);
  return clients;
}

// Empty: the header is not there, or there twice, or of another scheme.
std::string_view BearerOf(const HttpRequest& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view value = OnlyHeader(request.headers, "authorization").value_or("");
  return value.starts_with(kScheme) ? value.substr(kScheme.size()) : "";
}

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    default:
      return 503;
  }
}

HttpReply Reply(int status, const json& body) {
  return {.status = status, .content_type = "application/json", .body = body.dump() + "\n"};
}

HttpReply Refusal(int status, std::string_view sentence) {
  return Reply(status, {{"status", "error"}, {"error", sentence}});
}

}  // namespace

Result<TokenExchange> TokenExchange::Create(ExchangeOptions options, const AccessTokens& tokens, const Clock& clock,
                                            LogLine log) {
  if (options.life_s < kMinAccessTokenLife || options.life_s > kMaxAccessTokenLife) {
    return Error(ErrorCode::kInvalidArgument, "is 60 to 3600 seconds").At("life_s").WithLimit(kMaxAccessTokenLife);
  }
  COFFER_TRY(ReadClients(options.clients_file));
  return TokenExchange(std::move(options), tokens, clock, std::move(log));
}

Result<std::string> TokenExchange::Exchange(const HttpRequest& request, std::string& who) const {
  const auto clients = ReadClients(options_.clients_file);
  if (!clients.ok()) {
    log_("clients: " + clients.error().ToString());
    return Error(ErrorCode::kUnavailable, "the list of clients cannot be read");
  }
  const ExchangeClient* const client = clients->Find(BearerOf(request));
  if (client == nullptr) return Error(ErrorCode::kUnauthenticated, "this bearer token is nobody's");
  who = client->identity;
  COFFER_ASSIGN_OR_RETURN(const ExchangeRequest asked, ExchangeRequest::Parse(request.body));
  if (!client->MayHave(asked.namespace_name)) {
    return Error(ErrorCode::kPermissionDenied, "is not one of this client's").At("namespace");
  }
  const std::int64_t now = clock_.UnixMicros() / kMicrosPerSecond;
  const std::int64_t life = std::clamp(asked.life_s.value_or(options_.life_s), kMinAccessTokenLife, options_.life_s);
  return tokens_.Issue(
      {.identity = client->identity, .namespace_name = asked.namespace_name, .expires_at_s = now + life}, now);
}

HttpReply TokenExchange::Answer(const HttpRequest& request) const {
  if (request.target != kTokenExchangePath) return Refusal(404, "there is nothing here");
  if (request.method != "POST") return Refusal(405, "post a request for a token");
  std::string who = "nobody";
  const auto token = Exchange(request, who);
  log_("exchange " + who + ": " + (token.ok() ? "ok" : token.error().ToString()));
  if (!token.ok()) return Refusal(StatusOf(token.error().code()), token.error().ToString());
  return Reply(200, {{"status", "success"}, {"data", {{"token", *token}}}});
}

}  // namespace coffer::grafana
