// The attacker who edits the file while the service runs and has verified it: every row that they put back is one that
// we wrote, with the MAC that we gave it.

#include "keysvc/store/authenticated_store.h"
#include "tests/keysvc/store/store_fixtures.h"

namespace coffer::keysvc {
namespace {

using testing::Raw;
using testing::SampleKey;
using testing::SampleKeys;
using testing::SampleRow;
using testing::SampleStoreUuid;
using testing::WholeTable;

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  return result.ok() ? ErrorCode{} : result.error().code();
}

template <typename Home>
class RunningTamperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(running_.Format().ok());
    for (std::uint8_t number = 1; number <= 3; ++number) {
      for (const TableSpec& spec : Schema()) {
        ASSERT_TRUE(Mutate([&](StoreMutation& m) { return m.Insert(spec.table, SampleRow(spec.table, number)); }).ok());
      }
    }
    ASSERT_TRUE(running_.VerifyAll().ok());
  }

  template <typename Act>
  Status Mutate(Act act) {
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, running_.Begin());
    COFFER_TRY(act(mutation));
    return mutation.Commit();
  }
  StoredRow RawRow(Table table, std::uint8_t number) {
    return **(*home_.store->Begin())->Get(table, SampleKey(table, number));
  }
  // Whatever reads the row of key 1.
  void ExpectRefused(const TableSpec& spec) {
    const Row key = SampleKey(spec.table, 1);
    EXPECT_EQ(CodeOf(running_.Get(spec.table, key)), ErrorCode::kIntegrity) << spec.name;
    EXPECT_EQ(CodeOf(running_.Scan(WholeTable(spec.table))), ErrorCode::kIntegrity) << spec.name;
    EXPECT_EQ(CodeOf(running_.Scan({spec.table, key, "", std::nullopt, 0})), ErrorCode::kIntegrity) << spec.name;
    auto mutation = running_.Begin();
    EXPECT_EQ(CodeOf(mutation->Get(spec.table, key)), ErrorCode::kIntegrity) << spec.name;
    EXPECT_EQ(CodeOf(mutation->Insert(spec.table, SampleRow(spec.table, 1))), ErrorCode::kIntegrity) << spec.name;
    EXPECT_EQ(CodeOf(mutation->Update(spec.table, SampleRow(spec.table, 1))), ErrorCode::kIntegrity) << spec.name;
    EXPECT_EQ(CodeOf(mutation->Erase(spec.table, key)), ErrorCode::kIntegrity) << spec.name;
  }

  Home home_;
  AuthenticatedStore running_{*home_.store, SampleStoreUuid(), SampleKeys()};
};

TYPED_TEST_SUITE(RunningTamperTest, testing::Homes);

TYPED_TEST(RunningTamperTest, AnEarlierStateOfARowIsRefused) {
  for (const TableSpec& spec : Schema()) {
    const StoredRow old = this->RawRow(spec.table, 1);
    Row changed = old.columns;
    changed.back() = SampleRow(spec.table, 9).back();
    ASSERT_TRUE(this->Mutate([&](StoreMutation& m) { return m.Update(spec.table, changed); }).ok());
    ASSERT_EQ(**this->running_.Get(spec.table, SampleKey(spec.table, 1)), changed);
    Raw(*this->home_.store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Update(spec.table, old).ok()); });
    this->ExpectRefused(spec);
  }
}

TYPED_TEST(RunningTamperTest, AnErasedRowThatIsBackIsRefused) {
  for (const TableSpec& spec : Schema()) {
    const StoredRow old = this->RawRow(spec.table, 1);
    ASSERT_TRUE(this->Mutate([&](StoreMutation& m) { return m.Erase(spec.table, SampleKey(spec.table, 1)); }).ok());
    ASSERT_FALSE(this->running_.Get(spec.table, SampleKey(spec.table, 1))->has_value());
    Raw(*this->home_.store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(spec.table, old).ok()); });
    this->ExpectRefused(spec);
  }
}

