#include "plugins/grafana/transfer/open_credentials.h"

#include <algorithm>
#include <array>
#include <set>

#include "crypto/secret_equality.h"
#include "plugins/grafana/cells/json_strings.h"
#include "plugins/grafana/database/in_parallel.h"
#include "plugins/grafana/database/json_leaves.h"
#include "plugins/grafana/database/plausible.h"
#include "plugins/grafana/provisioning.h"

namespace coffer::grafana {
namespace {

constexpr unsigned kAllCores = 0;

std::string KeyOf(const Credential& credential) {
  return credential.path ? credential.path->Segments().back() : std::string();
}

// One secret of a copy.
struct CopiedSecret {
  std::string key;
  std::string path;  // the key as it is shown
  std::size_t json_value = 0;
  SecretBytes value;
};

// Nothing when it is no JSON object of texts, each once.
std::optional<std::vector<CopiedSecret>> ReadCopy(const SecretBytes& plaintext) {
  const std::string_view json = AsText(plaintext.Expose(SecretAccess::kCipher));
  std::vector<CopiedSecret> secrets;
  bool is_map = true;
  std::size_t strings = 0;
  const Status read = ForEachJsonLeaf(json, [&](const JsonLeaf& leaf) {
    is_map = is_map && leaf.is_string && leaf.depth == 1 && !leaf.key.empty();
    if (!is_map) return;
    secrets.push_back(
        {std::string(leaf.key), std::string(leaf.path), strings++, SecretBytes::CopyOf(AsBytes(leaf.text))});
  });
  if (!read.ok() || !is_map || HasDuplicateKeys(json)) return std::nullopt;
  return secrets;
}

SkipReason ProblemOf(const SecretBytes& value) {
  if (value.size() > kMaxSecretBytes) return SkipReason::kTooLarge;
  const std::string_view text = AsText(value.Expose(SecretAccess::kCipher));
  return text.starts_with(kSecretScheme) ? SkipReason::kReference : SkipReason::kNone;
}

class Opener {
 public:
  Opener(const CredentialRows& rows, const CredentialKeys& keys) : rows_(rows), keys_(keys) {}

  void OpenAll() {
    const auto& found = rows_.credentials();
    values_.resize(found.size());
    copies_.resize(rows_.copies().size());
    InParallel(
        values_.size() + copies_.size(), ThreadsFor(kAllCores), [this](std::size_t each) { OpenOne(each); },
        [](std::size_t) {});
    for (std::size_t i = 0; i < found.size(); ++i) AddFound(found[i], std::move(values_[i]));
    for (std::size_t i = 0; i < copies_.size(); ++i) AddCopy(rows_.copies()[i], std::move(copies_[i]));
    MergeOldColumns();
    FindTwins();
  }
  std::vector<Credential> Take() { return std::move(credentials_); }

 private:
  void OpenOne(std::size_t each) {
    if (each < values_.size()) {
      const Credential& credential = rows_.credentials()[each];
      if (credential.problem != SkipReason::kNone) return;
      const CredentialSite& site = credential.sites.front();
      values_[each] = site.in_clear ? std::optional(credential.value.Clone()) : keys_.Open(site.blob);
      return;
    }
    const UnifiedCopy& copy = rows_.copies()[each - values_.size()];
    if (copy.problem == SkipReason::kNone) copies_[each - values_.size()] = keys_.Open(copy.site.blob);
  }

  void Add(Credential credential) {
    if (credential.problem == SkipReason::kNone) credential.problem = ProblemOf(credential.value);
    if (credential.problem != SkipReason::kNone) credential.value.Clear();
    credentials_.push_back(std::move(credential));
  }

