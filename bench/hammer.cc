// hammer: EncryptFields through cofferd against an empty handler with the same messages, in one run, in turns. JSON on
// stdout.
#include <algorithm>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/empty_server.h"
#include "bench/load.h"
#include "bench/service_under_test.h"

namespace coffer::bench {
namespace {

struct Arguments {
  std::string serve_empty;
  std::string cofferd;
  int rounds = 3;
  int duration_ms = 2000;
  int connections = 2;
  int data_keys = 0;
};

nlohmann::json AsJson(const LoadResult& result) {
  return {{"calls_per_second", result.calls_per_second},
          {"values_per_second", result.values_per_second},
          {"p50_us", result.p50_us},
          {"p99_us", result.p99_us},
          {"failed", result.failed}};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One shape, both servers in turns; the ratio is taken round by round, so that it holds when the machine's speed
// drifts.
nlohmann::json Compare(const std::string& empty, const std::string& service, LoadShape shape,
                       const Arguments& arguments) {
  std::vector<std::shared_ptr<grpc::Channel>> to_empty;
  std::vector<std::shared_ptr<grpc::Channel>> to_service;
  for (int i = 0; i < arguments.connections; ++i) {
    to_empty.push_back(UnixChannel(empty));
    to_service.push_back(UnixChannel(service));
  }
  shape.duration = std::chrono::milliseconds(arguments.duration_ms);
  nlohmann::json row = {{"batch", shape.batch}, {"in_flight", shape.in_flight}};
  std::vector<double> ratios;
  std::vector<double> rates;
  for (int round = 0; round < arguments.rounds; ++round) {
    const LoadResult baseline = RunLoad(to_empty, shape);
    const LoadResult measured = RunLoad(to_service, shape);
    ratios.push_back(measured.values_per_second / baseline.values_per_second);
    rates.push_back(measured.values_per_second);
    row["rounds"].push_back({{"empty", AsJson(baseline)}, {"cofferd", AsJson(measured)}});
  }
  row["ratio"] = {{"median", Median(ratios)},
                  {"min", *std::min_element(ratios.begin(), ratios.end())},
                  {"max", *std::max_element(ratios.begin(), ratios.end())}};
  row["values_per_second"] = Median(rates);
  std::cerr << "batch " << shape.batch << " in flight " << shape.in_flight << ": " << Median(rates)
            << " values/s, ratio " << Median(ratios) << "\n";
  return row;
}

Result<nlohmann::json> Measure(const std::string& self, const Arguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(PrivateDir folder, PrivateDir::Make(""));
  COFFER_ASSIGN_OR_RETURN(const auto empty, ServiceUnderTest::StartEmpty(self, folder.path()));
  COFFER_ASSIGN_OR_RETURN(const std::string data, folder.MakeSubfolder("data"));
  COFFER_ASSIGN_OR_RETURN(const auto service, ServiceUnderTest::StartCofferd(arguments.cofferd, data));
  nlohmann::json report = {{"start_to_first_answer_ms", static_cast<double>(service->first_answer_us()) / 1000},
                           {"resident_kib_at_start", service->ResidentKib()}};
  for (const int in_flight : {1, 32, 256}) {
    report["unary"].push_back(
        Compare(empty->socket(), service->socket(), {.batch = 1, .in_flight = in_flight}, arguments));
  }
  for (const int batch : {10, 100, 1000}) {
    for (const int in_flight : {1, 32}) {
      report["batch"].push_back(
          Compare(empty->socket(), service->socket(), {.batch = batch, .in_flight = in_flight}, arguments));
    }
  }
  if (arguments.data_keys > 0) {
    COFFER_TRY(service->MakeDataKeys(arguments.data_keys));
    report["data_keys"] = arguments.data_keys;
    report["resident_kib_with_data_keys"] = service->ResidentKib();
  }
  return report;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("hammer: load on cofferd beside an empty handler with the same messages.", "hammer");
  app.add_option("--cofferd", arguments.cofferd, "the cofferd program to run");
  app.add_option("--rounds", arguments.rounds, "turns of each shape")->check(CLI::Range(1, 100));
  app.add_option("--duration-ms", arguments.duration_ms, "of one turn")->check(CLI::Range(100, 60'000));
  app.add_option("--connections", arguments.connections, "HTTP/2 connections")->check(CLI::Range(1, 64));
  app.add_option("--data-keys", arguments.data_keys, "then make so many data keys and report memory")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--serve-empty", arguments.serve_empty, "be the empty server on this socket");
  CLI11_PARSE(app, argc, argv);
  if (!arguments.serve_empty.empty()) return ServeEmpty(arguments.serve_empty);
  const Result<nlohmann::json> report = Measure("/proc/self/exe", arguments);
  if (!report.ok()) {
    std::cerr << "hammer: " << report.error().ToString() << "\n";
    return 1;
  }
  std::cout << report->dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) { return coffer::bench::Main(argc, argv); }
