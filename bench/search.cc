// search: encrypted columns in PostgreSQL found by their index tokens, beside plaintext under PostgreSQL's own indexes
// and beside pgcrypto, in one server, in turns; and end to end, with the service's tokens, decryption and check. Ends
// with 1 when a search finds other rows than the plaintext's. JSON on stdout, a table for people on stderr.
#include <chrono>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/contest.h"
#include "bench/search_rows.h"
#include "bench/search_tables.h"
#include "bench/service_under_test.h"
#include "bench/spread.h"
#include "io/private_dir.h"
#include "tests/support/postgres_server.h"

namespace coffer::bench {
namespace {

struct Arguments {
  std::string cofferd;
  std::int64_t rows = 1'000'000;
  std::size_t questions = 200;
  int rounds = 9;
  int pgcrypto_rounds = 3;
};

std::string Line(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return line.substr(line.find_first_not_of(" \t:", name.size()));
  }
  return "";
}

nlohmann::json Machine(const Database& database) {
  return {{"processor", Line("/proc/cpuinfo", "model name")},
          {"cores", std::thread::hardware_concurrency()},
          {"load_average", Line("/proc/loadavg", "")},
          {"postgresql", database.Value("SHOW server_version")},
          {"shared_buffers", database.Value("SHOW shared_buffers")}};
}

// pgcrypto has no index: it decrypts every row. The password is in each statement.
nlohmann::json MeasurePgcrypto(const Database& database, const Arguments& arguments) {
  nlohmann::json report;
  for (const std::string mode : {"0", "3"}) {
    const std::string table = "pgcrypto_email_" + mode;
    const auto rows = std::stod(database.Value("SELECT count(*) FROM " + table));
    database.Prepare(table, "SELECT id, email FROM " + table + " WHERE pgp_sym_decrypt(email, $2) = $1");
    std::vector<double> seconds;
    for (int round = 0; round < arguments.pgcrypto_rounds; ++round) {
      const std::string email = RowOf(1 + round).email;
      const auto start = std::chrono::steady_clock::now();
      COFFER_CHECK(database.Run(table, {email, kPgcryptoPassword}).size() == 1);
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    const Spread spread = SpreadOf(seconds);
    report["s2k-mode=" + mode] = {{"rows", rows},
                                  {"seconds", AsJson(spread)},
                                  {"seconds_for_all_rows", spread.median * static_cast<double>(arguments.rows) / rows}};
  }
  return report;
}

nlohmann::json Measure(const Arguments& arguments) {
  const bool large = arguments.rows > 100'000;
  const auto server =
      PostgresServer::Start({std::string("shared_buffers=") + (large ? "3GB" : "128MB"), "max_wal_size=16GB",
                             "wal_level=minimal", "max_wal_senders=0", "autovacuum=off"});
  COFFER_CHECK(server != nullptr);
  PrivateDir folder = PrivateDir::Make("").value();
  const auto service =
      ServiceUnderTest::StartNew(arguments.cofferd, folder.path(), "", SearchCatalog(arguments.rows)).value();
  client::ClientOptions options;
  options.server = "unix:" + service->socket();
  const auto client = client::Client::Connect(options);
  COFFER_CHECK(client.ok());

  nlohmann::json report = {{"rows", arguments.rows}};
  report["load_seconds"] = MakeSearchTables(server->Url(), **client, arguments.rows);
  const Database database(server->Url());
  report["machine"] = Machine(database);
  report["sizes"] = SizesOf(database, arguments.rows);
  for (const Contest& contest : SearchContests(arguments.rows, arguments.questions)) {
    report["contests"][contest.name] = RunContest(database, **client, contest, arguments.rounds);
  }
  report["pgcrypto"] = MeasurePgcrypto(database, arguments);
  const double token_us = report["contests"]["equality"]["int8"]["p50_us"]["median"];
  for (auto& [mode, figures] : report["pgcrypto"].items()) {
    figures["times_as_long_as_int8"] = figures["seconds_for_all_rows"].get<double>() * 1e6 / token_us;
  }
  report["load_average_at_the_end"] = Line("/proc/loadavg", "");
  COFFER_CHECK(service->Stop().ok());
  return report;
}

std::string Spread3(const nlohmann::json& spread, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << spread["median"].get<double>() << " ("
       << spread["min"].get<double>() << " to " << spread["max"].get<double>() << ")";
  return text.str();
}

void PrintWays(const std::string& title, const nlohmann::json& ways) {
  std::cerr << "\n" << title << "\n";
  for (const auto& [name, figures] : ways.items()) {
    if (!figures.contains("p50_us")) continue;
    std::cerr << "  " << std::left << std::setw(20) << name << std::setw(30) << Spread3(figures["p50_us"], 1)
              << std::setw(30) << Spread3(figures["p95_us"], 1) << std::setw(26) << Spread3(figures["ratio"], 2)
              << figures["rows"].get<double>() << "\n";
  }
}

void PrintForPeople(const nlohmann::json& report) {
  std::cerr << report["rows"] << " rows; " << report["machine"].dump()
            << "\nmedian over the rounds (least to greatest): p50 us, p95 us, ratio of the p50 to plaintext's, rows\n";
  for (const auto& [name, contest] : report["contests"].items()) {
    PrintWays(name, contest);
    PrintWays(name + ", end to end", contest["end_to_end"]);
    if (!contest["reads_whole_table"].empty()) std::cerr << "  reads a table: " << contest["reads_whole_table"] << "\n";
  }
  std::cerr << "\npgcrypto, every row decrypted: " << report["pgcrypto"].dump(2) << "\n\nMiB, bytes a row\n";
  for (const auto& [name, size] : report["sizes"].items()) {
    std::cerr << "  " << std::left << std::setw(34) << name << std::right << std::setw(8)
              << std::llround(size["bytes"].get<double>() / (1 << 20)) << std::setw(8)
              << std::llround(size["bytes_a_row"].get<double>()) << "\n";
  }
  std::cerr << "\nseconds to load: " << report["load_seconds"].dump(2) << "\n";
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  coffer::bench::Arguments arguments;
  CLI::App app("Times searches over encrypted columns in PostgreSQL");
  app.add_option("--cofferd", arguments.cofferd, "The program")->required();
  app.add_option("--rows", arguments.rows, "Of each table")->check(CLI::Range(1'000, 100'000'000));
  app.add_option("--questions", arguments.questions, "Different searches of each kind")->check(CLI::Range(2, 256));
  app.add_option("--rounds", arguments.rounds, "In which all take turns")->check(CLI::Range(1, 1'000));
  app.add_option("--pgcrypto-rounds", arguments.pgcrypto_rounds, "Passes over every row")->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  if (coffer::PostgresServer::Programs().empty()) {
    std::cerr << "skipped: there is no PostgreSQL server\n";
    return 0;
  }
  const nlohmann::json report = coffer::bench::Measure(arguments);
  coffer::bench::PrintForPeople(report);
  std::cout << report.dump(2) << "\n";
  return 0;
}
