#include "policy/principal.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace coffer::policy {
namespace {

constexpr std::string_view kSpiffeScheme = "spiffe://";
constexpr std::string_view kRoleSegment = "/role/";
constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kMaxTrustDomain = 255;
constexpr std::size_t kMaxName = 63;

bool IsNameOf(std::string_view text, std::size_t max) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), allowed);
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Error Unknown(Literal message) { return Error(ErrorCode::kUnauthenticated, message).At("principal"); }

}  // namespace

std::string_view MethodName(Principal::Method method) {
  switch (method) {
    case Principal::Method::kUnixSocket:
      return "unix_socket";
    case Principal::Method::kCertificate:
      return "certificate";
    case Principal::Method::kDev:
      return "dev";
    case Principal::Method::kJwt:
      return "jwt";
    case Principal::Method::kToken:
      return "access_token";
  }
  return "?";
}

bool IsTrustDomain(std::string_view text) { return IsNameOf(text, kMaxTrustDomain); }

Result<Principal> ParseSpiffeId(std::string_view uri, std::string_view trust_domain) {
  if (!IsTrustDomain(trust_domain))
    return Error(ErrorCode::kInvalidArgument, "is not [a-z0-9._-]{1,255}").At("trust_domain");
  std::string_view rest = uri;
  if (!TakePrefix(rest, kSpiffeScheme)) return Unknown("is not a SPIFFE id");
  if (!TakePrefix(rest, trust_domain)) return Unknown("belongs to another trust domain");
  if (!TakePrefix(rest, kRoleSegment)) return Unknown("belongs to another trust domain or names no role");
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return Unknown("has no name behind its role");
  const auto role = ParseRole(rest.substr(0, slash));
  if (!role) return Unknown("names a role that does not exist");
  const std::string_view name = rest.substr(slash + 1);
  if (!IsNameOf(name, kMaxName) || name == "." || name == "..")
    return Unknown("has a name that is not [a-z0-9._-]{1,63}");
  return Principal{std::string(uri), *role, Principal::Method::kCertificate};
}

Result<Principal> UnixPrincipal(Role role, std::uint32_t uid) {
  if (uid == std::numeric_limits<std::uint32_t>::max()) return Unknown("has no user id");
  std::string id(kUnixPrefix);
  id.append(RoleName(role)).append(":").append(std::to_string(uid));
  return Principal{std::move(id), role, Principal::Method::kUnixSocket};
}

Result<Principal> ParseUnixPrincipal(std::string_view text) {
  std::string_view rest = text;
  if (!TakePrefix(rest, kUnixPrefix)) return Unknown("is not unix:<role>:<uid>");
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return Unknown("is not unix:<role>:<uid>");
  const auto role = ParseRole(rest.substr(0, colon));
  if (!role) return Unknown("names a role that does not exist");
  const std::string_view digits = rest.substr(colon + 1);
  std::uint32_t uid = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
  if (failure != std::errc() || end != digits.data() + digits.size())
    return Unknown("has a user id that is not a number");
  COFFER_ASSIGN_OR_RETURN(Principal principal, UnixPrincipal(*role, uid));
  if (principal.id != text) return Unknown("has a user id with leading zeros");
  return principal;
}

std::string HolderOf(std::string_view principal) {
  std::string holder(principal);
  const bool is_unix = principal.starts_with(kUnixPrefix);
  const std::size_t mark = is_unix ? 0 : principal.find(kRoleSegment);
  if (mark == std::string_view::npos) return holder;
  const std::size_t start = mark + (is_unix ? kUnixPrefix : kRoleSegment).size();
  const std::size_t end = principal.find(is_unix ? ':' : '/', start);
  if (end != std::string_view::npos) holder.erase(start, end - start);
  return holder;
}

Result<Principal> ParsePrincipal(std::string_view text) {
  std::string_view rest = text;
  if (!TakePrefix(rest, kSpiffeScheme)) return ParseUnixPrincipal(text);
  const std::string_view domain = rest.substr(0, rest.find('/'));
  if (!IsTrustDomain(domain)) return Unknown("has a trust domain that is not [a-z0-9._-]{1,255}");
  return ParseSpiffeId(text, domain);
}

Result<Principal> ParseBearerPrincipal(std::string_view text) {
  if (text.substr(0, kSpiffeScheme.size()) != kSpiffeScheme) return Unknown("is not a SPIFFE id");
  COFFER_ASSIGN_OR_RETURN(Principal principal, ParsePrincipal(text));
  switch (principal.role) {
    case Role::kAdmin:
    case Role::kRestorer:
    case Role::kAuditor:
      return Error(ErrorCode::kPermissionDenied, "has a role that no bearer token may have: admin, restorer, auditor")
          .At("principal");
    case Role::kApp:
    case Role::kDba:
    case Role::kBackupAgent:
      break;
  }
  principal.method = Principal::Method::kJwt;
  return principal;
}

}  // namespace coffer::policy
