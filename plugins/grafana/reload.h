// Reloader: keeps the datasources of a running Grafana at the newest versions of their secrets.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>

#include "io/clock.h"
#include "io/private_dir.h"
#include "plugins/grafana/reload_target.h"
#include "plugins/grafana/render.h"
#include "plugins/grafana/secret_listing.h"

namespace coffer::grafana {

// Whom it asks and tells. All outlive it.
struct ReloadPorts {
  VaultPort& vault;
  SecretLister& lister;
  ReloadTarget& target;
  const Clock& clock;
  std::function<void(const std::string&)> say;  // one line for a person: paths, never values
};

// What Grafana was started with.
struct HandedOut {
  std::string provisioning_dir;
  RenderOptions render;
  VersionsByPath references;  // those that take the newest version
  VersionsByPath keys;        // Grafana's own
};

// Each `every` the vault is asked which versions there are. When one is another than Grafana has, all datasources are
// rendered again from the provisioning folder as it is now, put into the private folder, and Grafana is told. On any
// failure Grafana keeps what it has, the failure is said once, and it is tried again: the vault at each `every`, a
// rendering after `every`, doubled up to ten minutes, Grafana after a second, doubled up to a minute, or after five
// minutes when it refuses the login, which it would lock after five attempts in that time.
//
// Grafana's own keys are never changed under it: that another version is there is said. A version that was deleted or
// has expired stays in Grafana. Thread-compatible.
class Reloader {
 public:
  // `folder` holds what LayOut wrote of `handed`, and outlives it. The first question comes after `every`.
  Reloader(ReloadPorts ports, std::chrono::microseconds every, HandedOut handed, PrivateDir& folder);

  // Does what is due; to be called about once a second. Ends early once `cancelled`, and says nothing more.
  void Pass(const std::atomic<bool>& cancelled);

 private:
  // When something that failed is tried again.
  struct Retry {
    std::int64_t wait_us = 0;
    std::int64_t at_us = 0;
  };
  void Look(const std::atomic<bool>& cancelled);
  Status Render(const std::atomic<bool>& cancelled);
  void TellGrafana(const std::atomic<bool>& cancelled);
  void NoticeKeys(const VersionsByPath& current);
  std::set<std::string> ChangedOf(const VersionsByPath& current) const;
  void Complain(std::string& last, std::string complaint) const;
  void WaitAfterFailure(Retry& retry, std::int64_t first_us, std::int64_t most_us) const;

  const ReloadPorts ports_;
  const std::int64_t every_us_;
  HandedOut handed_;
  PrivateDir& folder_;
  std::int64_t look_at_us_;       // monotonic, as all of these
  std::set<std::string> untold_;  // in the files, and not yet in Grafana
  Retry render_;
  Retry tell_;
  // What was last said of each, so that it is said once; empty: all is well.
  std::string vault_complaint_;
  std::string render_complaint_;
  std::string grafana_complaint_;
};

// The versions that are compared: of references and keys. For the first question, which shows that it is allowed.
std::set<std::string> WatchedPaths(const HandedOut& handed);

}  // namespace coffer::grafana
