// Puts the values back: a provisioning file with references becomes the one that Grafana reads.
//
// A reference is replaced only where Grafana keeps the field secret (a value of secureJsonData), and only in the
// datasource it is named after: its path must be grafana/<orgId>/<uid or name>/<key> of one of the places that use it.
// So a reference cannot be moved into `url`, and an editor of one datasource cannot point at another's secret, unless
// its path is listed in `shared`. What remains: whoever may change a file can name its datasource as he likes and
// change its `url`, and receives the secret there; the folder must be writable by its owner only.
#pragma once

#include <functional>
#include <set>

#include "plugins/grafana/provisioning.h"
#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

struct RenderOptions {
  std::set<std::string> shared;  // Paths that any datasource may use.
};

// Where a secret comes from; VaultPort::Get for one.
using FetchSecret = std::function<Result<SecretBytes>(const SecretReference&)>;

struct Rendered {
  SecretBytes text;
  std::size_t references = 0;
  std::size_t plaintexts = 0;  // Values that were no references: left as they are, and expanded by Grafana.
};

// Fails with FindSecrets' errors; with kPermissionDenied and the line for a reference to another datasource's secret;
// with kInvalidArgument and the path for a value that is not UTF-8 or holds NUL; with the errors of `fetch`, path and
// line added.
Result<Rendered> RenderFile(std::string_view text, const FetchSecret& fetch, const RenderOptions& options);

// The value as a YAML double-quoted scalar that Grafana reads as exactly this value: every '$' doubled (Grafana's
// provisioning/values splits at "$$" and expands the rest), everything but printable characters escaped.
// kInvalidArgument when the value is not UTF-8 or holds NUL.
Result<SecretBytes> QuoteForGrafana(const SecretBytes& value);

}  // namespace coffer::grafana
