#include "plugins/grafana/secret_listing.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

// Of all: what lies between the first and the last begins with it too.
std::string CommonPrefix(const std::set<std::string>& paths) {
  const std::string& first = *paths.begin();
  const std::string& last = *paths.rbegin();
  const auto end = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  return {first.begin(), end};
}

}  // namespace

Result<VersionsByPath> CurrentVersions(SecretLister& lister, std::set<std::string> paths) {
  VersionsByPath found;
  std::string prefix;
  std::string token;
  while (!paths.empty()) {
    std::string narrower = CommonPrefix(paths);
    // A narrower list begins anew, behind the secrets that are not asked for.
    if (narrower != prefix) token.clear();
    prefix = std::move(narrower);
    COFFER_ASSIGN_OR_RETURN(SecretPage page, lister.List(prefix, token));
    for (const ListedSecret& secret : page.secrets) {
      if (paths.contains(secret.path)) found.emplace(secret.path, secret.version);
    }
    if (page.next.empty() || page.secrets.empty()) break;
    token = std::move(page.next);
    // What sorts before the page's end was on it, or is not there.
    paths.erase(paths.begin(), paths.upper_bound(page.secrets.back().path));
  }
  return found;
}

}  // namespace coffer::grafana
