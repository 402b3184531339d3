#include "db/rewrap.h"

#include <gtest/gtest.h>

#include "tests/db/memory_rows.h"
#include "tests/db/rewrapping_service.h"
#include "tests/support/wait_until.h"

namespace coffer::db {
namespace {

constexpr std::uint64_t kOld = 1;
constexpr std::uint64_t kNew = 2;

class RewrapTest : public testing::Test {
 protected:
  RewrapTest() {
    column_.field = "shop.connection.password";
    column_.place = {{"", "connection"}, "password"};
    column_.row = {{"id", ValueType::kInt64}};
    column_.context = {{"url", {"url", ValueType::kText}}};
    ports_.rewrap = [this](const v1::RewrapFieldsRequest& request) { return service_(request); };
    ports_.clock = &clock_;
    ports_.pause = [this](std::int64_t micros) {
      clock_.Advance(micros);
      paused_ += micros;
    };
    ports_.progress = [](std::uint64_t) {};
  }

  static std::string KeyOf(std::uint64_t id) {
    std::string text = std::to_string(id);
    return std::string(8 - text.size(), '0') + text;
  }

  std::string Encrypted(std::uint64_t key, std::uint64_t id, const std::string& tenant = "") const {
    v1::RowId row;
    row.add_parts()->set_int64(static_cast<std::int64_t>(id));
    v1::RowContext context;
    v1::BoundColumn* const url = context.add_columns();
    url->set_column("url");
    url->mutable_value()->set_text("https://db/");
    return RewrappingService::Encrypt(key, tenant, row, context, filling_);
  }

  void Fill(std::uint64_t count, std::uint64_t key = kOld) {
    for (std::uint64_t id = 1; id <= count; ++id) Put(id, key);
  }
  void Put(std::uint64_t id, std::uint64_t key, const Cell& tenant = {}) {
    rows_.rows[KeyOf(id)] = {Encrypted(key, id, tenant.value_or("")), {std::to_string(id)}, {"https://db/"}, tenant};
  }
  std::string& Stored(std::uint64_t id) { return rows_.rows.at(KeyOf(id)).ciphertext; }
  std::size_t CountUnder(std::uint64_t key) const {
    std::size_t count = 0;
    for (const auto& [name, row] : rows_.rows) count += row.ciphertext.starts_with(HeaderOf(Ciphertext(key))) ? 1 : 0;
    return count;
  }

  RewrapReport Rewrap() {
    auto report = RewrapColumn(rows_, column_, options_, ports_);
    EXPECT_TRUE(report.ok());
    return report.ok() ? *report : RewrapReport();
  }

