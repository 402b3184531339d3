#include "plugins/grafana/reload.h"

#include <algorithm>

#include "plugins/grafana/provisioning_folder.h"
#include "plugins/grafana/version_notes.h"

namespace coffer::grafana {
namespace {

constexpr std::int64_t kLongestRenderWait = 600 * kMicrosPerSecond;
constexpr std::int64_t kFirstTellWait = kMicrosPerSecond;
constexpr std::int64_t kLongestTellWait = 60 * kMicrosPerSecond;
constexpr std::int64_t kRefusedWait = 300 * kMicrosPerSecond;

// "a, b and 3 more".
std::string NamesOf(const std::set<std::string>& paths) {
  constexpr std::size_t kMostNames = 5;
  std::string text;
  std::size_t named = 0;
  for (const std::string& path : paths) {
    if (named == kMostNames) return text + " and " + std::to_string(paths.size() - named) + " more";
    text += (named++ == 0 ? "" : ", ") + path;
  }
  return text;
}

}  // namespace

std::set<std::string> WatchedPaths(const HandedOut& handed) {
  std::set<std::string> paths;
  for (const auto& [path, version] : handed.references) paths.insert(path);
  for (const auto& [path, version] : handed.keys) paths.insert(path);
  return paths;
}

Reloader::Reloader(ReloadPorts ports, std::chrono::microseconds every, HandedOut handed, PrivateDir& folder)
    : ports_(std::move(ports)),
      every_us_(every.count()),
      handed_(std::move(handed)),
      folder_(folder),
      look_at_us_(ports_.clock.MonotonicMicros() + every_us_) {}

void Reloader::Pass(const std::atomic<bool>& cancelled) {
  if (ports_.clock.MonotonicMicros() >= look_at_us_) Look(cancelled);
  if (!cancelled && !untold_.empty() && ports_.clock.MonotonicMicros() >= tell_.at_us) TellGrafana(cancelled);
}

void Reloader::Look(const std::atomic<bool>& cancelled) {
  look_at_us_ = ports_.clock.MonotonicMicros() + every_us_;
  const auto current = CurrentVersions(ports_.lister, WatchedPaths(handed_));
  if (cancelled) return;
  if (!current.ok()) {
    return Complain(vault_complaint_, current.error().ToString() + "; Grafana keeps the secrets that it has");
  }
  if (!vault_complaint_.empty()) ports_.say("the vault can be asked again for new versions");
  vault_complaint_.clear();
  NoticeKeys(*current);
  std::set<std::string> changed = ChangedOf(*current);
  if (changed.empty()) {
    render_ = {};
    render_complaint_.clear();
    return;
  }
  if (ports_.clock.MonotonicMicros() < render_.at_us) return;
  const Status rendered = Render(cancelled);
  if (cancelled) return;
  if (!rendered.ok()) {
    WaitAfterFailure(render_, every_us_, std::max(every_us_, kLongestRenderWait));
    return Complain(render_complaint_, rendered.error().ToString() +
                                           "; Grafana keeps the secrets that it has, not yet " + NamesOf(changed));
  }
  render_ = {};
  render_complaint_.clear();
  untold_.merge(changed);
}

// All of it is fetched before anything is written.
Status Reloader::Render(const std::atomic<bool>& cancelled) {
  VersionNotes vault(ports_.vault);
  const FetchSecret fetch = [&vault, &cancelled](const SecretReference& reference) -> Result<SecretBytes> {
    if (cancelled) return Error(ErrorCode::kUnavailable, "Grafana has ended");
    auto stored = vault.Get(reference);
    if (!stored.ok()) return std::move(stored).error();
    return std::move(stored->value);
  };
  COFFER_ASSIGN_OR_RETURN(const RenderedFolder rendered, RenderFolder(handed_.provisioning_dir, fetch, handed_.render));
  COFFER_TRY(ReplaceDatasources(rendered, folder_));
  handed_.references = vault.versions();
  return {};
}

void Reloader::TellGrafana(const std::atomic<bool>& cancelled) {
  const Status told = ports_.target.Reload(cancelled);
  if (cancelled) return;
  if (told.ok()) {
    ports_.say("Grafana has reloaded its datasources for new versions of " + NamesOf(untold_));
    untold_.clear();
    tell_ = {};
    grafana_complaint_.clear();
    return;
  }
  const ErrorCode code = told.error().code();
  const bool refused = code == ErrorCode::kUnauthenticated || code == ErrorCode::kPermissionDenied;
  WaitAfterFailure(tell_, refused ? kRefusedWait : kFirstTellWait, refused ? kRefusedWait : kLongestTellWait);
  Complain(grafana_complaint_, told.error().ToString() + "; Grafana does not have yet the new versions of " +
                                   NamesOf(untold_) + (refused ? ", asked again in 5 minutes" : ", asked again"));
}

void Reloader::NoticeKeys(const VersionsByPath& current) {
  for (auto& [path, version] : handed_.keys) {
    const auto now = current.find(path);
    if (now == current.end() || now->second == version) continue;
    version = now->second;
    ports_.say(path + " has a new version, which a running Grafana cannot take: restart it");
  }
}

std::set<std::string> Reloader::ChangedOf(const VersionsByPath& current) const {
  std::set<std::string> changed;
  for (const auto& [path, version] : handed_.references) {
    const auto now = current.find(path);
    if (now != current.end() && now->second != version) changed.insert(path);
  }
  return changed;
}

void Reloader::Complain(std::string& last, std::string complaint) const {
  if (complaint == last) return;
  ports_.say(complaint);
  last = std::move(complaint);
}

void Reloader::WaitAfterFailure(Retry& retry, std::int64_t first_us, std::int64_t most_us) const {
  retry.wait_us = std::clamp(retry.wait_us * 2, first_us, most_us);
  retry.at_us = ports_.clock.MonotonicMicros() + retry.wait_us;
}

}  // namespace coffer::grafana