  void AddFound(const Credential& found, std::optional<SecretBytes> value) {
    const CredentialSite& site = found.sites.front();
    if (found.kind == CredentialKind::kDatasource && !site.in_clear) has_own_.insert(site.row);
    if (value && value->empty()) return;
    Credential credential;
    credential.kind = found.kind;
    credential.path = found.path;
    credential.sites = found.sites;
    credential.problem = found.problem;
    if (value) credential.value = std::move(*value);
    if (!value && found.problem == SkipReason::kNone) credential.problem = SkipReason::kNotUnderKey;
    if (found.kind == CredentialKind::kDatasource && !site.in_clear) own_[site.row].push_back(credentials_.size());
    Add(std::move(credential));
  }

  void AddCopy(const UnifiedCopy& copy, const std::optional<SecretBytes>& plaintext) {
    SkipReason problem = copy.problem;
    if (problem == SkipReason::kNone && !plaintext) problem = SkipReason::kNotUnderKey;
    if (!copied_.insert(*copy.datasource).second) problem = SkipReason::kCopiesDiffer;
    std::optional<std::vector<CopiedSecret>> secrets;
    if (problem == SkipReason::kNone) {
      secrets = ReadCopy(*plaintext);
      if (!secrets) problem = SkipReason::kDamaged;
    }
    if (problem != SkipReason::kNone) return AddProblem(copy, problem);
    std::set<std::size_t> matched;
    for (CopiedSecret& secret : *secrets) {
      if (!secret.value.empty()) Match(copy, secret, matched);
    }
    for (const std::size_t own : own_[*copy.datasource]) {
      if (!matched.contains(own)) Differ(credentials_[own]);
    }
  }

  void AddProblem(const UnifiedCopy& copy, SkipReason problem) {
    Credential credential;
    credential.sites.push_back(copy.site);
    credential.problem = problem;
    Add(std::move(credential));
  }

  static void Differ(Credential& credential) {
    if (credential.problem != SkipReason::kNone) return;
    credential.problem = SkipReason::kCopiesDiffer;
    credential.value.Clear();
  }

  // With the datasource's own. Some releases keep nothing there any more.
  void Match(const UnifiedCopy& copy, CopiedSecret& secret, std::set<std::size_t>& matched) {
    CredentialSite site = copy.site;
    site.json_path = secret.path;
    site.json_value = secret.json_value;
    for (const std::size_t own : own_[*copy.datasource]) {
      Credential& credential = credentials_[own];
      if (KeyOf(credential) != secret.key) continue;
      matched.insert(own);
      if (credential.problem == SkipReason::kNone && !EqualConstantTime(credential.value, secret.value))
        Differ(credential);
      credential.sites.push_back(std::move(site));
      return;
    }
    Credential credential;
    const RowNames& names = rows_.rows()[*copy.datasource].names;
    if (secret.path == secret.key) credential.path = CredentialPath(CredentialKind::kDatasource, names, secret.key);
    credential.sites.push_back(std::move(site));
    credential.value = std::move(secret.value);
    if (!credential.path) credential.problem = SkipReason::kNoPath;
    if (has_own_.contains(*copy.datasource)) credential.problem = SkipReason::kCopiesDiffer;
    Add(std::move(credential));
  }

  // Grafana uses what is encrypted.
  void MergeOldColumns() {
    std::map<std::string, std::size_t> encrypted;
    for (std::size_t i = 0; i < credentials_.size(); ++i) {
      const Credential& each = credentials_[i];
      if (each.kind == CredentialKind::kDatasource && each.path && !each.sites.front().in_clear)
        encrypted.emplace(each.path->text(), i);
    }
    for (Credential& old : credentials_) {
      const bool is_old = old.sites.front().in_clear && old.problem == SkipReason::kNone;
      const auto newer = is_old ? encrypted.find(old.path->text()) : encrypted.end();
      if (newer == encrypted.end()) continue;
      Credential& own = credentials_[newer->second];
      if (own.problem == SkipReason::kNone && EqualConstantTime(own.value, old.value)) {
        own.sites.push_back(std::move(old.sites.front()));
        old.sites.clear();
      } else {
        old.problem = SkipReason::kSuperseded;
        old.value.Clear();
      }
    }
    std::erase_if(credentials_, [](const Credential& each) { return each.sites.empty(); });
  }

