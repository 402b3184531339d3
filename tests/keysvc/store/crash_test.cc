// Power cuts, full disks and failing syncs under the store, from printed seeds: whatever a Commit acknowledged is there
// afterwards, what it did not is there whole or not at all, and the MACs and the head always agree.

#include <array>
#include <charconv>
#include <random>
#include <stdlib.h>

#include "keysvc/store/authenticated_store.h"
#include "tests/keysvc/store/store_fixtures.h"
#include "tests/support/sanitized.h"

namespace coffer::keysvc {
namespace {

using testing::SampleKey;
using testing::SampleKeys;
using testing::SampleRow;
using testing::SampleStoreUuid;
using testing::WholeTable;

constexpr std::uint64_t kDefaultSeeds = kSanitized ? 500 : 2'000;
constexpr int kRoundsOfLongLives = 3;  // crashes of one store, for every fourth seed
constexpr int kMutationsPerRound = 8;
constexpr std::uint8_t kKeysPerTable = 12;
constexpr std::array kTables = {Table::kTenant, Table::kKeyVersion, Table::kDataKey, Table::kSecret,
                                Table::kSecretVersion};

std::uint64_t SeedCount() {
  const char* text = getenv("COFFER_SIM_SEEDS");
  if (text == nullptr) return kDefaultSeeds;
  const std::string_view digits(text);
  std::uint64_t count = 0;
  const auto parsed = std::from_chars(digits.begin(), digits.end(), count);
  EXPECT_TRUE(parsed.ec == std::errc() && parsed.ptr == digits.end()) << "COFFER_SIM_SEEDS is not a number";
  return count;
}

using Content = std::map<std::pair<Table, Row>, Row>;

// One store's life on one failing disk. The model says what must be there.
class CrashSimulation {
 public:
  explicit CrashSimulation(std::uint64_t seed) : vfs_(seed), random_(seed) {}

  void Run(int rounds) {
    for (int round = 0; round < rounds && !::testing::Test::HasFatalFailure(); ++round) {
      PlanFault();
      if (Start()) Work();
      Stop();
      PlanNothing();
      ASSERT_TRUE(Start()) << "a store that lost power opens again";
      CheckContent();
      Stop();
    }
  }

 private:
  std::uint64_t Below(std::uint64_t limit) {
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
  }

