// hammer: FieldService through cofferd against an empty handler with the same messages, in one run, in turns; then
// start, memory and a new root key. JSON on stdout.
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/bench_store.h"
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
          {"p50_us", result.PercentileUs(0.50)},
          {"p99_us", result.PercentileUs(0.99)},
          {"failed", result.failed}};
}

constexpr const char* kNames[] = {"EncryptFields", "DecryptFields", "RewrapFields"};

struct Servers {
  std::vector<std::shared_ptr<grpc::Channel>> empty;
  std::vector<std::shared_ptr<grpc::Channel>> cofferd;
};

using Load = std::function<LoadResult()>;

// Both loads in turns; the ratio is taken round by round, so that it holds when the machine's speed drifts.
nlohmann::json Compare(nlohmann::json row, const Load& baseline, const Load& measured, const Arguments& arguments) {
  std::vector<double> ratios;
  std::vector<double> baseline_rates;
  std::vector<double> rates;
  std::vector<double> p50;
  std::vector<double> p99;
  for (int round = 0; round < arguments.rounds; ++round) {
    const LoadResult before = baseline();
    const LoadResult now = measured();
    baseline_rates.push_back(before.values_per_second);
    rates.push_back(now.values_per_second);
    ratios.push_back(now.values_per_second / before.values_per_second);
    p50.push_back(now.PercentileUs(0.50));
    p99.push_back(now.PercentileUs(0.99));
    row["failed"] = row.value("failed", std::uint64_t{0}) + before.failed + now.failed;
    row["rounds"].push_back({{"baseline", AsJson(before)}, {"cofferd", AsJson(now)}});
  }
  std::cerr << row["rpc"] << " " << row["of"] << " batch " << row["batch"] << " in flight " << row["in_flight"] << ": "
            << SpreadOf(rates).median << " values/s, ratio " << SpreadOf(ratios).median << " failed " << row["failed"]
            << "\n";
  row["baseline_values_per_second"] = AsJson(SpreadOf(baseline_rates));
  row["values_per_second"] = AsJson(SpreadOf(rates));
  row["ratio"] = AsJson(SpreadOf(ratios));
  row["p50_us"] = AsJson(SpreadOf(p50));
  row["p99_us"] = AsJson(SpreadOf(p99));
  return row;
}

// One shape on both servers.
nlohmann::json CompareWithEmpty(const Servers& servers, LoadShape shape, const v1::Column& column,
                                const Arguments& arguments) {
  shape.duration = std::chrono::milliseconds(arguments.duration_ms);
  return Compare(
      {{"rpc", kNames[static_cast<std::size_t>(shape.operation)]},
       {"of", "a field without indexes, to the empty handler"},
       {"batch", column.values_size()},
       {"in_flight", shape.in_flight}},
      [&] { return RunLoad(servers.empty, shape, column); }, [&] { return RunLoad(servers.cofferd, shape, column); },
      arguments);
}

// All three RPCs. Rewrapping starts from ciphertexts of a version that is no longer the primary one.
Result<nlohmann::json> MeasureCalls(const Servers& servers, const ServiceUnderTest& cofferd,
                                    const Arguments& arguments) {
  nlohmann::json rows = nlohmann::json::array();
  for (const int in_flight : {1, 32, 256}) {
    rows.push_back(CompareWithEmpty(servers, {.operation = Operation::kEncrypt, .in_flight = in_flight}, MakeColumn(1),
                                    arguments));
  }
  for (const int batch : {10, 100, 1000}) {
    const v1::Column plain = MakeColumn(batch);
    COFFER_ASSIGN_OR_RETURN(const v1::Column encrypted, cofferd.Encrypted(plain));
    COFFER_TRY(cofferd.Rotate());
    rows.push_back(CompareWithEmpty(servers, {.operation = Operation::kEncrypt, .in_flight = 32}, plain, arguments));
    for (const Operation operation : {Operation::kDecrypt, Operation::kRewrap}) {
      rows.push_back(CompareWithEmpty(servers, {.operation = operation, .in_flight = 32}, encrypted, arguments));
    }
  }
  return rows;
}

v1::IndexTokensRequest SearchesOf(const IndexedField& field, int queries) {
  v1::IndexTokensRequest request;
  for (int i = 0; i < queries; ++i) {
    v1::IndexQuery* query = request.add_queries();
    query->set_field(field.name);
    *query->mutable_search() = field.search;
  }
  return request;
}

// Fields with one index each: values written with tokens, to the same values of a field without indexes; searches one
// by one and a hundred a call, to values of that field one by one and a hundred a call.
nlohmann::json MeasureIndexes(const Servers& servers, const Arguments& arguments) {
  const std::chrono::milliseconds duration(arguments.duration_ms);
  nlohmann::json rows = nlohmann::json::array();
  for (const IndexedField& field : ServiceUnderTest::IndexedFields()) {
    const auto encrypt = [&](int batch, int in_flight, const std::string& name) {
      const v1::Column column = MakeColumn(batch, name);
      return RunLoad(servers.cofferd, {.in_flight = in_flight, .duration = duration},
                     field.numbers ? WithNumbers(column) : column);
    };
    rows.push_back(Compare(
        {{"rpc", "EncryptFields"}, {"of", field.name}, {"batch", 1000}, {"in_flight", 32}},
        [&] { return encrypt(1000, 32, "bench.user.email"); }, [&] { return encrypt(1000, 32, field.name); },
        arguments));
    for (const auto& [batch, in_flight] : {std::pair(1, 256), std::pair(100, 32)}) {
      const v1::IndexTokensRequest searches = SearchesOf(field, batch);
      const LoadShape shape{.in_flight = in_flight, .duration = duration};
      rows.push_back(Compare(
          {{"rpc", "IndexTokens"}, {"of", field.name}, {"batch", batch}, {"in_flight", in_flight}},
          [&] { return encrypt(batch, in_flight, "bench.user.email"); },
          [&] { return RunSearches(servers.cofferd, shape, searches); }, arguments));
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
  COFFER_ASSIGN_OR_RETURN(const auto empty, ServiceUnderTest::StartEmpty(self, "--serve-empty", folder.path()));
  COFFER_ASSIGN_OR_RETURN(const std::string data, folder.MakeSubfolder("data"));
  COFFER_ASSIGN_OR_RETURN(auto service, ServiceUnderTest::StartNew(arguments.cofferd, data));
  nlohmann::json report;
  Servers servers;
  for (int i = 0; i < arguments.connections; ++i) {
    servers.empty.push_back(UnixChannel(empty->socket()));
    servers.cofferd.push_back(UnixChannel(service->socket()));
  }
  COFFER_ASSIGN_OR_RETURN(report["calls"], MeasureCalls(servers, *service, arguments));
  report["indexes"] = MeasureIndexes(servers, arguments);
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
  COFFER_ASSIGN_OR_RETURN(const std::int64_t rekey_us, RekeyBenchStore(data));
  report["rekey"] = {{"data_keys", made}, {"ms", static_cast<double>(rekey_us) / 1000}};
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
  if (!arguments.serve_empty.empty()) return ServeEmpty(arguments.serve_empty, EmptyAnswer::kDone);
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
