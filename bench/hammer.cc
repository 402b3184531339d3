// hammer: FieldService through cofferd against an empty handler with the same messages, in one run, in turns; then
// start and memory. JSON on stdout.
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/empty_server.h"
#include "bench/load.h"
#include "bench/service_under_test.h"
#include "bench/spread.h"

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

constexpr const char* kNames[] = {"EncryptFields", "DecryptFields", "RewrapFields"};

struct Servers {
  std::vector<std::shared_ptr<grpc::Channel>> empty;
  std::vector<std::shared_ptr<grpc::Channel>> cofferd;
};

// One shape, both servers in turns; the ratio is taken round by round, so that it holds when the machine's speed
// drifts.
nlohmann::json Compare(const Servers& servers, LoadShape shape, const v1::Column& column, const Arguments& arguments) {
  shape.duration = std::chrono::milliseconds(arguments.duration_ms);
  const char* const name = kNames[static_cast<std::size_t>(shape.operation)];
  nlohmann::json row = {{"rpc", name}, {"batch", column.values_size()}, {"in_flight", shape.in_flight}};
  std::vector<double> ratios;
  std::vector<double> empty_rates;
  std::vector<double> rates;
  std::vector<double> p50;
  std::vector<double> p99;
  for (int round = 0; round < arguments.rounds; ++round) {
    const LoadResult baseline = RunLoad(servers.empty, shape, column);
    const LoadResult measured = RunLoad(servers.cofferd, shape, column);
    empty_rates.push_back(baseline.values_per_second);
    rates.push_back(measured.values_per_second);
    ratios.push_back(measured.values_per_second / baseline.values_per_second);
    p50.push_back(measured.p50_us);
    p99.push_back(measured.p99_us);
    row["failed"] = row.value("failed", std::uint64_t{0}) + baseline.failed + measured.failed;
    row["rounds"].push_back({{"empty", AsJson(baseline)}, {"cofferd", AsJson(measured)}});
  }
  row["empty_values_per_second"] = AsJson(SpreadOf(empty_rates));
  row["values_per_second"] = AsJson(SpreadOf(rates));
  row["ratio"] = AsJson(SpreadOf(ratios));
  row["p50_us"] = AsJson(SpreadOf(p50));
  row["p99_us"] = AsJson(SpreadOf(p99));
  std::cerr << name << " batch " << column.values_size() << " in flight " << shape.in_flight << ": "
            << SpreadOf(rates).median << " values/s, ratio " << SpreadOf(ratios).median << "\n";
  return row;
}

// All three RPCs. Rewrapping starts from ciphertexts of a version that is no longer the primary one.
Result<nlohmann::json> MeasureCalls(const ServiceUnderTest& empty, const ServiceUnderTest& cofferd,
                                    const Arguments& arguments) {
  Servers servers;
  for (int i = 0; i < arguments.connections; ++i) {
    servers.empty.push_back(UnixChannel(empty.socket()));
    servers.cofferd.push_back(UnixChannel(cofferd.socket()));
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const int in_flight : {1, 32, 256}) {
    rows.push_back(
        Compare(servers, {.operation = Operation::kEncrypt, .in_flight = in_flight}, MakeColumn(1), arguments));
  }
  for (const int batch : {10, 100, 1000}) {
    const v1::Column plain = MakeColumn(batch);
    COFFER_ASSIGN_OR_RETURN(const v1::Column encrypted, cofferd.Encrypted(plain));
    COFFER_TRY(cofferd.Rotate());
    rows.push_back(Compare(servers, {.operation = Operation::kEncrypt, .in_flight = 32}, plain, arguments));
    for (const Operation operation : {Operation::kDecrypt, Operation::kRewrap}) {
      rows.push_back(Compare(servers, {.operation = operation, .in_flight = 32}, encrypted, arguments));
    }
  }
  return rows;
}

// Starts over a store of so many data keys, some times.
Result<nlohmann::json> MeasureStart(const std::string& data, int data_keys, const Arguments& arguments) {
  std::vector<double> starts;
  std::vector<double> resident;
  for (int round = 0; round < arguments.rounds; ++round) {
    COFFER_ASSIGN_OR_RETURN(const auto service, ServiceUnderTest::StartAgain(arguments.cofferd, data));
    starts.push_back(static_cast<double>(service->first_answer_us()) / 1000);
    resident.push_back(static_cast<double>(service->ResidentKib()));
    COFFER_TRY(service->Stop());
  }
  return nlohmann::json{{"data_keys", data_keys},
                        {"start_to_first_answer_ms", AsJson(SpreadOf(starts))},
                        {"resident_kib", AsJson(SpreadOf(resident))}};
}

Result<nlohmann::json> Measure(const std::string& self, const Arguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(PrivateDir folder, PrivateDir::Make(""));
  COFFER_ASSIGN_OR_RETURN(const auto empty, ServiceUnderTest::StartEmpty(self, folder.path()));
  COFFER_ASSIGN_OR_RETURN(const std::string data, folder.MakeSubfolder("data"));
  COFFER_ASSIGN_OR_RETURN(auto service, ServiceUnderTest::StartNew(arguments.cofferd, data));
  nlohmann::json report;
  COFFER_ASSIGN_OR_RETURN(report["calls"], MeasureCalls(*empty, *service, arguments));
  COFFER_TRY(service->Stop());
  int made = 0;
  for (const int data_keys : {0, arguments.data_keys / 10, arguments.data_keys}) {
    if (data_keys > made) {
      COFFER_ASSIGN_OR_RETURN(service, ServiceUnderTest::StartAgain(arguments.cofferd, data));
      COFFER_TRY(service->MakeDataKeys(made, data_keys - made));
      report["resident_kib_all_in_use"][std::to_string(data_keys)] = service->ResidentKib();
      COFFER_TRY(service->Stop());
      made = data_keys;
    }
    COFFER_ASSIGN_OR_RETURN(nlohmann::json start, MeasureStart(data, data_keys, arguments));
    report["starts"].push_back(std::move(start));
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
  app.add_option("--data-keys", arguments.data_keys, "data keys of the largest store that is started")
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
