// journal: audit records made durable, by how many are in flight, beside a raw loop of writes and syncs of the same
// sizes in the same run; and how long a start takes that reads a long journal. JSON on stdout.
#include "audit/journal.h"

#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "audit/journal_reader.h"
#include "bench/spread.h"
#include "crypto/random.h"
#include "tests/support/temp_dir.h"

namespace coffer::bench {
namespace {

using audit::Journal;
using audit::JournalOptions;
using std::chrono::steady_clock;

struct Settings {
  std::size_t record_bytes = 320;
  int rounds = 5;
  double seconds = 1;
  std::vector<int> in_flight = {1, 64, 1'024, 4'096};
  std::uint64_t recovery_records = 1'000'000;
};

double SecondsSince(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

JournalOptions Options(audit::Depth depth = audit::Depth::kLastFile) {
  JournalOptions options;
  options.origin = "coffer/bench";
  options.create = true;
  options.depth = depth;
  return options;
}

// Keeps `in_flight` records in the journal: each answer appends the next one, as a server's calls would.
class Load {
 public:
  Load(Journal& journal, const Settings& settings, int in_flight)
      : journal_(journal), record_(settings.record_bytes), in_flight_(in_flight) {
    FillRandom(record_);
  }

  // Records a second, and syncs a second.
  std::pair<double, double> Run(double seconds) {
    const audit::JournalFigures before = journal_.figures();
    const std::uint64_t first = journal_.durable().size;
    const auto start = steady_clock::now();
    stop_at_ = start + std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(seconds));
    running_ = in_flight_;
    stopping_ = false;
    for (int i = 0; i < in_flight_; ++i) Next();
    for (int left = running_; left > 0; left = running_) running_.wait(left);
    COFFER_CHECK(journal_.AppendAndWait(record_).ok());  // so that the last completion has returned
    const double spent = SecondsSince(start);
    const auto records = static_cast<double>(journal_.durable().size - first);
    return {records / spent, static_cast<double>(journal_.figures().syncs - before.syncs) / spent};
  }

 private:
  void Next() {
    journal_.Append(record_, [this](const Result<std::uint64_t>& index) {
      COFFER_CHECK(index.ok());
      // The clock is read once in so many records.
      if ((in_flight_ <= 64 || *index % 64 == 0) && steady_clock::now() >= stop_at_) stopping_ = true;
      if (!stopping_) return Next();
      if (running_.fetch_sub(1) == 1) running_.notify_all();
    });
  }

  Journal& journal_;
  Bytes record_;
  const int in_flight_;
  steady_clock::time_point stop_at_;
  bool stopping_ = false;  // the release thread's own
  std::atomic<int> running_ = 0;
};

// What the disk gives: the same frame again and again into a prepared file, written and synced, and nothing else.
double RawSyncsASecond(LogFolder& folder, std::size_t bytes, double seconds) {
  constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20;
  const auto file = std::move(folder.Prepare("raw", kFileBytes)).value();
  Bytes frame(bytes);
  FillRandom(frame);
  std::uint64_t offset = 0;
  std::uint64_t syncs = 0;
  const auto start = steady_clock::now();
  for (; SecondsSince(start) < seconds; ++syncs) {
    COFFER_CHECK(file->WriteAt(offset, frame).ok() && file->Sync().ok());
    offset = offset + 2 * bytes > kFileBytes ? 0 : offset + bytes;
  }
  const double spent = SecondsSince(start);
  COFFER_CHECK(folder.Remove("raw").ok());
  return static_cast<double>(syncs) / spent;
}

nlohmann::json MeasureAppends(const Settings& settings) {
  nlohmann::json report;
  for (const int in_flight : settings.in_flight) {
    std::vector<double> records;
    std::vector<double> syncs;
    std::vector<double> raw_records;
    std::vector<double> raw_syncs;
    for (int round = 0; round < settings.rounds; ++round) {
      const TempDir directory;
      const auto folder = DiskLogFolder(directory.path());
      const auto journal = std::move(Journal::Open(*folder, Options())).value();
      while (journal->figures().spare_files < 2) std::this_thread::yield();
      const auto [records_a_second, syncs_a_second] = Load(*journal, settings, in_flight).Run(settings.seconds);
      records.push_back(records_a_second);
      syncs.push_back(syncs_a_second);
      const double batch = records_a_second / syncs_a_second;
      const auto bytes =
          audit::FrameBytes(static_cast<std::size_t>(batch * static_cast<double>(settings.record_bytes + 2)));
      raw_syncs.push_back(RawSyncsASecond(*folder, bytes, settings.seconds / 2));
      raw_records.push_back(raw_syncs.back() * batch);
    }
    std::vector<double> ratios;
    for (std::size_t i = 0; i < syncs.size(); ++i) ratios.push_back(syncs[i] / raw_syncs[i]);
    report[std::to_string(in_flight) + "_in_flight"] = {{"records_per_second", AsJson(SpreadOf(records))},
                                                        {"syncs_per_second", AsJson(SpreadOf(syncs))},
                                                        {"raw_syncs_per_second", AsJson(SpreadOf(raw_syncs))},
                                                        {"raw_records_per_second", AsJson(SpreadOf(raw_records))},
                                                        {"ratio_to_raw", AsJson(SpreadOf(ratios))}};
  }
  return report;
}

double SecondsToOpen(LogFolder& folder, audit::Depth depth, std::uint64_t size) {
  const auto start = steady_clock::now();
  const auto journal = std::move(Journal::Open(folder, Options(depth))).value();
  const double spent = SecondsSince(start);
  COFFER_CHECK(journal->durable().size == size);
  return spent;
}

double SecondsToRead(const LogFolder& folder, std::uint64_t size) {
  const auto start = steady_clock::now();
  auto reader = std::move(audit::JournalReader::Open(folder, Options().origin, {.from = 0, .to = size})).value();
  std::uint64_t count = 0;
  while (reader.Next().value()) ++count;
  COFFER_CHECK(count == size);
  return SecondsSince(start);
}

// A journal of so many records in frames of about a thousand, read by starts of both depths and by a reader.
nlohmann::json MeasureRecovery(const Settings& settings) {
  const TempDir directory;
  const auto folder = DiskLogFolder(directory.path());
  std::uint64_t size = 0;
  {
    const auto journal = std::move(Journal::Open(*folder, Options())).value();
    Load load(*journal, settings, 1024);
    while (journal->durable().size < settings.recovery_records) load.Run(0.2);
    size = journal->durable().size;
  }
  return {{"records", size},
          {"last_file_seconds", SecondsToOpen(*folder, audit::Depth::kLastFile, size)},
          {"every_record_seconds", SecondsToOpen(*folder, audit::Depth::kEveryRecord, size)},
          {"reader_seconds", SecondsToRead(*folder, size)}};
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  CLI::App app("Audit records made durable, and read again. In TMPDIR, which should be on the disk that counts.");
  coffer::bench::Settings settings;
  app.add_option("--record-bytes", settings.record_bytes)->check(CLI::Range(1, 65'535));
  app.add_option("--rounds", settings.rounds)->check(CLI::Range(1, 100));
  app.add_option("--seconds", settings.seconds, "of each round")->check(CLI::Range(0.1, 60.0));
  app.add_option("--in-flight", settings.in_flight)->check(CLI::Range(1, 16'384));
  app.add_option("--recovery-records", settings.recovery_records);
  CLI11_PARSE(app, argc, argv);
  const nlohmann::json report = {{"append", coffer::bench::MeasureAppends(settings)},
                                 {"recovery", coffer::bench::MeasureRecovery(settings)}};
  std::cout << report.dump(2) << "\n";
  return 0;
}
