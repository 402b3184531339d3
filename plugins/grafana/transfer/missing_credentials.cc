#include "plugins/grafana/transfer/missing_credentials.h"

#include <algorithm>

#include "plugins/grafana/cells/json_strings.h"
#include "plugins/grafana/database/characters.h"
#include "plugins/grafana/database/json_leaves.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kDatasources = "data_source";
constexpr std::string_view kSecure = "secure_json_data";

// What a pair can be added to.
bool IsMap(std::string_view json) {
  if (!ForEachJsonLeaf(json, [](const JsonLeaf&) {}).ok() || HasDuplicateKeys(json)) return false;
  return Trimmed(json) == "null" || Trimmed(json).starts_with('{');
}

// Keys that Grafana's plugins use: they stand in JSON, in paths and in reports as they are.
bool IsPlainKey(std::string_view key) {
  const auto is_plain = [](char c) { return IsAlphanumeric(c) || c == '.' || c == '_' || c == '-'; };
  return std::all_of(key.begin(), key.end(), is_plain);
}

using Owners = std::map<std::string, std::optional<std::size_t>, std::less<>>;

// The datasources' rows by what their paths begin with; nothing where two have the same.
Owners OwnersOf(const CredentialRows& rows) {
  Owners owners;
  for (std::size_t row = 0; row < rows.rows().size(); ++row) {
    if (rows.rows()[row].table != kDatasources) continue;
    const auto path = CredentialPath(CredentialKind::kDatasource, rows.rows()[row].names, "k");
    if (!path) continue;
    const auto [owner, is_new] = owners.emplace(path->text().substr(0, path->text().size() - 1), row);
    if (!is_new) owner->second.reset();
  }
  return owners;
}

// What paths of each organisation begin with.
std::set<std::string> OrganisationsOf(const Owners& owners) {
  std::set<std::string> organisations;
  for (const auto& [owner, row] : owners) {
    organisations.insert(owner.substr(0, owner.rfind('/', owner.size() - 2) + 1));
  }
  return organisations;
}

class Finder {
 public:
  Finder(const CredentialRows& rows, const CredentialKeys& keys) : rows_(rows), keys_(keys) {}

  // Where a datasource's secret belongs.
  Credential Make(std::size_t row, const std::string& path) const {
    Credential credential;
    credential.path = SecretPath::Parse(path).value();
    const std::string key = credential.path->Segments().back();
    const auto copy = std::find_if(rows_.copies().begin(), rows_.copies().end(),
                                   [row](const UnifiedCopy& each) { return each.datasource == row; });
    const bool has_copy = copy != rows_.copies().end();
    if (HasOwn(row) || !has_copy) AddOwn(row, key, credential);
    if (has_copy) AddCopy(*copy, key, credential);
    if (!IsPlainKey(key)) credential.problem = SkipReason::kNoPath;
    return credential;
  }

 private:
  bool HasOwn(std::size_t row) const {
    const auto& all = rows_.credentials();
    return std::any_of(all.begin(), all.end(), [row](const Credential& each) {
      const CredentialSite& site = each.sites.front();
      return each.kind == CredentialKind::kDatasource && site.row == row && !site.in_clear;
    });
  }

  void AddOwn(std::size_t row, const std::string& key, Credential& credential) const {
    const auto& cells = rows_.rows()[row].cells;
    const auto cell = std::find_if(cells.begin(), cells.end(),
                                   [](const auto& each) { return SensitiveColumns()[each.first].column == kSecure; });
    const bool can_take = cell != cells.end() && IsMap(AsText(cell->second));
    if (!can_take) credential.problem = SkipReason::kDamaged;
    CredentialSite& site = credential.sites.emplace_back();
    site.row = row;
    site.column = can_take ? cell->first : 0;
    site.json_path = key;
    site.is_new = true;
    if (can_take) FindEmpty(AsText(cell->second), credential);
  }

  void AddCopy(const UnifiedCopy& copy, const std::string& key, Credential& credential) const {
    const std::optional<SecretBytes> json =
        copy.problem == SkipReason::kNone ? keys_.Open(copy.site.blob) : std::nullopt;
    const std::string_view text = json ? AsText(json->Expose(SecretAccess::kCipher)) : std::string_view();
    const bool can_take = json && IsMap(text);
    if (!can_take) credential.problem = SkipReason::kDamaged;
    CredentialSite& site = credential.sites.emplace_back(copy.site);
    site.json_path = key;
    site.is_new = true;
    if (can_take) FindEmpty(text, credential);
  }

  // Whether the last site's key is in the JSON already: what has a value there is not missing.
  static void FindEmpty(std::string_view json, Credential& credential) {
    CredentialSite& site = credential.sites.back();
    std::size_t strings = 0;
    const Status read = ForEachJsonLeaf(json, [&](const JsonLeaf& leaf) {
      const std::size_t value = strings;
      if (leaf.is_string) ++strings;
      if (leaf.depth != 1 || leaf.key != site.json_path) return;
      if (!leaf.is_string) credential.problem = SkipReason::kDamaged;
      site.json_value = value;
      site.replaces_empty = true;
    });
    if (!read.ok()) credential.problem = SkipReason::kDamaged;
  }

  const CredentialRows& rows_;
  const CredentialKeys& keys_;
};

}  // namespace

Result<std::vector<MissingCredential>> FindMissing(const CredentialRows& rows, const CredentialKeys& keys,
                                                   const std::set<std::string>& known, MetadataVault& vault,
                                                   SecretLister& lister) {
  const Owners owners = OwnersOf(rows);
  const Finder finder(rows, keys);
  std::vector<Credential> missing;
  for (const std::string& organisation : OrganisationsOf(owners)) {
    SecretPage page;
    do {
      COFFER_ASSIGN_OR_RETURN(page, lister.List(organisation, page.next));
      for (const ListedSecret& secret : page.secrets) {
        const auto owner = owners.find(secret.path.substr(0, secret.path.rfind('/') + 1));
        if (owner == owners.end() || !owner->second || known.contains(secret.path)) continue;
        missing.push_back(finder.Make(*owner->second, secret.path));
      }
    } while (!page.next.empty());
  }
  std::vector<MissingCredential> found;
  for (Credential& each : missing) {
    auto stored = vault.GetWithMetadata(*each.path);
    if (!stored.ok() && IsGone(stored.error())) continue;
    if (!stored.ok()) return Error(std::move(stored).error()).At(each.path->text());
    if (each.problem == SkipReason::kNone) each.value = std::move(stored->secret.value);
    found.push_back({std::move(each), std::move(stored->metadata)});
  }
  return found;
}

std::string WithPair(std::string_view json, std::string_view key, std::string_view text) {
  const std::string pair = "\"" + std::string(key) + "\":\"" + std::string(text) + "\"";
  if (Trimmed(json) == "null") return "{" + pair + "}";
  const std::size_t brace = json.rfind('}');
  const std::size_t last = json.find_last_not_of(kSpaces, brace - 1);
  const bool is_empty = json[last] == '{';
  return std::string(json.substr(0, last + 1)) + (is_empty ? "" : ",") + pair + std::string(json.substr(last + 1));
}

}  // namespace coffer::grafana