  EncryptedColumn column_;
  RewrapOptions options_;
  RewrapPorts ports_;
  FakeClock clock_;
  MemoryRows rows_;
  RewrappingService service_;
  std::int64_t paused_ = 0;
  std::size_t filling_ = 80;
};

TEST_F(RewrapTest, EveryValueEndsUnderThePrimaryVersion) {
  Fill(2'500);
  Put(7, kNew);
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.values, 2'500U);
  EXPECT_EQ(report.current, 1U);
  EXPECT_EQ(report.rewrapped, 2'499U);
  EXPECT_EQ(report.left, 0U);
  EXPECT_EQ(report.conflicts, 0U);
  EXPECT_EQ(report.passes, 2U);
  EXPECT_TRUE(report.settled);
  EXPECT_EQ(CountUnder(kNew), 2'500U);
  EXPECT_EQ(Stored(9), Encrypted(kNew, 9));
}

TEST_F(RewrapTest, AnEmptyTableIsDone) {
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.passes, 1U);
  EXPECT_EQ(service_.calls, 0U);
}

TEST_F(RewrapTest, WhatIsCurrentIsAskedForOnceAPass) {
  Fill(2'500, kNew);
  const RewrapReport report = Rewrap();
  EXPECT_EQ(service_.items, kMaxPage);
  EXPECT_EQ(report.current, 2'500U);
  EXPECT_EQ(report.rewrapped, 0U);
  EXPECT_EQ(report.passes, 1U);
}

TEST_F(RewrapTest, AnotherWritersValueWinsAndIsRewrappedNext) {
  Fill(10);
  bool once = true;
  rows_.before_replace = [&](MemoryRows&) {
    if (std::exchange(once, false)) Stored(5) = Encrypted(kOld, 5) + "newer";
  };
  const RewrapReport report = Rewrap();
  EXPECT_EQ(Stored(5), Encrypted(kNew, 5) + "newer");
  EXPECT_EQ(report.rewrapped, 10U);
  EXPECT_EQ(report.conflicts, 0U);
}

TEST_F(RewrapTest, AWriterUnderThePrimaryVersionLeavesNothingToDo) {
  Fill(10);
  rows_.before_replace = [&](MemoryRows&) { Stored(5) = Encrypted(kNew, 5) + "newer"; };
  const RewrapReport report = Rewrap();
  EXPECT_EQ(Stored(5), Encrypted(kNew, 5) + "newer");
  EXPECT_EQ(report.rewrapped, 9U);
  EXPECT_EQ(report.left, 0U);
}

TEST_F(RewrapTest, ARowThatIsDeletedMeanwhileIsNotMissed) {
  Fill(10);
  rows_.before_replace = [&](MemoryRows& rows) { rows.rows.erase(KeyOf(5)); };
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.rewrapped, 9U);
  EXPECT_EQ(report.left, 0U);
}

TEST_F(RewrapTest, ARowThatOthersHoldIsLeftForTheNextPass) {
  Fill(10);
  rows_.locked = {KeyOf(3)};
  int replaces = 0;
  rows_.before_replace = [&](MemoryRows& rows) {
    if (++replaces == 3) rows.locked.clear();
  };
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.conflicts, 1U);
  EXPECT_EQ(report.left, 0U);
  EXPECT_EQ(report.passes, 3U);
  EXPECT_GT(paused_, 0);
  EXPECT_EQ(CountUnder(kNew), 10U);
}

TEST_F(RewrapTest, ARowThatIsHeldForEverIsSaidToBeLeft) {
  Fill(10);
  rows_.locked = {KeyOf(3)};
  options_.max_passes = 4;
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.passes, 4U);
  EXPECT_EQ(report.conflicts, 4U);
  EXPECT_EQ(report.left, 1U);
}

TEST_F(RewrapTest, WhoPutsOldCiphertextsBackIsNotTakenForDone) {
  Fill(10);
  rows_.before_replace = [&](MemoryRows&) { Stored(1) = Encrypted(kOld, 1) + "old"; };
  ports_.progress = [&](std::uint64_t) { Stored(1) = Encrypted(kOld, 1); };
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.passes, options_.max_passes);
  EXPECT_FALSE(report.settled);
  rows_.before_replace = nullptr;
  ports_.progress = [](std::uint64_t) {};
  EXPECT_TRUE(Rewrap().settled);
}

TEST_F(RewrapTest, ABatchWhoseLocksAreHeldIsLeftForTheNextPass) {
  Fill(10);
  rows_.fail_writes = Error(ErrorCode::kUnavailable, "another PostgreSQL session holds a lock: try again");
  int replaces = 0;
  rows_.before_replace = [&](MemoryRows& rows) {
    if (++replaces == 3) rows.fail_writes.reset();
  };
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.conflicts, 10U);
  EXPECT_EQ(report.left, 0U);
}

TEST_F(RewrapTest, ACiphertextOfAnotherRowIsCountedAndLeftAsItIs) {
  Fill(10);
  std::swap(Stored(2), Stored(3));
  const std::string swapped = Stored(2);
  options_.failed_rows_kept = 1;
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.failed[static_cast<std::size_t>(RewrapFault::kUndecryptable)], 2U);
  EXPECT_EQ(report.left, 2U);
  EXPECT_EQ(report.rewrapped, 8U);
  EXPECT_EQ(Stored(2), swapped);
  ASSERT_EQ(report.failed_rows.size(), 1U);
  EXPECT_EQ(report.failed_rows[0].key, RowKey{KeyOf(2)});
}

TEST_F(RewrapTest, AnEditedNeighbourIsCountedAndLeftAsItIs) {
  Fill(3);
  rows_.rows.at(KeyOf(2)).context = {"https://evil/"};
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.FailedInAll(), 1U);
  EXPECT_EQ(Stored(2), Encrypted(kOld, 2));
  EXPECT_TRUE(report.failed_rows.empty());
}

TEST_F(RewrapTest, ADisabledKeyIsCountedByItself) {
  Fill(3);
  service_.disabled = {kOld};
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.failed[static_cast<std::size_t>(RewrapFault::kKeyDisabled)], 3U);
  EXPECT_EQ(CountUnder(kOld), 3U);
}