TYPED_TEST(RunningTamperTest, ARemovedRowIsNotReportedAsAbsent) {
  for (const TableSpec& spec : Schema()) {
    Raw(*this->home_.store,
        [&](StoreTransaction& t) { ASSERT_TRUE(t.Erase(spec.table, SampleKey(spec.table, 1)).ok()); });
    this->ExpectRefused(spec);
  }
}

TYPED_TEST(RunningTamperTest, RowsThatWereNotTouchedAreServed) {
  for (const TableSpec& spec : Schema()) {
    Raw(*this->home_.store,
        [&](StoreTransaction& t) { ASSERT_TRUE(t.Erase(spec.table, SampleKey(spec.table, 1)).ok()); });
    EXPECT_EQ(**this->running_.Get(spec.table, SampleKey(spec.table, 2)), SampleRow(spec.table, 2)) << spec.name;
    EXPECT_EQ(this->running_.Scan({spec.table, SampleKey(spec.table, 2), "", std::nullopt, 0})->size(), 1U);
    EXPECT_FALSE(this->running_.Get(spec.table, SampleKey(spec.table, 7))->has_value());
  }
}

TYPED_TEST(RunningTamperTest, AMutationThatIsGivenUpChangesNothing) {
  for (const TableSpec& spec : Schema()) {
    Row changed = SampleRow(spec.table, 2);
    changed.back() = SampleRow(spec.table, 9).back();
    {
      auto mutation = this->running_.Begin();
      ASSERT_TRUE(mutation->Erase(spec.table, SampleKey(spec.table, 1)).ok());
      ASSERT_TRUE(mutation->Update(spec.table, changed).ok());
      ASSERT_TRUE(mutation->Erase(spec.table, SampleKey(spec.table, 2)).ok());
      ASSERT_TRUE(mutation->Insert(spec.table, changed).ok());
      ASSERT_TRUE(mutation->Insert(spec.table, SampleRow(spec.table, 4)).ok());
      EXPECT_EQ(mutation->Scan(WholeTable(spec.table))->size(), 3U);
    }
    EXPECT_EQ(this->running_.Scan(WholeTable(spec.table))->size(), 3U) << spec.name;
    EXPECT_EQ(**this->running_.Get(spec.table, SampleKey(spec.table, 2)), SampleRow(spec.table, 2)) << spec.name;
    EXPECT_FALSE(this->running_.Get(spec.table, SampleKey(spec.table, 4))->has_value()) << spec.name;
  }
}

TYPED_TEST(RunningTamperTest, TheFloorOutlivesTheOneWhoRaisedIt) {
  const auto floor = std::make_shared<EpochFloor>();
  const StoredHead old = **(*this->home_.store->Begin())->GetHead();
  const StoredRow row = this->RawRow(Table::kTenant, 1);
  {
    AuthenticatedStore first(*this->home_.store, SampleStoreUuid(), SampleKeys(), floor);
    ASSERT_TRUE(first.VerifyAll().ok());
    Row changed = row.columns;
    changed.back() = std::int64_t{77};
    auto mutation = first.Begin();
    ASSERT_TRUE(mutation->Update(Table::kTenant, changed).ok());
    ASSERT_TRUE(mutation->Commit().ok());
  }
  Raw(*this->home_.store, [&](StoreTransaction& t) {
    ASSERT_TRUE(t.Update(Table::kTenant, row).ok());
    ASSERT_TRUE(t.PutHead(old).ok());
  });
  AuthenticatedStore forgetful(*this->home_.store, SampleStoreUuid(), SampleKeys());
  EXPECT_TRUE(forgetful.VerifyAll().ok()) << "a whole store put back is a store";
  AuthenticatedStore second(*this->home_.store, SampleStoreUuid(), SampleKeys(), floor);
  EXPECT_EQ(CodeOf(second.VerifyAll()), ErrorCode::kIntegrity);
}

