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
constexpr std::int64_t kHeldSaidAgain = 3'600 * kMicrosPerSecond;
constexpr std::size_t kMostNames = 5;

// "a, b and 3 more".
std::string NamesOf(const std::set<std::string>& paths) {
  std::string text;
  std::size_t named = 0;
  for (const std::string& path : paths) {
    if (named == kMostNames) return text + " and " + std::to_string(paths.size() - named) + " more";
    text += (named++ == 0 ? "" : ", ") + path;
  }
  return text;
}

// What the vault has, when Grafana can take it.
Result<SecretBytes> UsableValue(VaultPort& vault, const SecretReference& reference) {
  COFFER_ASSIGN_OR_RETURN(StoredSecret stored, vault.Get(reference));
  COFFER_TRY(QuoteForGrafana(stored.value));
  return std::move(stored.value);
}

// Whether the others can be had all the same.
bool IsOfThisSecretAlone(ErrorCode code) {
  return code == ErrorCode::kNotFound || code == ErrorCode::kFailedPrecondition ||
         code == ErrorCode::kPermissionDenied || code == ErrorCode::kDecryptFailed ||
         code == ErrorCode::kInvalidArgument;
}

}  // namespace

ValuesByReference::key_type KeyOf(const SecretReference& reference) {
  return {reference.path.text(), reference.version.value_or(0)};
}

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
  changed.merge(ReturnedOf(cancelled));
  if (cancelled) return;
  if (changed.empty()) {
    render_ = {};
    render_complaint_.clear();
    return NoticeHeld();
  }
  if (ports_.clock.MonotonicMicros() < render_.at_us) return;
  const Status rendered = Render(*current, cancelled);
  if (cancelled) return;
  if (!rendered.ok()) {
    WaitAfterFailure(render_, every_us_, std::max(every_us_, kLongestRenderWait));
    return Complain(render_complaint_, rendered.error().ToString() +
                                           "; Grafana keeps the secrets that it has, not yet " + NamesOf(changed));
  }
  render_ = {};
  render_complaint_.clear();
  std::erase_if(changed, [this](const std::string& path) { return IsHeld(path); });
  untold_.merge(changed);
  NoticeHeld();
}

// All of it is fetched before anything is written.
Status Reloader::Render(const VersionsByPath& current, const std::atomic<bool>& cancelled) {
  VersionNotes vault(ports_.vault);
  ValuesByReference values;
  HeldReferences held;
  const FetchSecret fetch = [&](const SecretReference& reference) -> Result<SecretBytes> {
    if (cancelled) return Error(ErrorCode::kUnavailable, "Grafana has ended");
    auto value = UsableValue(vault, reference);
    if (!value.ok()) {
      const auto last = handed_.values.find(KeyOf(reference));
      if (last == handed_.values.end() || !IsOfThisSecretAlone(value.error().code())) return value;
      held.emplace(last->first, Held{reference, value.error().ToString()});
      value = last->second.Clone();
    }
    values.insert_or_assign(KeyOf(reference), value->Clone());
    return value;
  };
  COFFER_ASSIGN_OR_RETURN(const RenderedFolder rendered, RenderFolder(handed_.provisioning_dir, fetch, handed_.render));
  COFFER_TRY(ReplaceDatasources(rendered, folder_));
  VersionsByPath references = vault.versions();
  for (const auto& [key, each] : held) {
    const auto now = current.find(key.first);
    const bool is_newest = !each.reference.version;
    if (is_newest) references[key.first] = now != current.end() ? now->second : handed_.references[key.first];
  }
  handed_.references = std::move(references);
  handed_.values = std::move(values);
  held_ = std::move(held);
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

void Reloader::NoticeHeld() {
  std::string complaint;
  std::size_t named = 0;
  for (const auto& [key, each] : held_) {
    if (named++ < kMostNames) complaint += key.first + ": " + each.reason + "; ";
  }
  if (named > kMostNames) complaint += "and " + std::to_string(named - kMostNames) + " more; ";
  const bool is_old = ports_.clock.MonotonicMicros() >= held_said_us_ + kHeldSaidAgain;
  if (complaint == held_complaint_ && !is_old) return;
  held_said_us_ = ports_.clock.MonotonicMicros();
  held_complaint_ = complaint;
  if (complaint.empty()) return;
  ports_.say("WARNING: " + complaint +
             "Grafana goes on with the last value, and would not start again. Bring the secret back or put a new one; "
             "if it is meant to be gone, revoke it where it is checked and take it out of the provisioning files");
}

std::set<std::string> Reloader::ChangedOf(const VersionsByPath& current) const {
  std::set<std::string> changed;
  for (const auto& [path, version] : handed_.references) {
    const auto now = current.find(path);
    const bool is_other = now == current.end() ? !IsHeld(path) : now->second != version;
    if (is_other) changed.insert(path);
  }
  return changed;
}

std::set<std::string> Reloader::ReturnedOf(const std::atomic<bool>& cancelled) {
  std::set<std::string> returned;
  if (held_.empty()) held_again_ = {};
  if (held_.empty() || ports_.clock.MonotonicMicros() < held_again_.at_us) return returned;
  for (const auto& [key, each] : held_) {
    if (!cancelled && UsableValue(ports_.vault, each.reference).ok()) returned.insert(key.first);
  }
  WaitAfterFailure(held_again_, every_us_, std::max(every_us_, kLongestRenderWait));
  return returned;
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
