// What Grafana's token exchange reads, from bytes: requests, the list of clients, access tokens.
#include <cstdint>

#include "plugins/grafana/securevalues/access_token.h"
#include "plugins/grafana/securevalues/exchange_clients.h"
#include "plugins/grafana/securevalues/exchange_request.h"
#include "plugins/grafana/securevalues/secure_value.h"

namespace coffer::grafana {
namespace {

// What is read, written as plainly as it can be, is read as the same.
void CheckRequest(std::string_view input) {
  const auto request = ExchangeRequest::Parse(input);
  if (!request.ok()) {
    const ErrorCode code = request.error().code();
    COFFER_CHECK(code == ErrorCode::kInvalidArgument || code == ErrorCode::kPermissionDenied);
    return;
  }
  const std::string& name = request->namespace_name;
  COFFER_CHECK(name == kAllNamespaces || CanonicalNamespace(name).value() == name);
  COFFER_CHECK(!request->life_s || (*request->life_s >= 1 && *request->life_s <= kMaxAccessTokenLife));
  std::string plain = R"({"namespace":")" + name + R"(","audiences":["secret.grafana.app"])";
  if (request->life_s) plain += ",\"expiresIn\":" + std::to_string(*request->life_s);
  const auto again = ExchangeRequest::Parse(plain + "}");
  COFFER_CHECK(again.ok() && again->namespace_name == name && again->life_s == request->life_s);
}

void CheckClients(std::string_view input) {
  const auto clients = ExchangeClients::Parse(input);
  if (clients.ok()) {
    COFFER_CHECK(clients->size() <= kMaxExchangeClients);
  } else {
    COFFER_CHECK(clients.error().code() == ErrorCode::kInvalidArgument);
  }
}

// Nobody has the key that the input would have to be signed with.
void CheckToken(std::string_view input) {
  static const AccessTokens tokens(Es256PrivateKey::Generate());
  const auto claims = tokens.Verify(input, 0);
  COFFER_CHECK(!claims.ok() && claims.error().code() == ErrorCode::kUnauthenticated);
}

void CheckNames(std::string_view input) {
  if (!CheckSecureValueName(input).ok()) return;
  const SecretPath prefix = SecretPath::Parse("p").value();
  const auto path = PathOfSecureValue(prefix, "default", input);
  COFFER_CHECK(path.has_value() == (input.size() <= 64));
  COFFER_CHECK(!path || path->text() == "p/default/" + std::string(input));
}

}  // namespace
}  // namespace coffer::grafana

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = coffer::AsText(std::as_bytes(std::span(data, size)));
  coffer::grafana::CheckRequest(input);
  coffer::grafana::CheckClients(input);
  coffer::grafana::CheckToken(input);
  coffer::grafana::CheckNames(input);
  return 0;
}
