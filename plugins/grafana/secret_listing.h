// Which versions secrets have now, asked without reading a value.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "crypto/result.h"

namespace coffer::grafana {

struct ListedSecret {
  std::string path;
  std::uint64_t version = 0;  // the newest, from 1
};

struct SecretPage {
  std::vector<ListedSecret> secrets;  // by path
  std::string next;                   // token of the next page; empty: there is none
};

// The vault's list. The client's implementation asks the service; the tests have one in memory.
class SecretLister {
 public:
  virtual ~SecretLister() = default;
  // A page of the secrets whose paths begin with `prefix`; `page_token` is the `next` of the page before, or empty.
  // kPermissionDenied: this caller may not list. Others as of VaultPort::Get.
  virtual Result<SecretPage> List(const std::string& prefix, const std::string& page_token) = 0;
};

using VersionsByPath = std::map<std::string, std::uint64_t>;

// The newest versions of those paths that the vault has. Each list is recorded by the service: it takes one for all
// that fits on a page, and more only where many other secrets lie between.
Result<VersionsByPath> CurrentVersions(SecretLister& lister, std::set<std::string> paths);

}  // namespace coffer::grafana