  void FindTwins() {
    std::map<std::string, std::vector<Credential*>> by_path;
    for (Credential& each : credentials_) {
      if (each.path && each.problem != SkipReason::kSuperseded) by_path[each.path->text()].push_back(&each);
    }
    for (const auto& [path, twins] : by_path) {
      if (twins.size() < 2) continue;
      for (Credential* const twin : twins) {
        twin->problem = SkipReason::kPathTwice;
        twin->value.Clear();
      }
    }
  }

  const CredentialRows& rows_;
  const CredentialKeys& keys_;
  std::vector<std::optional<SecretBytes>> values_;  // of rows_.credentials()
  std::vector<std::optional<SecretBytes>> copies_;  // of rows_.copies()
  std::set<std::size_t> has_own_;                   // datasources with a value in their own row, an empty one too
  std::set<std::size_t> copied_;                    // datasources with a copy
  std::map<std::size_t, std::vector<std::size_t>> own_;
  std::vector<Credential> credentials_;
};

}  // namespace

CredentialKeys::CredentialKeys(const CredentialRows& rows, const SecretBytes& secret_key, bool accept_unproven)
    : rows_(rows) {
  const std::array<const SecretBytes*, 1> candidates = {&secret_key};
  assignment_ = AssignKeys(rows.keyed(), candidates, ThreadsFor(kAllCores), [](std::size_t, std::size_t) {});
  if (!assignment_.IsComplete() && !assignment_.AnyProven()) {
    refusal_ = assignment_.possible.empty() ? KeyRefusal::kOpensNothing : KeyRefusal::kUnproven;
    if (refusal_ == KeyRefusal::kUnproven && accept_unproven) {
      assignment_.AcceptUnproven(rows.keyed(), secret_key, 0);
      refusal_ = KeyRefusal::kNone;
    }
  }
  if (!accept_unproven) assignment_.LeaveDoubtful();
  for (std::size_t i = 0; i < rows.keyed().data_keys().size(); ++i) {
    if (!assignment_.of_data_key[i]) continue;
    const DataKey& key = *rows.keyed().data_keys()[i].key;
    auto data_key = key.wrapped->Decrypt(secret_key);
    if (!data_key.ok()) continue;
    data_keys_.emplace(key.id, std::move(data_key).value());
    const TrialOutcome outcome = assignment_.data_key_trials[i].outcome;
    const bool opens = outcome == TrialOutcome::kPlausible || outcome == TrialOutcome::kTagged;
    if (key.active && opens) in_use_.insert(key.id);
  }
}

const SecretBytes* CredentialKeys::Find(std::string_view id) const {
  const auto found = data_keys_.find(id);
  return found == data_keys_.end() ? nullptr : &found->second;
}

bool CredentialKeys::IsInUse(std::string_view id) const { return in_use_.contains(id); }

std::optional<SecretBytes> CredentialKeys::Open(ByteView bytes) const {
  const auto blob = SecretBlob::Parse(bytes);
  if (!blob.ok()) return std::nullopt;
  SecretBytes value;
  if (blob->data_key) {
    const SecretBytes* const key = Find(*blob->data_key);
    if (key == nullptr) return std::nullopt;
    auto plaintext = blob->Decrypt(*key);
    if (!plaintext.ok()) return std::nullopt;
    value = std::move(plaintext).value();
  } else {
    const std::optional<std::size_t> legacy = rows_.keyed().ValueOf(bytes);
    if (!legacy || !assignment_.of_value[*legacy]) return std::nullopt;
    value = assignment_.plaintexts[*legacy].Clone();
  }
  if (!PlausibleBits(value, PlaintextKind::kText)) return std::nullopt;
  return value;
}

std::vector<Credential> OpenCredentials(const CredentialRows& rows, const CredentialKeys& keys) {
  Opener opener(rows, keys);
  opener.OpenAll();
  return opener.Take();
}

}  // namespace coffer::grafana
