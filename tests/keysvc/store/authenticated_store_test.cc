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

ErrorCode CodeOf(const Status& status) { return status.ok() ? ErrorCode{} : status.error().code(); }

template <typename Home>
class AuthenticatedStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_.Format().ok()); }

  template <typename Act>
  Status Mutate(Act act) {
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
    COFFER_TRY(act(mutation));
    return mutation.Commit();
  }
  Status Insert(Table table, std::uint8_t number) {
    return Mutate([&](StoreMutation& m) { return m.Insert(table, SampleRow(table, number)); });
  }
  StoredHead RawHead() { return **(*home_.store->Begin())->GetHead(); }

  Home home_;
  AuthenticatedStore store_{*home_.store, SampleStoreUuid(), SampleKeys()};
};

TYPED_TEST_SUITE(AuthenticatedStoreTest, testing::Homes);

TYPED_TEST(AuthenticatedStoreTest, EmptyStoreVerifiesAtEpochZero) {
  EXPECT_TRUE(this->store_.VerifyAll().ok());
  EXPECT_EQ(this->store_.Epoch()->value, 0U);
  EXPECT_EQ(this->RawHead().sum, Digest{});
}

TYPED_TEST(AuthenticatedStoreTest, EveryTableReadsBackAndVerifies) {
  for (const TableSpec& spec : Schema()) {
    ASSERT_TRUE(this->Insert(spec.table, 1).ok()) << spec.name;
    EXPECT_EQ(**this->store_.Get(spec.table, SampleKey(spec.table, 1)), SampleRow(spec.table, 1)) << spec.name;
    EXPECT_EQ(this->store_.Scan(WholeTable(spec.table))->size(), 1U) << spec.name;
  }
  EXPECT_TRUE(this->store_.VerifyAll().ok());
}

TYPED_TEST(AuthenticatedStoreTest, RowMacIsTheFormatsMac) {
  ASSERT_TRUE(this->Insert(Table::kTenant, 1).ok());
  const StoredRow stored = **(*this->home_.store->Begin())->Get(Table::kTenant, SampleKey(Table::kTenant, 1));
  EXPECT_EQ(stored.row_epoch, 1U);
  Bytes key;
  ASSERT_TRUE(EncodeRow(std::vector<ScalarView>{ViewOf(stored.columns[0])}, key).ok());
  Bytes row = {std::byte{3}};
  for (const Datum& column : stored.columns) ASSERT_TRUE(EncodeValue(ViewOf(column), row).ok());
  EXPECT_EQ(stored.mac, RowMac(SampleKeys().rows, SampleStoreUuid(), "tenant", key, 1, row));
  MacSum sum;
  sum.Add(SampleKeys().head, stored.mac);
  EXPECT_EQ(this->RawHead().sum, sum.bytes());
  EXPECT_EQ(this->RawHead().mac, HeadMac(SampleKeys().head, SampleStoreUuid(), StoreEpoch{1}, sum));
}

TYPED_TEST(AuthenticatedStoreTest, EpochRisesByOneForEachCommitAndOnlyThen) {
  for (std::uint64_t expected = 1; expected < 5; ++expected) {
    {
      auto forgotten = this->store_.Begin();
      ASSERT_TRUE(forgotten->Insert(Table::kTenant, SampleRow(Table::kTenant, 99)).ok());
    }
    auto mutation = this->store_.Begin();
    EXPECT_EQ(mutation->epoch().value, expected);
    ASSERT_TRUE(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, static_cast<std::uint8_t>(expected))).ok());
    ASSERT_TRUE(mutation->Insert(Table::kKek, SampleRow(Table::kKek, static_cast<std::uint8_t>(expected))).ok());
    ASSERT_TRUE(mutation->Commit().ok());
    EXPECT_EQ(this->store_.Epoch()->value, expected);
  }
  EXPECT_TRUE(this->store_.VerifyAll().ok());
}

TYPED_TEST(AuthenticatedStoreTest, SumComesBackToZeroWhenAllRowsAreGone) {
  for (const TableSpec& spec : Schema()) ASSERT_TRUE(this->Insert(spec.table, 1).ok());
  EXPECT_NE(this->RawHead().sum, Digest{});
  ASSERT_TRUE(this->Mutate([](StoreMutation& m) -> Status {
                    for (const TableSpec& spec : Schema()) COFFER_TRY(m.Erase(spec.table, SampleKey(spec.table, 1)));
                    return {};
                  })
                  .ok());
  EXPECT_EQ(this->RawHead().sum, Digest{});
  EXPECT_TRUE(this->store_.VerifyAll().ok());
}

