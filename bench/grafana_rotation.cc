// grafana_rotation: how long a Grafana's SQLite file takes from one secret_key to another: with 100,000 datasources
// under data keys, each in both its tables, and with 10,000 values under secret_key itself. JSON on stdout.
#include <chrono>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/grafana_file.h"
#include "bench/spread.h"
#include "plugins/grafana/cells/sqlite_cells.h"
#include "plugins/grafana/rotation/rotation.h"
#include "tests/support/temp_dir.h"

namespace coffer::bench {
namespace {

using std::chrono::steady_clock;

struct Settings {
  std::uint64_t sources = 100'000;
  std::uint64_t data_keys = 365;  // Grafana makes one a day
  std::uint64_t legacy = 10'000;
  int rounds = 5;
};

constexpr std::string_view kSecondSecretKey = "the-second-secret-key";

// To the other key and back in turns.
nlohmann::json Measure(const std::string& path, int rounds) {
  std::vector<double> seconds;
  grafana::RotationReport report;
  for (int round = 0; round < rounds; ++round) {
    grafana::RotationKeys keys;
    keys.old.push_back(GrafanaKey(round % 2 == 0 ? kFirstSecretKey : kSecondSecretKey));
    keys.target = GrafanaKey(round % 2 == 0 ? kSecondSecretKey : kFirstSecretKey);
    const auto start = steady_clock::now();
    const auto cells = grafana::SqliteCells::Open({.path = path, .busy_timeout_ms = 0, .vfs = ""});
    COFFER_CHECK(cells.ok());
    auto rotated = grafana::Rotate(**cells, keys, {}, [] { return Status(); });
    COFFER_CHECK(rotated.ok() && rotated->refusal == grafana::RotationRefusal::kNone);
    report = std::move(*rotated);
    seconds.push_back(std::chrono::duration<double>(steady_clock::now() - start).count());
  }
  return {{"data_keys", report.data_keys},
          {"values_under_secret_key", report.ValueCount()},
          {"values_under_data_keys", report.envelopes},
          {"rows_changed", report.rows},
          {"seconds", AsJson(SpreadOf(seconds))}};
}

nlohmann::json MeasureAll(const Settings& settings) {
  const TempDir folder;
  MakeEnvelopeFile(folder / "envelopes.db", settings.sources, settings.data_keys);
  MakeLegacyFile(folder / "legacy.db", settings.legacy);
  return {{"cores", std::thread::hardware_concurrency()},
          {"datasources", settings.sources},
          {"under_data_keys", Measure(folder / "envelopes.db", settings.rounds)},
          {"under_secret_key", Measure(folder / "legacy.db", settings.rounds)}};
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  coffer::bench::Settings settings;
  CLI::App app("Times rotations of a Grafana's secret_key");
  app.add_option("--sources", settings.sources, "Datasources under data keys");
  app.add_option("--data-keys", settings.data_keys, "Data keys that they are under");
  app.add_option("--legacy", settings.legacy, "Values under secret_key itself");
  app.add_option("--rounds", settings.rounds, "Rotations of each");
  CLI11_PARSE(app, argc, argv);
  std::cout << coffer::bench::MeasureAll(settings).dump(2) << "\n";
  return 0;
}
