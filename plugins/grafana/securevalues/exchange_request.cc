#include "plugins/grafana/securevalues/exchange_request.h"

#include <algorithm>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "plugins/grafana/securevalues/access_token.h"
#include "plugins/grafana/securevalues/secure_value.h"

namespace coffer::grafana {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxAudiences = 16;
constexpr std::size_t kMaxDepth = 8;

Error BadBody(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

// One object, in which no key is given twice; the library would keep the last of two.
Result<json> ParseObject(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  bool refused = text.find('\0') != std::string_view::npos;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) refused |= !keys.back().insert(parsed.get<std::string>()).second;
    refused |= keys.size() > kMaxDepth;
    return !refused;
  };
  json object = json::parse(text.begin(), text.end(), watch, false);
  if (refused || !object.is_object()) return BadBody("the body is not one JSON object without a key given twice");
  return object;
}

Result<std::string> ReadNamespace(const json& object) {
  const auto found = object.find("namespace");
  const auto* const text = found == object.end() ? nullptr : found->get_ptr<const std::string*>();
  if (text == nullptr) return BadBody("must be a text").At("namespace");
  if (*text == kAllNamespaces) return *text;
  return CanonicalNamespace(*text);
}

Status CheckAudiences(const json& object) {
  const auto found = object.find("audiences");
  if (found == object.end() || !found->is_array() || found->empty() || found->size() > kMaxAudiences) {
    return BadBody("must be a list of 1 to 16 texts").At("audiences").WithLimit(kMaxAudiences);
  }
  const auto is_text = [](const json& one) { return one.is_string(); };
  if (!std::all_of(found->begin(), found->end(), is_text)) {
    return BadBody("must be a list of 1 to 16 texts").At("audiences").WithLimit(kMaxAudiences);
  }
  if (found->size() == 1 && found->front() == kSecretAudience) return {};
  return Error(ErrorCode::kPermissionDenied, "tokens are made for secret.grafana.app only").At("audiences");
}

Result<std::optional<std::int64_t>> ReadLife(const json& object) {
  const auto life = object.find("expiresIn");
  if (life == object.end() || life->is_null()) return std::optional<std::int64_t>();
  if (!life->is_number_unsigned() || life->get<std::uint64_t>() == 0) {
    return BadBody("must be a number of seconds from 1").At("expiresIn");
  }
  constexpr auto kMost = static_cast<std::uint64_t>(kMaxAccessTokenLife);
  return std::optional(static_cast<std::int64_t>(std::min(life->get<std::uint64_t>(), kMost)));
}

}  // namespace

Result<ExchangeRequest> ExchangeRequest::Parse(std::string_view body) {
  COFFER_ASSIGN_OR_RETURN(const json object, ParseObject(body));
  ExchangeRequest request;
  COFFER_ASSIGN_OR_RETURN(request.namespace_name, ReadNamespace(object));
  COFFER_TRY(CheckAudiences(object));
  COFFER_ASSIGN_OR_RETURN(request.life_s, ReadLife(object));
  return request;
}

}  // namespace coffer::grafana