TEST_F(RewrapTest, WhatIsNoCiphertextIsNotSent) {
  Fill(3);
  Stored(1) = "hunter2";
  Stored(2) = Ciphertext(kOld, 'x', kMaxStored);
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.failed[static_cast<std::size_t>(RewrapFault::kNoCiphertext)], 2U);
  EXPECT_EQ(Stored(1), "hunter2");
  EXPECT_EQ(service_.items, 2U);  // the third one, by each pass
}

TEST_F(RewrapTest, ARowIdThatIsNoneIsNotSent) {
  Fill(4);
  rows_.rows.at(KeyOf(1)).row = {std::nullopt};
  rows_.rows.at(KeyOf(2)).row = {"12x"};
  rows_.rows.at(KeyOf(3)).context = {std::string(kMaxBound, 'u')};
  const RewrapReport report = Rewrap();
  EXPECT_EQ(report.failed[static_cast<std::size_t>(RewrapFault::kUnfitRow)], 3U);
  EXPECT_EQ(report.rewrapped, 1U);
}

TEST_F(RewrapTest, TooManyFailedValuesEndIt) {
  Fill(100);
  for (auto& [key, row] : rows_.rows) row.row = {"0"};
  options_.batch = 10;
  options_.max_failed = 25;
  const RewrapReport report = Rewrap();
  EXPECT_TRUE(report.too_many_failed);
  EXPECT_FALSE(report.settled);
  EXPECT_EQ(report.FailedInAll(), 30U);
  EXPECT_EQ(rows_.pages, 3U);
  EXPECT_EQ(CountUnder(kOld), 100U);
}

TEST_F(RewrapTest, ARotationMeanwhileIsNoticed) {
  Fill(100);
  options_.batch = 10;
  service_.on_call = [](RewrappingService& service) {
    if (service.calls == 5) service.primary[""] = 3;
  };
  const RewrapReport report = Rewrap();
  EXPECT_EQ(CountUnder(3), 100U);
  EXPECT_EQ(report.left, 0U);
}

TEST_F(RewrapTest, ARotationAfterTheLastValueIsNoticedByTheNextPass) {
  Fill(100);
  options_.batch = 10;
  service_.on_call = [](RewrappingService& service) {
    if (service.calls == 11) service.primary[""] = 3;  // the second pass begins
  };
  Rewrap();
  EXPECT_EQ(CountUnder(3), 100U);
}

TEST_F(RewrapTest, TheDatabaseWorksWhileTheServiceDoes) {
  Fill(50);
  options_.batch = 10;
  bool ahead = false;
  service_.on_call = [&](RewrappingService& service) {
    if (service.calls == 2) ahead = WaitUntil([this] { return rows_.pages >= 3; });
  };
  EXPECT_EQ(Rewrap().rewrapped, 50U);
  EXPECT_TRUE(ahead) << "the third page was not read before the second was answered";
  EXPECT_EQ(CountUnder(kNew), 50U);
}

// Another opening of the same rows.
class Writer final : public CipherRows {
 public:
  Writer(MemoryRows& rows, Mutex& mutex) : rows_(rows), mutex_(mutex) {}

  Result<Page> ReadPage(const RowKey*, std::size_t, const Headers&) override { return Unasked(); }
  Result<std::vector<StoredValue>> ReadRows(std::span<const RowKey>, const Headers&) override { return Unasked(); }
  Result<std::vector<bool>> Replace(std::span<const Replacement> replacements) override {
    EXPECT_FALSE(busy_.exchange(true)) << "two pages at a time";
    ++begun;
    EXPECT_TRUE(!wait_for || WaitUntil(wait_for));
    const Lock lock(mutex_);
    auto replaced = rows_.Replace(replacements);
    busy_ = false;
    return replaced;
  }

  std::atomic<int> begun = 0;
  std::function<bool()> wait_for;

 private:
  static Error Unasked() { return Error(ErrorCode::kInternal, "a writer does not read"); }

  MemoryRows& rows_;
  Mutex& mutex_;
  std::atomic<bool> busy_ = false;
};

// Pages are read under the same mutex, which the rows in memory need and a database does not.
class GuardedRows final : public CipherRows {
 public:
  GuardedRows(MemoryRows& rows, Mutex& mutex) : rows_(rows), mutex_(mutex) {}