  void PlanFault() {
    switch (Below(4)) {
      case 0:
        vfs_.FailSyncAtStep(1 + Below(12));
        break;
      case 1:
        vfs_.LimitBytes(vfs_.TotalBytes() + 1 + Below(120'000));
        break;
      default:
        break;
    }
    if (Below(8) != 0) vfs_.CrashAtStep(1 + Below(Below(2) == 0 ? 12 : 100));
  }

  void PlanNothing() {
    vfs_.LimitBytes(0);
    vfs_.Reboot();
  }

  // Opens and verifies or, as long as nothing was ever acknowledged, formats. The store knows its rows from then on,
  // and every read of theirs is compared with that.
  bool Start() {
    auto opened = SqliteStore::Open({"store.db", vfs_.name(), 0});
    if (!opened.ok()) {
      EXPECT_EQ(opened.error().code(), ErrorCode::kUnavailable);
      return false;
    }
    store_ = *std::move(opened);
    authenticated_ = std::make_unique<AuthenticatedStore>(*store_, SampleStoreUuid(), SampleKeys());
    const Status ready = formatted_ ? authenticated_->VerifyAll() : authenticated_->Format();
    EXPECT_TRUE(ready.ok() || ready.error().code() == ErrorCode::kUnavailable) << ready.error().ToString();
    formatted_ = formatted_ || ready.ok();
    return ready.ok();
  }

  void Stop() {
    authenticated_.reset();
    store_.reset();
  }

  void Work() {
    for (int i = 0; i < kMutationsPerRound && !::testing::Test::HasFatalFailure(); ++i) {
      if (!Mutate() && !Settle()) return;
    }
  }

  // One mutation of up to four changes. False when it failed, which must be an outage.
  bool Mutate() {
    Content after = acknowledged_;
    const Status done = TryMutate(after);
    if (done.ok()) {
      acknowledged_ = std::move(after);
      ++epoch_;
      return true;
    }
    EXPECT_EQ(done.error().code(), ErrorCode::kUnavailable);
    in_doubt_ = std::move(after);
    return false;
  }

  Status TryMutate(Content& after) {
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, authenticated_->Begin());
    EXPECT_EQ(mutation.epoch().value, epoch_ + 1);
    const std::uint64_t changes = 1 + Below(4);
    for (std::uint64_t i = 0; i < changes; ++i) {
      const Table table = kTables[Below(kTables.size())];
      const auto number = static_cast<std::uint8_t>(1 + Below(kKeysPerTable));
      const auto known = after.find({table, SampleKey(table, number)});
      if (known == after.end()) {
        Row row = RandomRow(table, number);
        COFFER_TRY(mutation.Insert(table, row));
        after[{table, SampleKey(table, number)}] = std::move(row);
      } else if (Below(3) == 0) {
        COFFER_TRY(mutation.Erase(table, SampleKey(table, number)));
        after.erase(known);
      } else {
        Row row = RandomRow(table, number);
        COFFER_TRY(mutation.Update(table, row));
        known->second = std::move(row);
      }
    }
    return mutation.Commit();
  }

  Row RandomRow(Table table, std::uint8_t number) {
    Row row = SampleRow(table, number);
    if (table == Table::kSecretVersion)
      row[3] = Bytes(Below(9) == 0 ? 30'000 : 100, static_cast<std::byte>(Below(256)));
    if (table == Table::kTenant || table == Table::kKeyVersion)
      row.back() = static_cast<std::int64_t>(Below(1'000'000));
    return row;
  }

  // After an outage that left the power on: the store itself tells the outcome, and it stays so. False when it cannot
  // yet.
  bool Settle() {
    const auto epoch = authenticated_->Epoch();
    if (!epoch.ok()) {
      EXPECT_EQ(epoch.error().code(), ErrorCode::kUnavailable);
      return false;
    }
    Settle(*epoch);
    return true;
  }

  void Settle(StoreEpoch epoch) {
    if (in_doubt_ && epoch.value == epoch_ + 1) {
      acknowledged_ = *in_doubt_;
      ++epoch_;
    }
    EXPECT_EQ(epoch.value, epoch_);
    in_doubt_.reset();
  }

  void CheckContent() {
    const Status verified = authenticated_->VerifyAll();
    ASSERT_TRUE(verified.ok()) << verified.error().ToString();
    const auto epoch = authenticated_->Epoch();
    ASSERT_TRUE(epoch.ok());
    ASSERT_GE(epoch->value, epoch_);
    Settle(*epoch);
    Content there;
    for (const Table table : kTables) {
      const auto rows = authenticated_->Scan(WholeTable(table));
      ASSERT_TRUE(rows.ok());
      for (const Row& row : *rows) there[{table, PrimaryKeyOf(SpecOf(table), row)}] = row;
    }
    ASSERT_EQ(there, acknowledged_);
  }

  FaultVfs vfs_;
  std::mt19937_64 random_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<AuthenticatedStore> authenticated_;
  bool formatted_ = false;
  Content acknowledged_;
  std::uint64_t epoch_ = 0;
  std::optional<Content> in_doubt_;
};

TEST(CrashTest, AcknowledgedRowsSurviveAnyCrash) {
  const std::uint64_t seeds = SeedCount();
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashSimulation(seed).Run(seed % 4 == 0 ? kRoundsOfLongLives : 1);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(CrashTest, PowerCutAtEveryStepOfTheFirstStart) {
  for (std::uint64_t step = 1;; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    FaultVfs vfs(step);
    const SqliteOptions options{"store.db", vfs.name(), 0};
    vfs.CrashAtStep(step);
    {
      const auto store = SqliteStore::Open(options);
      if (store.ok()) static_cast<void>(AuthenticatedStore(**store, SampleStoreUuid(), SampleKeys()).Format().ok());
    }
    const bool past_the_end = !vfs.crashed();
    vfs.Reboot();
    const auto store = SqliteStore::Open(options);
    ASSERT_TRUE(store.ok());
    AuthenticatedStore authenticated(**store, SampleStoreUuid(), SampleKeys());
    ASSERT_TRUE(authenticated.Format().ok());
    ASSERT_TRUE(authenticated.VerifyAll().ok());
    if (past_the_end) break;
  }
}

}  // namespace
}  // namespace coffer::keysvc
