// Reloader: keeps the datasources of a running Grafana at the newest versions of their secrets.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
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
  std::function<void()> give_up = {};           // from another thread: no call of the vault's takes long any more
};

// By a reference's path and version; 0: the newest.
using ValuesByReference = std::map<std::pair<std::string, std::uint64_t>, SecretBytes>;
ValuesByReference::key_type KeyOf(const SecretReference& reference);

// What Grafana was started with.
struct HandedOut {
  std::string provisioning_dir;
  RenderOptions render;
  VersionsByPath references;  // those that take the newest version
  VersionsByPath keys;        // Grafana's own
  ValuesByReference values;   // of all references
};

// Each `every` the vault is asked which versions there are. When one is another than Grafana has, all datasources are
// rendered again from the provisioning folder as it is now, put into the private folder, and Grafana is told. On any
// failure Grafana keeps what it has, the failure is said once, and it is tried again: the vault at each `every`, a
// rendering after `every`, doubled up to ten minutes, Grafana after a second, doubled up to a minute, or after five
// minutes when it refuses the login, which it would lock after five attempts in that time.
//
// A secret that alone cannot be had any more (it is deleted or expired, not for this caller, or no text for YAML) holds
// up none of the others: Grafana keeps its last value. That is said, again each hour, and the secret is tried again as
// a rendering is. It is noticed when the files are rendered: the list of versions shows no deletion.
//
// Grafana's own keys are never changed under it: that another version is there is said. Thread-compatible.
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
  // One that keeps its last value, and why.
  struct Held {
    SecretReference reference;
    std::string reason;
  };
  using HeldReferences = std::map<ValuesByReference::key_type, Held>;
  void Look(const std::atomic<bool>& cancelled);
  Status Render(const VersionsByPath& current, const std::atomic<bool>& cancelled);
  void TellGrafana(const std::atomic<bool>& cancelled);
  void NoticeKeys(const VersionsByPath& current);
  void NoticeHeld();
  bool IsHeld(const std::string& path) const { return held_.contains({path, 0}); }
  std::set<std::string> ChangedOf(const VersionsByPath& current) const;
  // The held ones that can be had again.
  std::set<std::string> ReturnedOf(const std::atomic<bool>& cancelled);
  void Complain(std::string& last, std::string complaint) const;
  void WaitAfterFailure(Retry& retry, std::int64_t first_us, std::int64_t most_us) const;

  const ReloadPorts ports_;
  const std::int64_t every_us_;
  HandedOut handed_;
  PrivateDir& folder_;
  std::int64_t look_at_us_;       // monotonic, as all of these
  std::set<std::string> untold_;  // in the files, and not yet in Grafana
  HeldReferences held_;
  Retry render_;
  Retry tell_;
  Retry held_again_;
  // What was last said of each, so that it is said once; empty: all is well.
  std::string vault_complaint_;
  std::string render_complaint_;
  std::string grafana_complaint_;
  std::string held_complaint_;
  std::int64_t held_said_us_ = 0;
};

// The versions that are compared: of references and keys. For the first question, which shows that it is allowed.
std::set<std::string> WatchedPaths(const HandedOut& handed);

}  // namespace coffer::grafana
