#include "plugins/grafana/transfer/credential.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsOfOrganisation(CredentialKind kind) {
  return kind != CredentialKind::kSso && kind != CredentialKind::kSetting && kind != CredentialKind::kRepository;
}

}  // namespace

std::string_view CredentialKindName(CredentialKind kind) {
  switch (kind) {
    case CredentialKind::kDatasource:
      return "datasources";
    case CredentialKind::kPlugin:
      return "plugins";
    case CredentialKind::kContactPoint:
      return "contact-points";
    case CredentialKind::kNotificationChannel:
      return "notification-channels";
    case CredentialKind::kSso:
      return "sso";
    case CredentialKind::kSetting:
      return "settings";
    case CredentialKind::kRepository:
      return "repositories";
  }
  return "unknown";
}

std::string_view SkipReasonName(SkipReason reason) {
  switch (reason) {
    case SkipReason::kNone:
      return "";
    case SkipReason::kDamaged:
      return "damaged";
    case SkipReason::kNotUnderKey:
      return "not-under-key";
    case SkipReason::kInClear:
      return "in-clear";
    case SkipReason::kDuplicateKeys:
      return "duplicate-keys";
    case SkipReason::kCopiesDiffer:
      return "copies-differ";
    case SkipReason::kNoPath:
      return "no-path";
    case SkipReason::kPathTwice:
      return "path-twice";
    case SkipReason::kTooLarge:
      return "too-large";
    case SkipReason::kReference:
      return "reference";
    case SkipReason::kSuperseded:
      return "superseded";
    case SkipReason::kOtherValue:
      return "other-value";
    case SkipReason::kNotInVault:
      return "not-in-vault";
    case SkipReason::kGoneFromVault:
      return "gone-from-vault";
    case SkipReason::kOtherOrigin:
      return "other-origin";
    case SkipReason::kNotText:
      return "not-text";
    case SkipReason::kNoDataKey:
      return "no-data-key";
  }
  return "unknown";
}

std::string_view SkipReasonText(SkipReason reason) {
  switch (reason) {
    case SkipReason::kNone:
      return "";
    case SkipReason::kDamaged:
      return "is damaged";
    case SkipReason::kNotUnderKey:
      return "is under another key, too short to tell, or damaged";
    case SkipReason::kInClear:
      return "is in clear where Grafana reads an encrypted value";
    case SkipReason::kDuplicateKeys:
      return "stands in JSON that has a key twice";
    case SkipReason::kCopiesDiffer:
      return "is not the same in data_source and in table secrets";
    case SkipReason::kNoPath:
      return "has no name, or one too long for a path of the vault";
    case SkipReason::kPathTwice:
      return "has the same path as another one";
    case SkipReason::kTooLarge:
      return "is larger than the vault takes";
    case SkipReason::kReference:
      return "is a reference to the vault already";
    case SkipReason::kSuperseded:
      return "is an old column's, and Grafana uses another value";
    case SkipReason::kOtherValue:
      return "has another value in the vault";
    case SkipReason::kNotInVault:
      return "is not in the vault";
    case SkipReason::kGoneFromVault:
      return "is deleted or expired in the vault, or its key is disabled";
    case SkipReason::kOtherOrigin:
      return "did not come into the vault from this row";
    case SkipReason::kNotText:
      return "is empty or no text in the vault";
    case SkipReason::kNoDataKey:
      return "has no active data key that opens values of this database";
  }
  return "unknown";
}

// Of an organisation a datasource's have four segments and others five; what is of none has no number in its second.
std::optional<SecretPath> CredentialPath(CredentialKind kind, const RowNames& names, std::string_view key) {
  const auto name = [&names](std::string_view column) { return std::string(NameIn(names, column)); };
  const auto either = [&name](std::string_view column, std::string_view other) {
    return name(column).empty() ? name(other) : name(column);
  };
  const std::string group(CredentialKindName(kind));
  std::vector<std::string> segments{"grafana"};
  switch (kind) {
    case CredentialKind::kDatasource:
      segments.insert(segments.end(), {name("org_id"), either("uid", "name")});
      break;
    case CredentialKind::kPlugin:
      segments.insert(segments.end(), {name("org_id"), group, name("plugin_id")});
      break;
    case CredentialKind::kContactPoint:
      segments.insert(segments.end(), {name("org_id"), group, name("integration")});
      break;
    case CredentialKind::kNotificationChannel:
      segments.insert(segments.end(), {name("org_id"), group, either("uid", "id")});
      break;
    case CredentialKind::kSso:
      segments.insert(segments.end(), {group, name("provider")});
      break;
    case CredentialKind::kSetting:
      segments.insert(segments.end(), {group, name("section")});
      break;
    case CredentialKind::kRepository:
      segments.insert(segments.end(), {group, name("namespace"), name("name")});
      break;
  }
  if (IsOfOrganisation(kind) && !IsNumber(segments[1])) return std::nullopt;
  segments.emplace_back(key);
  auto path = SecretPath::FromSegments(segments);
  if (!path.ok()) return std::nullopt;
  return std::move(path).value();
}

}  // namespace coffer::grafana