TYPED_TEST(RunningTamperTest, WhatAnotherHolderOfTheKeysCommitsIsTakenOver) {
  AuthenticatedStore other(*this->home_.store, SampleStoreUuid(), SampleKeys());
  ASSERT_TRUE(other.VerifyAll().ok());
  for (AuthenticatedStore* writer : {&other, &this->running_, &other}) {
    AuthenticatedStore& reader = writer == &other ? this->running_ : other;
    for (const TableSpec& spec : Schema()) {
      auto mutation = writer->Begin();
      ASSERT_TRUE(mutation.ok());
      ASSERT_TRUE(mutation->Erase(spec.table, SampleKey(spec.table, 1)).ok());
      ASSERT_TRUE(mutation->Insert(spec.table, SampleRow(spec.table, 4)).ok());
      ASSERT_TRUE(mutation->Commit().ok());
      EXPECT_FALSE(reader.Get(spec.table, SampleKey(spec.table, 1))->has_value()) << spec.name;
      EXPECT_EQ(reader.Scan(WholeTable(spec.table))->size(), 3U) << spec.name;
      auto back = reader.Begin();
      ASSERT_TRUE(back->Erase(spec.table, SampleKey(spec.table, 4)).ok());
      ASSERT_TRUE(back->Insert(spec.table, SampleRow(spec.table, 1)).ok());
      ASSERT_TRUE(back->Commit().ok());
    }
  }
  const StoredRow old = this->RawRow(Table::kSecret, 1);
  auto mutation = other.Begin();
  ASSERT_TRUE(mutation->Erase(Table::kSecret, SampleKey(Table::kSecret, 1)).ok());
  ASSERT_TRUE(mutation->Commit().ok());
  Raw(*this->home_.store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(Table::kSecret, old).ok()); });
  EXPECT_EQ(CodeOf(this->running_.Get(Table::kSecret, SampleKey(Table::kSecret, 1))), ErrorCode::kIntegrity);
}

TYPED_TEST(RunningTamperTest, AHeadThatWasEditedOrPutBackIsRefusedByEveryRead) {
  const StoredHead old = **(*this->home_.store->Begin())->GetHead();
  ASSERT_TRUE(
      this->Mutate([](StoreMutation& m) { return m.Erase(Table::kTenant, SampleKey(Table::kTenant, 1)); }).ok());
  StoredHead edited = **(*this->home_.store->Begin())->GetHead();
  ++edited.epoch.value;
  for (const StoredHead& head : {old, edited}) {
    Raw(*this->home_.store, [&](StoreTransaction& t) { ASSERT_TRUE(t.PutHead(head).ok()); });
    EXPECT_EQ(CodeOf(this->running_.Get(Table::kKek, SampleKey(Table::kKek, 1))), ErrorCode::kIntegrity);
    EXPECT_EQ(CodeOf(this->running_.Scan(WholeTable(Table::kKek))), ErrorCode::kIntegrity);
    EXPECT_EQ(CodeOf(this->running_.Begin()), ErrorCode::kIntegrity);
  }
}

// Commits that fail, with and without having happened: the next read settles which, and knows every row again.
TEST(FailedCommitTest, TheHeadSettlesWhatHappened) {
  testing::SqliteHome home;
  AuthenticatedStore store(*home.store, SampleStoreUuid(), SampleKeys());
  ASSERT_TRUE(store.Format().ok());
  std::size_t there = 0;
  int failed = 0;
  for (std::uint8_t number = 1; number < 60; ++number) {
    const StoreEpoch before = *store.Epoch();
    auto mutation = store.Begin();
    ASSERT_TRUE(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, number)).ok());
    if (number % 3 == 1) home.vfs.FailSyncAtStep(1);
    if (number % 3 == 2) home.vfs.LimitBytes(home.vfs.TotalBytes() + 1);
    const Status committed = mutation->Commit();
    failed += committed.ok() ? 0 : 1;
    home.vfs.LimitBytes(0);
    home.vfs.FailSyncAtStep(0);
    const auto rows = store.Scan(WholeTable(Table::kTenant));
    ASSERT_TRUE(rows.ok()) << rows.error().ToString();
    there += store.Epoch()->value == before.value + 1 ? 1 : 0;
    EXPECT_EQ(rows->size(), there);
    EXPECT_TRUE(store.Get(Table::kTenant, SampleKey(Table::kTenant, number)).ok());
  }
  EXPECT_GT(failed, 10);
}

}  // namespace
}  // namespace coffer::keysvc
