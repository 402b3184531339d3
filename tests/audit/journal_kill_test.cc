// Processes that are killed while they append: what they were told is durable is there.
#include <csignal>
#include <fcntl.h>
#include <random>
#include <thread>
#include <unistd.h>

#include "io/unique_fd.h"
#include "tests/audit/journal_fixture.h"
#include "tests/support/in_child.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {
namespace {

using testing::HeadOf;
using testing::ReadAll;
using testing::SmallOptions;

constexpr std::size_t kMaxAnswers = 3'000;  // of 16 bytes: fits into a pipe

// What the child tells: this record has this index.
struct Told {
  std::uint64_t index = 0;
  std::uint64_t record = 0;
};

std::string RecordNamed(std::uint64_t number) { return testing::RecordOf(number, 20 + number % 1'000); }

// In the child: appends from three threads and says what was answered, until so many answers were given; then dies in
// the middle of it.
int AppendUntilKilled(const std::string& path, std::uint64_t first_record, std::size_t answers, int pipe) {
  const auto folder = DiskLogFolder(path);
  const Result<std::unique_ptr<Journal>> journal = Journal::Open(*folder, SmallOptions());
  if (!journal.ok()) return 1;
  std::atomic<std::uint64_t> next = first_record;
  std::size_t told = 0;  // the release thread's own
  const auto work = [&] {
    while (true) {
      const std::uint64_t number = next++;
      const auto tell = [&, number](const Result<std::uint64_t>& index) {
        if (!index.ok()) return;
        const Told message{*index, number};
        if (write(pipe, &message, sizeof message) != sizeof message) _exit(2);
        if (++told == answers) raise(SIGKILL);
      };
      // Sometimes many at once, sometimes one by one.
      (*journal)->Append(AsBytes(RecordNamed(number)), tell);
      if (number % 3 == 0 && !(*journal)->AppendAndWait(AsBytes("waited for")).ok()) _exit(3);
    }
  };
  std::thread one(work);
  std::thread two(work);
  work();
  return 4;
}

std::vector<Told> ReadTold(int pipe) {
  std::vector<Told> all;
  Told message;
  while (read(pipe, &message, sizeof message) == static_cast<ssize_t>(sizeof message)) all.push_back(message);
  return all;
}

TEST(JournalKillTest, NothingThatWasAcknowledgedIsLost) {
  const TempDir directory;
  std::mt19937_64 random(20'261'121);
  std::vector<std::string> before;
  for (int life = 0; life < (kSanitized ? 4 : 10); ++life) {
    int ends[2] = {};
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const std::size_t answers = 1 + random() % kMaxAnswers;
    const std::uint64_t first_record = static_cast<std::uint64_t>(life) * 1'000'000'000;
    ASSERT_EQ(InChild([&] { return AppendUntilKilled(directory.path(), first_record, answers, writing.get()); }),
              128 + SIGKILL);
    writing.Reset();
    const std::vector<Told> told = ReadTold(reading.get());
    ASSERT_EQ(told.size(), answers);

    const auto folder = DiskLogFolder(directory.path());
    JournalOptions options = SmallOptions();
    options.depth = Depth::kEveryRecord;
    const auto journal = Journal::Open(*folder, options);
    ASSERT_TRUE(journal.ok()) << journal.error().ToString();
    const std::vector<std::string> records = *ReadAll(*folder, {.from = 0, .to = (*journal)->durable().size});
    EXPECT_EQ((*journal)->durable(), HeadOf(records));
    ASSERT_GE(records.size(), before.size());
    ASSERT_TRUE(std::equal(before.begin(), before.end(), records.begin()));
    for (const Told& each : told) {
      ASSERT_LT(each.index, records.size());
      ASSERT_EQ(records[each.index], RecordNamed(each.record));
    }
    before = records;
  }
}

}  // namespace
}  // namespace coffer::audit
