// The secret_key that Grafana ships in conf/defaults.ini, for [security] and for its secrets manager alike. It is
// public: what it protects, anybody reads.
#pragma once

#include <string_view>

namespace coffer::grafana {

inline constexpr std::string_view kDefaultSecretKey = "SW2YcwTIb9zpOOhoPsMm";

}  // namespace coffer::grafana
