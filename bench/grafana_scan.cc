// grafana_scan: how long the scan of a Grafana's SQLite file takes, against reading the same cells and doing nothing
// with them. A million rows unless told: 500,000 datasources, each in both its tables. JSON on stdout.
#include <chrono>
#include <iostream>
#include <sys/resource.h>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/grafana_file.h"
#include "bench/spread.h"
#include "plugins/grafana/database/scan.h"
#include "plugins/grafana/database/sensitive_columns.h"
#include "plugins/grafana/database/sqlite_rows.h"
#include "tests/support/temp_dir.h"

namespace coffer::bench {
namespace {

using std::chrono::steady_clock;

struct Settings {
  std::uint64_t sources = 500'000;
  std::uint64_t data_keys = 365;
  int rounds = 5;
};

double SecondsOf(const std::function<void()>& work) {
  const auto start = steady_clock::now();
  work();
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

// Hands the scan's rows on, and keeps what it asked for.
class AskedRows : public grafana::RowReader {
 public:
  explicit AskedRows(const std::string& path) : rows_(path) {}
  Result<std::vector<grafana::FoundTable>> Read(std::span<const grafana::WantedTable> wanted,
                                                const grafana::OnRow& on_row) override {
    asked_.assign(wanted.begin(), wanted.end());
    return rows_.Read(wanted, on_row);
  }
  const std::vector<grafana::WantedTable>& asked() const { return asked_; }

 private:
  grafana::SqliteRows rows_;
  std::vector<grafana::WantedTable> asked_;
};

nlohmann::json Measure(const std::string& path, int rounds) {
  std::vector<double> reading;
  std::vector<double> scanning;
  std::vector<double> ratios;
  grafana::ScanReport report;
  for (int round = 0; round < rounds; ++round) {
    AskedRows rows(path);
    grafana::ScanOptions options;
    options.secret_key = GrafanaKey(kFirstSecretKey);
    scanning.push_back(SecondsOf([&rows, &options, &report] {
      auto scanned = grafana::Scan(rows, options);
      COFFER_CHECK(scanned.ok());
      report = std::move(*scanned);
    }));
    reading.push_back(SecondsOf([&rows, &path] {
      COFFER_CHECK(grafana::SqliteRows(path).Read(rows.asked(), [](const grafana::ReadRow&) { return Status(); }).ok());
    }));
    ratios.push_back(scanning.back() / reading.back());
  }
  rusage usage{};
  COFFER_CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return {{"findings", report.findings.size()},
          {"read_seconds", AsJson(SpreadOf(reading))},
          {"scan_seconds", AsJson(SpreadOf(scanning))},
          {"ratio", AsJson(SpreadOf(ratios))},
          {"largest_resident_mib", usage.ru_maxrss / 1024}};
}

nlohmann::json MeasureAll(const Settings& settings) {
  const TempDir folder;
  MakeEnvelopeFile(folder / "grafana.db", settings.sources, settings.data_keys);
  nlohmann::json json = Measure(folder / "grafana.db", settings.rounds);
  json["cores"] = std::thread::hardware_concurrency();
  json["rows"] = 2 * settings.sources + settings.data_keys;
  return json;
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  coffer::bench::Settings settings;
  CLI::App app("Times the scan of a Grafana's database");
  app.add_option("--sources", settings.sources, "Datasources, two rows each");
  app.add_option("--data-keys", settings.data_keys, "Data keys that they are under");
  app.add_option("--rounds", settings.rounds, "Scans");
  CLI11_PARSE(app, argc, argv);
  std::cout << coffer::bench::MeasureAll(settings).dump(2) << "\n";
  return 0;
}
