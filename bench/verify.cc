// verify: an audit log of calls as the service records them, written, and then computed anew by the verifier: records a
// second, with and without its tiles, beside SHA-256 alone over the same records. JSON on stdout.
#include <chrono>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "audit/log.h"
#include "audit/verifier.h"
#include "bench/spread.h"
#include "io/directory.h"
#include "tests/support/temp_dir.h"

namespace coffer::bench {
namespace {

using std::chrono::steady_clock;

struct Settings {
  std::uint64_t records = 1'000'000;
  int rounds = 5;
};

double SecondsSince(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

audit::Record CallRecord() {
  audit::Record record;
  record.authentication = audit::Authentication::kUnixSocket;
  record.role = "app";
  record.operation = "DecryptFields";
  record.object = "shop.connection.password";
  record.tenant = "default";
  record.keys = {0x0123456789abcdef};
  record.items = 1;
  record.rows = Digest{};
  record.row_tags = {audit::RowTag{}};
  record.purpose = "checkout";
  record.allowed = true;
  record.rule = "app-fields";
  record.outcome = "ok";
  record.store.bytes.back() = std::byte{1};
  record.store_epoch = 4'711;
  record.latency_us = 120;
  record.personal.principal = "unix:app:472";
  return record;
}

// Writes the log, as many records in flight as the journal takes with room left.
void WriteLog(audit::Log& log, std::uint64_t records) {
  constexpr std::uint64_t kTogether = 4'096;
  const audit::Record call = CallRecord();
  for (std::uint64_t i = 1; i <= records; ++i) {
    if (i % kTogether == 0 || i == records) {
      COFFER_CHECK(log.AppendAndWait(call).ok());
    } else {
      log.Append(call, [](const Result<std::uint64_t>& index) { COFFER_CHECK(index.ok()); });
    }
  }
}

double VerifySeconds(const audit::VerifyOptions& options, audit::VerifyReport& report) {
  const auto start = steady_clock::now();
  report = audit::VerifyLog(options);
  const double spent = SecondsSince(start);
  COFFER_CHECK(report.untouched());
  return spent;
}

// What no verifier does without: one hash of each record.
double HashSeconds(std::uint64_t records, std::size_t record_bytes) {
  const Bytes record(record_bytes);
  std::byte sum{0};
  const auto start = steady_clock::now();
  for (std::uint64_t i = 0; i < records; ++i) sum ^= audit::LeafHash(record)[0];
  const double spent = SecondsSince(start);
  return sum == std::byte{0} ? spent : spent + 1e-12;  // so that the loop is not left out
}

nlohmann::json Measure(const Settings& settings) {
  const TempDir folder;
  const SystemClock clock;
  audit::LogOptions log_options;
  log_options.folder = folder / "audit";
  log_options.key_file = folder / "audit.key";
  std::string vkey;
  {
    const auto log = audit::Log::Open(log_options, clock).value();
    WriteLog(*log, settings.records);
    vkey = log->vkey();
  }
  const audit::VerifyOptions options{.folder = log_options.folder,
                                     .log_key = NoteVerifier::Parse(vkey).value(),
                                     .last_signed = log_options.key_file + ".signed",
                                     .kept = {},
                                     .witnesses = {}};
  std::vector<double> whole;
  std::vector<double> journal;
  std::vector<double> hashes;
  audit::VerifyReport report;
  const auto rate = [&report](double seconds) { return static_cast<double>(report.head.size) / seconds; };
  for (int round = 0; round < settings.rounds; ++round) whole.push_back(rate(VerifySeconds(options, report)));
  const std::uint64_t tile_files = report.tile_files;
  COFFER_CHECK(RemoveTree(log_options.folder + "/tile").ok());
  for (int round = 0; round < settings.rounds; ++round) {
    journal.push_back(rate(VerifySeconds(options, report)));
    hashes.push_back(rate(HashSeconds(report.head.size, report.record_bytes / report.head.size)));
  }
  return {{"records", report.head.size},
          {"record_bytes_mean", static_cast<double>(report.record_bytes) / static_cast<double>(report.head.size)},
          {"journal_files", report.journal_files},
          {"tile_files", tile_files},
          {"records_per_second", AsJson(SpreadOf(whole))},
          {"journal_alone_records_per_second", AsJson(SpreadOf(journal))},
          {"leaf_hashes_per_second", AsJson(SpreadOf(hashes))}};
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  CLI::App app("How fast an audit log is verified. In TMPDIR.");
  coffer::bench::Settings settings;
  app.add_option("--records", settings.records)->check(CLI::Range(1'000, 100'000'000));
  app.add_option("--rounds", settings.rounds)->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  std::cout << coffer::bench::Measure(settings).dump(2) << "\n";
  return 0;
}
