#include "plugins/grafana/transfer/export_plan.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "crypto/secret_equality.h"
#include "plugins/grafana/cells/cell_rewriter.h"
#include "plugins/grafana/cells/json_strings.h"
#include "plugins/grafana/database/plausible.h"
#include "plugins/grafana/provisioning.h"
#include "plugins/grafana/transfer/missing_credentials.h"
#include "plugins/grafana/transfer/origin.h"

namespace coffer::grafana {
namespace {

Error DoesNotComeBack() { return {ErrorCode::kInternal, "a value does not come back from its new encryption"}; }
Error NotWritten() { return {ErrorCode::kInternal, "the database does not hold what was written to it"}; }

// A text that stands in for a JSON string, without its quotes.
struct NewString {
  std::size_t json_value = 0;
  std::string text;
  std::string added_key;  // of a new pair; else empty
};

std::string WithStrings(std::string_view json, std::vector<NewString> strings) {
  std::sort(strings.begin(), strings.end(),
            [](const NewString& a, const NewString& b) { return a.json_value < b.json_value; });
  const auto added = std::stable_partition(strings.begin(), strings.end(),
                                           [](const NewString& each) { return each.added_key.empty(); });
  const std::vector<JsonString> values = JsonStringValues(json);
  std::string text;
  std::size_t done = 0;
  for (auto each = strings.begin(); each != added; ++each) {
    const JsonString& at = values[each->json_value];
    text.append(json, done, at.offset - done).append(each->text);
    done = at.offset + at.size;
  }
  text.append(json, done);
  for (auto each = added; each != strings.end(); ++each) text = WithPair(text, each->added_key, each->text);
  return text;
}

// Between the quotes of a JSON string.
std::string TextFor(const SecretBytes& value) {
  const std::string quoted = nlohmann::json(AsText(value.Expose(SecretAccess::kCipher))).dump();
  return quoted.substr(1, quoted.size() - 2);
}

NewString StringOf(const CredentialSite& site, std::string text) {
  const bool is_added = site.is_new && !site.replaces_empty;
  return {site.json_value, std::move(text), is_added ? site.json_path : std::string()};
}

bool IsSafeForGrafana(const SecretBytes& value) {
  const std::string_view text = AsText(value.Expose(SecretAccess::kCipher));
  return !text.empty() && !text.starts_with(kSecretScheme) && value.size() <= kMaxSecretBytes &&
         PlausibleBits(value, PlaintextKind::kText).has_value();
}

}  // namespace

Status ExportPlan::Make(const ExportVault& vault) {
  for (Credential& credential : OpenCredentials(rows_, keys_)) {
    if (credential.kind == CredentialKind::kRepository) continue;
    if (!options_.only || credential.kind == *options_.only) plan_.push_back({std::move(credential), {}});
  }
  for (Planned& each : plan_) {
    if (each.credential.problem == SkipReason::kNone) COFFER_TRY(Decide(vault.values, each));
    if (each.credential.problem != SkipReason::kNone) each.outcome = TransferOutcome::kSkipped;
  }
  const bool adds = options_.add && options_.only.value_or(CredentialKind::kDatasource) == CredentialKind::kDatasource;
  if (adds) COFFER_TRY(AddMissing(vault));
  Report();
  return {};
}

Status ExportPlan::AddMissing(const ExportVault& vault) {
  std::set<std::string> known;
  for (const Planned& each : plan_) {
    if (each.credential.path && !each.credential.sites.front().in_clear) known.insert(each.credential.path->text());
  }
  COFFER_ASSIGN_OR_RETURN(std::vector<MissingCredential> missing,
                          FindMissing(rows_, keys_, known, vault.values, vault.list));
  for (auto& [credential, origin] : missing) {
    if (credential.problem == SkipReason::kNone && !MayTake(credential, origin)) {
      credential.problem = SkipReason::kOtherOrigin;
    }
    if (credential.problem == SkipReason::kNone && !IsSafeForGrafana(credential.value)) {
      credential.problem = SkipReason::kNotText;
    }
    if (credential.problem == SkipReason::kNone && !CanEncrypt(credential)) {
      credential.problem = SkipReason::kNoDataKey;
    }
    Planned& each = plan_.emplace_back();
    const bool is_added = credential.problem == SkipReason::kNone;
    each.outcome = is_added ? TransferOutcome::kAdded : TransferOutcome::kSkipped;
    if (is_added) each.next = std::move(credential.value);
    each.credential = std::move(credential);
  }
  return {};
}

bool ExportPlan::MayTake(const Credential& credential, const SecretMetadata& origin) const {
  return options_.accept_other_origin || IsFromThere(rows_, credential, origin);
}

Status ExportPlan::Decide(MetadataVault& vault, Planned& each) const {
  Credential& credential = each.credential;
  const auto is_in_clear = [](const CredentialSite& site) { return site.in_clear; };
  const auto& sites = credential.sites;
  const bool any_in_clear = std::any_of(sites.begin(), sites.end(), is_in_clear);
  auto stored = vault.GetWithMetadata(*credential.path);
  if (!stored.ok() && !IsGone(stored.error())) {
    return Error(std::move(stored).error()).At(credential.path->text());
  }
  each.clears = any_in_clear && options_.clear_plaintext && !sites.front().in_clear;
  if (!stored.ok()) {
    credential.problem = SkipReason::kNotInVault;
  } else if (EqualConstantTime(stored->secret.value, credential.value)) {
    return {};
  } else if (sites.front().in_clear) {
    if (!options_.add) credential.problem = SkipReason::kInClear;
  } else if (!MayTake(credential, stored->metadata)) {
    credential.problem = SkipReason::kOtherOrigin;
  } else if (!IsSafeForGrafana(stored->secret.value)) {
    credential.problem = SkipReason::kNotText;
  } else if (!CanEncrypt(credential)) {
    credential.problem = SkipReason::kNoDataKey;
  } else {
    each.next = std::move(stored->secret.value);
    each.outcome = TransferOutcome::kUpdated;
  }
  if (credential.problem != SkipReason::kNone) each.clears = false;
  return {};
}

void ExportPlan::Report() {
  TransferReport& report = report_.transfer;
  std::set<std::size_t> rows;
  for (const Planned& each : plan_) {
    if (IsObstacle(each.credential.problem) && !options_.accept_unreadable) {
      report.refusal = TransferRefusal::kUnreadable;
    }
    for (const CredentialSite& site : each.credential.sites) {
      const bool changes = site.in_clear ? each.clears : each.next.has_value();
      if (changes) rows.insert(site.row);
      if (site.in_clear && each.clears) ++report_.cleared;
    }
  }
  for (const Planned& each : plan_) report.Add(rows_, each.credential, each.outcome);
  const bool refused = report.refusal != TransferRefusal::kNone;
  if (refused) report_.cleared = 0;
  if (!refused) report_.rows = rows.size();
}

bool ExportPlan::CanEncrypt(const Credential& credential) const {
  return std::all_of(credential.sites.begin(), credential.sites.end(), [this](const CredentialSite& site) {
    if (site.in_clear) return true;
    if (site.is_new && !site.is_copy) return KeyFor({}).has_value();
    const auto blob = SecretBlob::Parse(site.blob);
    return blob.ok() && KeyFor(*blob).has_value();
  });
}

// Labels begin with the day on which the key was made. A data key that opens nothing may be anybody's.
std::optional<std::string> ExportPlan::KeyFor(const SecretBlob& old) const {
  const DataKey* newest = nullptr;
  for (const DataKeyRow& row : rows_.keyed().data_keys()) {
    if (!keys_.IsInUse(row.key->id)) continue;
    if (old.data_key == row.key->id) return row.key->id;
    if (newest == nullptr || newest->label < row.key->label) newest = row.key;
  }
  if (newest != nullptr) return newest->id;
  const bool has_data_keys = !rows_.keyed().data_keys().empty() || rows_.keyed().other_data_keys() > 0;
  if (has_data_keys || old.data_key) return std::nullopt;
  return std::string();
}

// What is new has the cipher of its data key.
Result<Bytes> ExportPlan::NewBlob(const NewValue& each) const {
  SecretBlob old;
  if (!each.site->is_new) {
    COFFER_ASSIGN_OR_RETURN(old, SecretBlob::Parse(each.site->blob));
  }
  for (const DataKeyRow& row : rows_.keyed().data_keys()) {
    if (each.site->is_new && row.key->id == KeyFor({})) old.cipher = row.key->wrapped->cipher;
  }
  return Encrypt(old, *each.value);
}

Result<Bytes> ExportPlan::Encrypt(const SecretBlob& old, const SecretBytes& value) const {
  const std::optional<std::string> id = KeyFor(old);
  if (!id) return DoesNotComeBack();
  const SecretBytes& key = id->empty() ? secret_key_ : *keys_.Find(*id);
  const SecretBlob blob = id->empty() || old.data_key == *id ? old.EncryptAlike(value, key)
                                                             : SecretBlob::Encrypt(value, key, old.cipher, *id);
  Bytes bytes = blob.ToBytes();
  COFFER_ASSIGN_OR_RETURN(const SecretBlob parsed, SecretBlob::Parse(bytes));
  const auto decrypted = parsed.Decrypt(key);
  if (!decrypted.ok() || !EqualConstantTime(*decrypted, value)) return DoesNotComeBack();
  return bytes;
}

// The JSON of table secrets with the new values in it.
Result<SecretBytes> ExportPlan::NewCopy(const CredentialSite& site, const std::vector<NewValue>& values) const {
  const std::optional<SecretBytes> json = keys_.Open(site.blob);
  if (!json) return DoesNotComeBack();
  std::vector<NewString> strings;
  for (const NewValue& each : values) strings.push_back(StringOf(*each.site, TextFor(*each.value)));
  return SecretBytes::Absorb(WithStrings(AsText(json->Expose(SecretAccess::kCipher)), std::move(strings)));
}

Result<Bytes> ExportPlan::NewCell(std::size_t column, ByteView cell, const std::vector<NewValue>& values) const {
  const CellEncoding encoding = SensitiveColumns()[column].encoding;
  const CredentialSite& first = *values.front().site;
  if (first.in_clear) return Bytes();
  std::string text;
  if (first.is_copy) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes copy, NewCopy(first, values));
    COFFER_ASSIGN_OR_RETURN(const SecretBlob old, SecretBlob::Parse(first.blob));
    COFFER_ASSIGN_OR_RETURN(const Bytes blob, Encrypt(old, copy));
    text = Base64For(encoding, blob);
  } else if (encoding == CellEncoding::kBase64) {
    COFFER_ASSIGN_OR_RETURN(const Bytes blob, NewBlob(values.front()));
    text = Base64For(encoding, blob);
  } else {
    std::vector<NewString> strings;
    for (const NewValue& each : values) {
      COFFER_ASSIGN_OR_RETURN(const Bytes blob, NewBlob(each));
      strings.push_back(StringOf(*each.site, Base64For(encoding, blob)));
    }
    text = WithStrings(AsText(cell), std::move(strings));
  }
  return CopyOf(AsBytes(text));
}

