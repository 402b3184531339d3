// noisy_neighbour: what others notice of a principal that stays below its limit, and of one that sends a hundred times
// as much, in turns in one run. JSON on stdout.
#include <future>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/empty_server.h"
#include "bench/load.h"
#include "bench/service_under_test.h"
#include "bench/spread.h"
#include "io/clock.h"

namespace coffer::bench {
namespace {

struct Arguments {
  std::string serve_refusals;
  std::string cofferd;
  int rounds = 5;
  int duration_ms = 2000;
};

// The database administrator's calls of RewrapFields.
struct Neighbour {
  const char* limits;  // of the grant
  int batch = 1;
  LoadShape at_limit;
  LoadShape hundredfold;
};

LoadShape Rewraps(int in_flight, double calls_per_second) {
  return {.operation = Operation::kRewrap, .in_flight = in_flight, .calls_per_second = calls_per_second};
}

// Ten calls a second, and a thousand; two at once, and two hundred, whose refused callers come back at once.
std::vector<Neighbour> Neighbours() {
  return {{"values_per_minute = 600", 1, Rewraps(200, 9.5), Rewraps(200, 1'000)},
          {"values_per_minute = 60000", 100, Rewraps(200, 9.5), Rewraps(200, 1'000)},
          {"in_flight = 2", 100, Rewraps(2, 0), Rewraps(200, 0)}};
}

// The application's calls of one value, one half encrypts and one decrypts.
struct Others {
  const char* name;
  int in_flight;            // of each half
  double calls_per_second;  // of each half; 0: as fast as replies come
};

constexpr Others kOthers[] = {{"1,000 calls/s", 128, 500}, {"8 calls in flight", 4, 0}};

// What the neighbour does while the others are measured. kElsewhere: kHundredfold, but to a server that does nothing
// else than refuse; what the others notice of it is the machine's part.
enum class Noise : std::uint8_t { kIdle, kAtLimit, kHundredfold, kElsewhere };
constexpr const char* kNoiseNames[] = {"idle", "at_limit", "hundredfold", "hundredfold_elsewhere"};

std::string Grants(const Neighbour& neighbour) {
  const std::string everywhere = "fields = \"all\"\nclasses = \"all\"\nkeyrings = \"all\"\ntenants = \"all\"\n";
  return "[grant.others]\nroles = [\"app\"]\noperations = [\"EncryptFields\", \"DecryptFields\"]\n" + everywhere +
         "[grant.neighbour]\nroles = [\"dba\"]\noperations = [\"RewrapFields\"]\n" + everywhere + "limits = { " +
         neighbour.limits + " }\n" +
         "[grant.rotates]\nroles = [\"admin\"]\noperations = [\"RotateKeyring\"]\nkeyrings = \"all\"\n";
}

struct Channels {
  std::vector<std::shared_ptr<grpc::Channel>> encrypts;
  std::vector<std::shared_ptr<grpc::Channel>> decrypts;
  std::vector<std::shared_ptr<grpc::Channel>> neighbour;
  std::vector<std::shared_ptr<grpc::Channel>> elsewhere;
};

struct Columns {
  v1::Column plain;
  v1::Column encrypted;
  v1::Column neighbours;  // encrypted under a version that is no longer the primary one
};

// All of one round and noise.
struct Moment {
  LoadResult others;
  LoadResult neighbour;
  double cores = 0;  // that cofferd keeps busy
};

class Street {
 public:
  static Result<std::unique_ptr<Street>> Make(const std::string& cofferd, const std::string& folder,
                                              const std::string& refusing_socket, const Neighbour& neighbour);
  Moment Measure(const Others& others, Noise noise, std::chrono::milliseconds duration) const;
  Status Stop() { return service_->Stop(); }

 private:
  explicit Street(const Neighbour& neighbour) : neighbour_(neighbour) {}
  LoadResult RunNeighbour(Noise noise, std::chrono::milliseconds duration) const;

  const Neighbour neighbour_;
  std::unique_ptr<ServiceUnderTest> service_;
  Channels channels_;
  Columns columns_;
};

Result<std::unique_ptr<Street>> Street::Make(const std::string& cofferd, const std::string& folder,
                                             const std::string& refusing_socket, const Neighbour& neighbour) {
  std::unique_ptr<Street> street(new Street(neighbour));
  COFFER_ASSIGN_OR_RETURN(street->service_, ServiceUnderTest::StartNew(cofferd, folder, Grants(neighbour)));
  const ServiceUnderTest& service = *street->service_;
  street->columns_.plain = MakeColumn(1);
  COFFER_ASSIGN_OR_RETURN(street->columns_.neighbours, service.Encrypted(MakeColumn(neighbour.batch)));
  COFFER_TRY(service.Rotate());
  COFFER_ASSIGN_OR_RETURN(street->columns_.encrypted, service.Encrypted(street->columns_.plain));
  street->channels_ = {.encrypts = {UnixChannel(service.socket())},
                       .decrypts = {UnixChannel(service.socket())},
                       .neighbour = {UnixChannel(service.dba_socket())},
                       .elsewhere = {UnixChannel(refusing_socket)}};
  // Whoever was idle has the whole minute's values left: without them, a round is like the next.
  street->RunNeighbour(Noise::kHundredfold, std::chrono::seconds(2));
  return street;
}

LoadResult Street::RunNeighbour(Noise noise, std::chrono::milliseconds duration) const {
  if (noise == Noise::kIdle) return {};
  LoadShape shape = noise == Noise::kAtLimit ? neighbour_.at_limit : neighbour_.hundredfold;
  shape.duration = duration;
  return RunLoad(noise == Noise::kElsewhere ? channels_.elsewhere : channels_.neighbour, shape, columns_.neighbours);
}

Moment Street::Measure(const Others& others, Noise noise, std::chrono::milliseconds duration) const {
  const auto half = [&](Operation operation, const auto& channels, const v1::Column& column) {
    const LoadShape shape{.operation = operation,
                          .in_flight = others.in_flight,
                          .calls_per_second = others.calls_per_second,
                          .duration = duration};
    return std::async(std::launch::async, [&channels, &column, shape] { return RunLoad(channels, shape, column); });
  };
  const SystemClock clock;
  const std::int64_t start_us = clock.MonotonicMicros();
  const double cpu_s = service_->CpuSeconds();
  auto encrypts = half(Operation::kEncrypt, channels_.encrypts, columns_.plain);
  auto decrypts = half(Operation::kDecrypt, channels_.decrypts, columns_.encrypted);
  Moment moment;
  moment.neighbour = RunNeighbour(noise, duration);
  moment.others = Together(encrypts.get(), decrypts.get());
  const auto wall_us = static_cast<double>(clock.MonotonicMicros() - start_us);
  moment.cores = (service_->CpuSeconds() - cpu_s) * static_cast<double>(kMicrosPerSecond) / wall_us;
  return moment;
}

// The rounds of one noise.
struct Figures {
  std::vector<double> p50_us;
  std::vector<double> p99_us;
  std::vector<double> p999_us;
  std::vector<double> others_per_second;
  std::vector<double> taken_per_second;  // the neighbour's calls
  std::vector<double> refused_per_second;
  std::vector<double> cores;
  std::uint64_t failed = 0;  // of the others' calls, and of the neighbour's but for those refused

  void Add(const Moment& moment, std::chrono::milliseconds duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    p50_us.push_back(moment.others.PercentileUs(0.50));
    p99_us.push_back(moment.others.PercentileUs(0.99));
    p999_us.push_back(moment.others.PercentileUs(0.999));
    others_per_second.push_back(moment.others.calls_per_second);
    cores.push_back(moment.cores);
    taken_per_second.push_back(static_cast<double>(moment.neighbour.calls - moment.neighbour.refused) / seconds);
    refused_per_second.push_back(static_cast<double>(moment.neighbour.refused) / seconds);
    failed += moment.others.failed + moment.neighbour.failed - moment.neighbour.refused;
  }
  nlohmann::json Report() const {
    return {{"others_p50_us", AsJson(SpreadOf(p50_us))},
            {"others_p99_us", AsJson(SpreadOf(p99_us))},
            {"others_p999_us", AsJson(SpreadOf(p999_us))},
            {"others_calls_per_second", AsJson(SpreadOf(others_per_second))},
            {"neighbour_taken_per_second", AsJson(SpreadOf(taken_per_second))},
            {"neighbour_refused_per_second", AsJson(SpreadOf(refused_per_second))},
            {"cofferd_cores", AsJson(SpreadOf(cores))},
            {"failed", failed}};
  }
};

nlohmann::json Ratios(const std::vector<double>& measured, const std::vector<double>& baseline) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < measured.size(); ++round) ratios.push_back(measured[round] / baseline[round]);
  return AsJson(SpreadOf(ratios));
}

nlohmann::json Compare(const Street& street, const Neighbour& neighbour, const Others& others,
                       const Arguments& arguments) {
  const std::chrono::milliseconds duration(arguments.duration_ms);
  std::array<Figures, 4> figures;
  for (int round = 0; round < arguments.rounds; ++round) {
    for (std::size_t noise = 0; noise < figures.size(); ++noise) {
      figures[noise].Add(street.Measure(others, static_cast<Noise>(noise), duration), duration);
    }
  }
  nlohmann::json row = {{"limits", neighbour.limits}, {"batch", neighbour.batch}, {"others", others.name}};
  for (std::size_t noise = 0; noise < figures.size(); ++noise) row[kNoiseNames[noise]] = figures[noise].Report();
  const Figures& measured = figures[static_cast<std::size_t>(Noise::kHundredfold)];
  for (const Noise noise : {Noise::kIdle, Noise::kAtLimit, Noise::kElsewhere}) {
    const auto place = static_cast<std::size_t>(noise);
    row["hundredfold_to"][kNoiseNames[place]] = {{"p50", Ratios(measured.p50_us, figures[place].p50_us)},
                                                 {"p99", Ratios(measured.p99_us, figures[place].p99_us)},
                                                 {"p999", Ratios(measured.p999_us, figures[place].p999_us)}};
  }
  std::cerr << row["limits"] << ", batch " << row["batch"] << ", others " << row["others"] << ": p99 to idle "
            << row["hundredfold_to"]["idle"]["p99"]["median"] << ", to elsewhere "
            << row["hundredfold_to"]["hundredfold_elsewhere"]["p99"]["median"] << "\n";
  return row;
}

Result<nlohmann::json> Measure(const std::string& self, const Arguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(PrivateDir folder, PrivateDir::Make(""));
  COFFER_ASSIGN_OR_RETURN(const auto refusing, ServiceUnderTest::StartEmpty(self, "--serve-refusals", folder.path()));
  nlohmann::json rows = nlohmann::json::array();
  for (const Neighbour& neighbour : Neighbours()) {
    COFFER_ASSIGN_OR_RETURN(const std::string data, folder.MakeSubfolder("data" + std::to_string(rows.size())));
    COFFER_ASSIGN_OR_RETURN(const auto street, Street::Make(arguments.cofferd, data, refusing->socket(), neighbour));
    for (const Others& others : kOthers) rows.push_back(Compare(*street, neighbour, others, arguments));
    COFFER_TRY(street->Stop());
  }
  return rows;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("noisy_neighbour: the others' latencies while one principal goes beyond its limit.", "noisy_neighbour");
  app.add_option("--cofferd", arguments.cofferd, "the cofferd program to run");
  app.add_option("--rounds", arguments.rounds, "turns of each noise")->check(CLI::Range(1, 100));
  app.add_option("--duration-ms", arguments.duration_ms, "of one turn")->check(CLI::Range(100, 60'000));
  app.add_option("--serve-refusals", arguments.serve_refusals, "be the server that refuses, on this socket");
  CLI11_PARSE(app, argc, argv);
  if (!arguments.serve_refusals.empty()) return ServeEmpty(arguments.serve_refusals, EmptyAnswer::kRefused);
  const Result<nlohmann::json> report = Measure("/proc/self/exe", arguments);
  if (!report.ok()) {
    std::cerr << "noisy_neighbour: " << report.error().ToString() << "\n";
    return 1;
  }
  std::cout << report->dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) { return coffer::bench::Main(argc, argv); }