TYPED_TEST(AuthenticatedStoreTest, UpdatesKeepTheSum) {
  ASSERT_TRUE(this->Insert(Table::kKeyVersion, 1).ok());
  for (std::int64_t state = 10; state < 20; ++state) {
    Row row = SampleRow(Table::kKeyVersion, 1);
    row[2] = state;
    ASSERT_TRUE(this->Mutate([&](StoreMutation& m) { return m.Update(Table::kKeyVersion, row); }).ok());
    ASSERT_TRUE(this->store_.VerifyAll().ok());
  }
}

TYPED_TEST(AuthenticatedStoreTest, MutationReadsItsOwnWrites) {
  auto mutation = this->store_.Begin();
  ASSERT_TRUE(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, 1)).ok());
  EXPECT_EQ(**mutation->Get(Table::kTenant, SampleKey(Table::kTenant, 1)), SampleRow(Table::kTenant, 1));
  EXPECT_EQ(mutation->Scan(WholeTable(Table::kTenant))->size(), 1U);
  ASSERT_TRUE(mutation->Erase(Table::kTenant, SampleKey(Table::kTenant, 1)).ok());
  EXPECT_FALSE(mutation->Get(Table::kTenant, SampleKey(Table::kTenant, 1))->has_value());
}

TYPED_TEST(AuthenticatedStoreTest, RefusedChangesLeaveTheMutationUsable) {
  ASSERT_TRUE(this->Insert(Table::kTenant, 1).ok());
  auto mutation = this->store_.Begin();
  EXPECT_EQ(CodeOf(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, 1))), ErrorCode::kAlreadyExists);
  EXPECT_EQ(CodeOf(mutation->Update(Table::kTenant, SampleRow(Table::kTenant, 2))), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(mutation->Erase(Table::kTenant, SampleKey(Table::kTenant, 2))), ErrorCode::kNotFound);
  Row not_text = SampleRow(Table::kTenant, 3);
  not_text[1] = std::string("\xff");
  EXPECT_EQ(CodeOf(mutation->Insert(Table::kTenant, not_text)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(mutation->Insert(Table::kTenant, {std::int64_t{1}})), ErrorCode::kInternal);
  ASSERT_TRUE(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, 4)).ok());
  ASSERT_TRUE(mutation->Commit().ok());
  EXPECT_TRUE(this->store_.VerifyAll().ok());
  EXPECT_EQ(this->store_.Scan(WholeTable(Table::kTenant))->size(), 2U);
}

TYPED_TEST(AuthenticatedStoreTest, AfterCommitTheMutationIsOver) {
  auto mutation = this->store_.Begin();
  ASSERT_TRUE(mutation->Commit().ok());
  EXPECT_EQ(CodeOf(mutation->Commit()), ErrorCode::kInternal);
  EXPECT_EQ(CodeOf(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, 1))), ErrorCode::kInternal);
  EXPECT_EQ(CodeOf(mutation->Update(Table::kTenant, SampleRow(Table::kTenant, 1))), ErrorCode::kInternal);
  EXPECT_EQ(CodeOf(mutation->Erase(Table::kTenant, SampleKey(Table::kTenant, 1))), ErrorCode::kInternal);
  EXPECT_FALSE(mutation->Get(Table::kTenant, SampleKey(Table::kTenant, 1)).ok());
  EXPECT_FALSE(mutation->Scan(WholeTable(Table::kTenant)).ok());
}

TYPED_TEST(AuthenticatedStoreTest, FormatAgainOnlyWhileNothingWasCommitted) {
  AuthenticatedStore other(*this->home_.store, SampleStoreUuid(8), SampleKeys(SampleStoreUuid(8)));
  EXPECT_TRUE(other.Format().ok());
  EXPECT_TRUE(other.VerifyAll().ok());
  EXPECT_TRUE(this->store_.Format().ok());
  ASSERT_TRUE(this->Insert(Table::kTenant, 1).ok());
  EXPECT_EQ(CodeOf(this->store_.Format()), ErrorCode::kAlreadyExists);
  ASSERT_TRUE(
      this->Mutate([](StoreMutation& m) { return m.Erase(Table::kTenant, SampleKey(Table::kTenant, 1)); }).ok());
  EXPECT_EQ(CodeOf(this->store_.Format()), ErrorCode::kAlreadyExists);
}