Result<std::vector<RowChange>> ExportPlan::MakeChanges() const {
  COFFER_CHECK(report_.transfer.refusal == TransferRefusal::kNone);
  std::map<std::size_t, std::map<std::size_t, std::vector<NewValue>>> by_row;
  for (const Planned& each : plan_) {
    for (const CredentialSite& site : each.credential.sites) {
      const bool changes = site.in_clear ? each.clears : each.next.has_value();
      if (changes) by_row[site.row][site.column].push_back({&site, each.next ? &*each.next : nullptr});
    }
  }
  std::vector<RowChange> changes;
  for (const auto& [row, columns] : by_row) {
    const CredentialRow& of = rows_.rows()[row];
    RowChange& change = changes.emplace_back();
    change.table = of.table;
    change.row_id = of.row_id;
    change.names = of.names;
    change.stamps = rows_.keyed().Stamps(of.table);
    for (const auto& [column, before] : of.cells) {
      const auto values = columns.find(column);
      if (values == columns.end()) continue;
      COFFER_ASSIGN_OR_RETURN(Bytes after, NewCell(column, before, values->second));
      change.cells.push_back({SensitiveColumns()[column].column, before, std::move(after)});
    }
  }
  return changes;
}

Status ExportPlan::CheckWritten(const CredentialRows& after) const {
  const CredentialKeys keys(after, secret_key_);
  if (keys.refusal() != KeyRefusal::kNone) return NotWritten();
  std::map<std::string, const Credential*> found;  // by the first place
  const std::vector<Credential> written = OpenCredentials(after, keys);
  for (const Credential& each : written) found.emplace(after.PlaceOf(each.sites.front()), &each);
  const CellCensus& census = after.keyed().census();
  if (census.rows != rows_.keyed().census().rows || census.unreadable != rows_.keyed().census().unreadable) {
    return NotWritten();
  }
  for (const Planned& each : plan_) {
    // An old column in clear is no place of its own when its value was added where it belongs.
    if (each.outcome == TransferOutcome::kSkipped || each.credential.sites.front().in_clear) continue;
    const auto now = found.find(rows_.PlaceOf(each.credential.sites.front()));
    if (now == found.end() || now->second->problem != SkipReason::kNone) return NotWritten();
    if (!EqualConstantTime(now->second->value, each.next ? *each.next : each.credential.value)) return NotWritten();
  }
  return {};
}

}  // namespace coffer::grafana
