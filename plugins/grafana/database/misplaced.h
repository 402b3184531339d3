// Secrets where none belong: passwords in URLs, tokens in dashboards, keys in plain settings. Few patterns, each
// precise: a finding is meant to be looked at by a person.
#pragma once

#include <functional>
#include <string_view>

#include "crypto/bytes.h"
#include "plugins/grafana/database/sensitive_columns.h"

namespace coffer::grafana {

enum class MisplacedKind : std::uint8_t {
  kUrlPassword,         // scheme://user:password@host, scheme://host/?password=...
  kConnectionPassword,  // host=... password=..., Server=...;Pwd=...
  kNamedKey,            // a JSON key that names a secret, with a value
  kPrivateKey,          // PEM, not encrypted
  kGrafanaToken,        // of a service account, an access policy, an API key
  kGitHubToken,
  kAwsAccessKey,
  kSlackToken,  // or a webhook
  kJsonWebToken,
};
inline constexpr std::size_t kMisplacedKinds = 9;
// "url-password", "named-key"...
std::string_view MisplacedKindName(MisplacedKind kind);

// Calls back once for each kind that the text holds, but for kNamedKey.
void FindMisplaced(std::string_view text, const std::function<void(MisplacedKind)>& on_kind);

// Whether a JSON key names a secret, as "apiToken", "client_secret" or "Password" do and "tokenUrl" does not.
bool IsSecretName(std::string_view key);

using OnMisplaced = std::function<void(std::string_view path, MisplacedKind)>;
// What is misplaced in a cell, once for each string and kind; the path is empty where the cell is no JSON. Strings that
// ReadCell gives as secrets are left out. Named keys count in kSettings and kAlertingJson. kInvalidArgument: a cell of
// kSettings is no JSON, and was searched as text.
Status FindMisplacedIn(CellEncoding encoding, ByteView cell, const OnMisplaced& on_misplaced);

}  // namespace coffer::grafana
