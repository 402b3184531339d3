// What Grafana makes of a provisioning file: a model of its provisioning/datasources and provisioning/values packages,
// on yaml-cpp's node reader (the product uses the event reader).
#pragma once

#include <map>
#include <string>

namespace coffer::grafana {

// "org/uid or name/key" -> value.
using SecureValues = std::map<std::string, std::string>;

// The values of secureJsonData before Grafana's expansion, aliases and merges resolved. Null values are left out.
SecureValues ReadSecure(const std::string& yaml);

// interpolateValue of provisioning/values: split at "$$", expand each part, join with "$". Whatever would be expanded
// becomes
// "<expanded>".
std::string Interpolate(const std::string& value);

// ReadSecure, then Interpolate.
SecureValues ReadAsGrafana(const std::string& yaml);

}  // namespace coffer::grafana
