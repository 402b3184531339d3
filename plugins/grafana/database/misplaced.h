// Secrets where none belong: passwords in URLs, tokens in dashboards, keys in plain settings. Few patterns, each
// precise: a finding is meant to be looked at by a person.
#pragma once

#include <functional>
#include <string_view>

#include "crypto/bytes.h"
#include "plugins/grafana/database/secret_patterns.h"
#include "plugins/grafana/database/sensitive_columns.h"

namespace coffer::grafana {

// "url-password", "named-key"...
std::string_view MisplacedKindName(MisplacedKind kind);

// Whether a JSON key names a secret, as "apiToken", "client_secret" or "Password" do and "tokenUrl" does not.
bool IsSecretName(std::string_view key);

using OnMisplaced = std::function<void(std::string_view path, MisplacedKind)>;
// What is misplaced in a cell, once for each string and kind; the path is empty where the cell is no JSON. Strings that
// ReadCell gives as secrets are left out. Named keys count in kSettings, kMaybeSettings, kAlertingJson and
// kResourceJson, with a text or a number of four characters and more. kInvalidArgument: a cell of kSettings is no JSON,
// and was searched as text.
Status FindMisplacedIn(CellEncoding encoding, ByteView cell, const OnMisplaced& on_misplaced);

}  // namespace coffer::grafana