TYPED_TEST(AuthenticatedStoreTest, RowsWithoutAHeadAreNotFormatted) {
  TypeParam home;
  Raw(*home.store, [](StoreTransaction& t) {
    ASSERT_TRUE(t.Insert(Table::kTenant, testing::SampleStored(Table::kTenant, 1)).ok());
  });
  AuthenticatedStore store(*home.store, SampleStoreUuid(), SampleKeys());
  EXPECT_EQ(CodeOf(store.Format()), ErrorCode::kAlreadyExists);
}

TYPED_TEST(AuthenticatedStoreTest, WithoutAHeadNothingIsBelieved) {
  TypeParam home;
  AuthenticatedStore store(*home.store, SampleStoreUuid(), SampleKeys());
  EXPECT_EQ(CodeOf(store.VerifyAll()), ErrorCode::kIntegrity);
  EXPECT_EQ(store.Epoch().error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(store.Begin().error().code(), ErrorCode::kIntegrity);
}

TYPED_TEST(AuthenticatedStoreTest, AnotherRootKeyOrStoreBelievesNothing) {
  ASSERT_TRUE(this->Insert(Table::kTenant, 1).ok());
  const StoreUuid uuid = SampleStoreUuid();
  AuthenticatedStore other_key(*this->home_.store, uuid, SampleKeys(uuid, 2));
  AuthenticatedStore other_store(*this->home_.store, SampleStoreUuid(8), SampleKeys(SampleStoreUuid(8)));
  AuthenticatedStore other_name(*this->home_.store, SampleStoreUuid(8), SampleKeys(uuid));
  for (AuthenticatedStore* store : {&other_key, &other_store, &other_name}) {
    EXPECT_EQ(CodeOf(store->VerifyAll()), ErrorCode::kIntegrity);
    EXPECT_EQ(store->Get(Table::kTenant, SampleKey(Table::kTenant, 1)).error().code(), ErrorCode::kIntegrity);
    EXPECT_EQ(store->Begin().error().code(), ErrorCode::kIntegrity);
  }
}

TYPED_TEST(AuthenticatedStoreTest, ErrorsNameTheTableAndNoValue) {
  ASSERT_TRUE(this->Insert(Table::kTenant, 1).ok());
  Raw(*this->home_.store, [](StoreTransaction& t) {
    StoredRow row = **t.Get(Table::kTenant, SampleKey(Table::kTenant, 1));
    row.columns[1] = std::string("canary");
    ASSERT_TRUE(t.Update(Table::kTenant, row).ok());
  });
  const Status verified = this->store_.VerifyAll();
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().path(), "tenant");
  EXPECT_EQ(verified.error().ToString().find("canary"), std::string::npos);
}

class FailingCommitTest : public ::testing::Test {
 protected:
  testing::SqliteHome home_;
  AuthenticatedStore store_{*home_.store, SampleStoreUuid(), SampleKeys()};
};

TEST_F(FailingCommitTest, NothingHalfDoneIsBelieved) {
  ASSERT_TRUE(store_.Format().ok());
  for (std::uint8_t number = 1; number < 30; ++number) {
    const StoreEpoch before = *store_.Epoch();
    auto mutation = store_.Begin();
    ASSERT_TRUE(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, number)).ok());
    ASSERT_TRUE(mutation->Insert(Table::kKek, SampleRow(Table::kKek, number)).ok());
    if (number % 3 == 1) home_.vfs.FailSyncAtStep(1);
    if (number % 3 == 2) home_.vfs.LimitBytes(home_.vfs.TotalBytes() + 1);
    const Status committed = mutation->Commit();
    home_.vfs.LimitBytes(0);
    home_.vfs.FailSyncAtStep(0);
    EXPECT_TRUE(committed.ok() || committed.error().code() == ErrorCode::kUnavailable);
    ASSERT_TRUE(store_.VerifyAll().ok());
    const bool there = store_.Epoch()->value == before.value + 1;
    EXPECT_TRUE(there || !committed.ok());
    EXPECT_EQ(store_.Get(Table::kTenant, SampleKey(Table::kTenant, number))->has_value(), there);
    EXPECT_EQ(store_.Get(Table::kKek, SampleKey(Table::kKek, number))->has_value(), there);
  }
}

}  // namespace
}  // namespace coffer::keysvc
