#include "plugins/grafana/reload_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "io/http_client.h"
#include "io/terminal.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kReloadPath = "/api/admin/provisioning/datasources/reload";

bool IsThisIpv6(const std::string& address) {
  in6_addr six = {};
  return inet_pton(AF_INET6, address.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six) != 0;
}

bool IsThisName(const std::string& host) {
  in_addr four = {};
  const bool loopback = inet_pton(AF_INET, host.c_str(), &four) == 1 && (ntohl(four.s_addr) >> 24U) == IN_LOOPBACKNET;
  return loopback || host == "localhost";
}

// Of a URL that CheckUrl took.
bool LeadsToThisHost(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  url = url.substr(0, url.find('/'));
  if (!url.starts_with('[')) return IsThisName(std::string(url.substr(0, url.find(':'))));
  const std::size_t end = url.find(']');
  if (end == std::string_view::npos || (end + 1 != url.size() && url[end + 1] != ':')) return false;
  return IsThisIpv6(std::string(url.substr(1, end - 1)));
}

Status StatusOf(int http_status) {
  switch (http_status) {
    case 200:
      return {};
    case 401:
      return Error(ErrorCode::kUnauthenticated, "Grafana refuses the login for its admin API");
    case 403:
      return Error(ErrorCode::kPermissionDenied,
                   "Grafana refuses this login a reload: it takes a server administrator, or provisioning:reload");
    case 404:
      return Error(ErrorCode::kNotFound, "there is no Grafana at --grafana-url: is its path missing?");
    case 500:
      return Error(ErrorCode::kFailedPrecondition, "Grafana could not reload; its own log says why");
    default:
      if (http_status >= 300 && http_status < 400) {
        return Error(ErrorCode::kInvalidArgument, "--grafana-url leads elsewhere, which is not followed; name that");
      }
      return Error(ErrorCode::kUnavailable, "Grafana does not answer a reload as it should");
  }
}

}  // namespace

Status CheckGrafanaUrl(std::string_view url) {
  COFFER_TRY(CheckUrl(url));
  if (url.starts_with("https://") || LeadsToThisHost(url)) return {};
  return Error(ErrorCode::kInvalidArgument, "must be https, or http to this host alone: localhost, 127.0.0.1 or [::1]");
}

Result<SecretBytes> AdminApi::ReadSecret() const {
  COFFER_ASSIGN_OR_RETURN(SecretBytes secret, options_.secret());
  secret = WithoutFinalNewline(std::move(secret));
  if (secret.empty())
    return Error(ErrorCode::kInvalidArgument, "the password or token of Grafana's admin API is empty");
  return secret;
}

Status AdminApi::CheckLogin() const {
  COFFER_TRY(ReadSecret());
  return {};
}

Status AdminApi::Reload(const std::atomic<bool>& cancelled) {
  COFFER_TRY(CheckGrafanaUrl(options_.url));
  HttpLogin login{.user = options_.user, .secret = {}};
  COFFER_ASSIGN_OR_RETURN(login.secret, ReadSecret());
  // A client of its own for each call: reloads are rare, and nothing keeps the login between them.
  COFFER_ASSIGN_OR_RETURN(
      const std::unique_ptr<HttpClient> client,
      HttpClient::Create({.deadline = options_.deadline, .ca_file = options_.ca_file, .cancelled = &cancelled}));
  std::string url = options_.url;
  while (url.ends_with('/')) url.pop_back();
  const auto answer = client->Post(url + std::string(kReloadPath), {}, login);
  if (!answer.ok()) return Error(answer.error()).At("--grafana-url");
  return StatusOf(answer->status);
}

}  // namespace coffer::grafana