  Result<Page> ReadPage(const RowKey* after, std::size_t limit, const Headers& known) override {
    const Lock lock(mutex_);
    return rows_.ReadPage(after, limit, known);
  }
  Result<std::vector<StoredValue>> ReadRows(std::span<const RowKey> keys, const Headers& known) override {
    const Lock lock(mutex_);
    return rows_.ReadRows(keys, known);
  }
  Result<std::vector<bool>> Replace(std::span<const Replacement> replacements) override {
    const Lock lock(mutex_);
    return rows_.Replace(replacements);
  }

 private:
  MemoryRows& rows_;
  Mutex& mutex_;
};

TEST_F(RewrapTest, WritersWorkAtATime) {
  Fill(200);
  options_.batch = 10;
  Mutex mutex;
  GuardedRows rows(rows_, mutex);
  Writer first(rows_, mutex);
  Writer second(rows_, mutex);
  // The first page goes alone; then the second one's writer ends only when the third one's works.
  second.wait_for = [&] { return first.begun >= 2; };
  ports_.writers = {&first, &second};
  const auto report = RewrapColumn(rows, column_, options_, ports_);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->rewrapped, 200U);
  EXPECT_EQ(report->left, 0U);
  EXPECT_EQ(first.begun + second.begun, 20);
  EXPECT_EQ(CountUnder(kNew), 200U);
}

TEST_F(RewrapTest, WhatAWriterCannotHaveIsTakenAgain) {
  Fill(100);
  options_.batch = 10;
  Mutex mutex;
  GuardedRows rows(rows_, mutex);
  Writer only(rows_, mutex);
  ports_.writers = {&only};
  int replaces = 0;
  rows_.before_replace = [&](MemoryRows& memory) {
    ++replaces;
    memory.locked = replaces == 3 ? std::set<std::string>{KeyOf(25)} : std::set<std::string>{};
    if (replaces == 5) Stored(37) = Encrypted(kOld, 37) + "newer";
  };
  const auto report = RewrapColumn(rows, column_, options_, ports_);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->rewrapped, 100U);
  EXPECT_EQ(Stored(37), Encrypted(kNew, 37) + "newer");
}

TEST_F(RewrapTest, AWritersErrorEndsIt) {
  Fill(100);
  options_.batch = 10;
  Mutex mutex;
  GuardedRows rows(rows_, mutex);
  Writer only(rows_, mutex);
  ports_.writers = {&only};
  rows_.fail_writes = Error(ErrorCode::kAlreadyExists, "a PostgreSQL constraint refuses the row");
  const auto report = RewrapColumn(rows, column_, options_, ports_);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().database->code(), ErrorCode::kAlreadyExists);
}

TEST_F(RewrapTest, AnErrorOfOnePageWaitsForTheCallsOfOthers) {
  Fill(50);
  options_.batch = 10;
  std::atomic<int> ended = 0;
  ports_.rewrap = [&](const v1::RewrapFieldsRequest& request) {
    auto answer = service_(request);
    ++ended;
    return answer;
  };
  int replaces = 0;
  rows_.before_replace = [&](MemoryRows& rows) {
    if (++replaces == 2) rows.fail_writes = Error(ErrorCode::kAlreadyExists, "a PostgreSQL constraint refuses the row");
  };
  EXPECT_FALSE(RewrapColumn(rows_, column_, options_, ports_).ok());
  EXPECT_EQ(ended, static_cast<int>(service_.calls));
  EXPECT_EQ(CountUnder(kNew), 10U);
}

TEST_F(RewrapTest, EachRowIsRewrappedForItsTenant) {
  column_.tenant_column = "tenant";
  service_.primary = {{"acme", 5}, {"other", 6}};
  for (std::uint64_t id = 1; id <= 200; ++id) Put(id, kOld, id % 2 == 0 ? "acme" : "other");
  Put(201, kOld, "Not A Name");
  rows_.rows[KeyOf(202)] = {Encrypted(kOld, 202), {"202"}, {"https://db/"}, std::nullopt};
  const RewrapReport report = Rewrap();
  EXPECT_EQ(CountUnder(5), 100U);
  EXPECT_EQ(CountUnder(6), 100U);
  EXPECT_EQ(report.failed[static_cast<std::size_t>(RewrapFault::kUnfitRow)], 2U);
}

