// A Grafana's SQLite file of any size, for what reads or changes one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/secret_bytes.h"

namespace coffer::bench {

inline constexpr std::string_view kFirstSecretKey = "the-first-secret-key";
SecretBytes GrafanaKey(std::string_view text);

// `sources` datasources, each in both its tables, under `data_keys` data keys; Grafana makes one a day. A value costs
// milliseconds to make, so that two of each data key are made once for many rows.
void MakeEnvelopeFile(const std::string& path, std::uint64_t sources, std::uint64_t data_keys);

// `values` values under secret_key itself, no two the same.
void MakeLegacyFile(const std::string& path, std::uint64_t values);

}  // namespace coffer::bench