TEST_F(RewrapTest, ManyTenantsTakeManyCalls) {
  column_.tenant_column = "tenant";
  for (std::uint64_t id = 1; id <= 150; ++id) {
    const std::string tenant = "t" + std::to_string(id);
    service_.primary[tenant] = 1'000 + id;
    Put(id, kOld, tenant);
  }
  EXPECT_EQ(Rewrap().rewrapped, 150U);
  EXPECT_EQ(CountUnder(kOld), 0U);
}

TEST_F(RewrapTest, CallsStayBelowTheServicesLimits) {
  filling_ = 60'000;
  Fill(200);
  EXPECT_EQ(Rewrap().rewrapped, 200U);
  EXPECT_LT(service_.largest_call, std::size_t{4} << 20);
}

TEST_F(RewrapTest, TheRateIsKept) {
  Fill(5'000);
  options_.max_rate = 100;
  const std::int64_t began = clock_.MonotonicMicros();
  Rewrap();
  EXPECT_GE(clock_.MonotonicMicros() - began, 50 * kMicrosPerSecond);
}

TEST_F(RewrapTest, WithoutARateNothingWaits) {
  Fill(5'000);
  Rewrap();
  EXPECT_EQ(paused_, 0);
}

TEST_F(RewrapTest, ProgressCountsWhatWasSeen) {
  Fill(2'500);
  std::vector<std::uint64_t> seen;
  ports_.progress = [&seen](std::uint64_t values) { seen.push_back(values); };
  Rewrap();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1'000, 2'000, 2'500, 1'000, 2'000, 2'500}));
}

TEST_F(RewrapTest, WhatTheServiceRefusesEndsIt) {
  Fill(10);
  service_.failure = client::RpcError(ErrorCode::kPermissionDenied, "the policy does not allow this", true);
  const auto report = RewrapColumn(rows_, column_, options_, ports_);
  ASSERT_FALSE(report.ok());
  ASSERT_TRUE(report.error().service);
  EXPECT_EQ(report.error().service->code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(CountUnder(kOld), 10U);
}

TEST_F(RewrapTest, WhatTheDatabaseRefusesEndsIt) {
  Fill(10);
  rows_.fail_reads = Error(ErrorCode::kUnavailable, "the connection to the PostgreSQL server is lost");
  const auto unread = RewrapColumn(rows_, column_, options_, ports_);
  ASSERT_FALSE(unread.ok());
  EXPECT_EQ(unread.error().database->code(), ErrorCode::kUnavailable);
  rows_.fail_reads.reset();
  rows_.fail_writes = Error(ErrorCode::kAlreadyExists, "a PostgreSQL constraint refuses the row");
  const auto unwritten = RewrapColumn(rows_, column_, options_, ports_);
  ASSERT_FALSE(unwritten.ok());
  EXPECT_EQ(unwritten.error().database->code(), ErrorCode::kAlreadyExists);
}

TEST_F(RewrapTest, AnAnswerOfAnotherShapeChangesNothing) {
  const std::vector<std::function<void(v1::RewrapFieldsResponse&)>> distortions = {
      [](v1::RewrapFieldsResponse& answer) { answer.clear_columns(); },
      [](v1::RewrapFieldsResponse& answer) { answer.add_columns(); },
      [](v1::RewrapFieldsResponse& answer) { answer.mutable_columns(0)->add_values("more"); },
      [](v1::RewrapFieldsResponse& answer) { answer.mutable_columns(0)->mutable_values()->RemoveLast(); },
      [](v1::RewrapFieldsResponse& answer) { answer.mutable_columns(0)->set_values(4, "plaintext"); },
      [](v1::RewrapFieldsResponse& answer) { answer.mutable_columns(0)->set_values(4, ""); },
      [](v1::RewrapFieldsResponse& answer) {
        answer.mutable_columns(0)->set_values(4, Ciphertext(2, 'x', kMaxStored));
      },
      [](v1::RewrapFieldsResponse& answer) { answer.mutable_columns(0)->add_errors()->set_index(10); },
  };
  Fill(10);
  for (const auto& distortion : distortions) {
    service_.distort = distortion;
    const auto report = RewrapColumn(rows_, column_, options_, ports_);
    ASSERT_FALSE(report.ok());
    ASSERT_TRUE(report.error().service);
    EXPECT_EQ(report.error().service->code, ErrorCode::kInternal);
    EXPECT_EQ(CountUnder(kOld), 10U);
  }
}

}  // namespace
}  // namespace coffer::db
