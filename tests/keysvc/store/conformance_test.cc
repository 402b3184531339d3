// What every KeyStore must do, run over each of them.

#include <future>

#include "tests/keysvc/store/store_fixtures.h"

namespace coffer::keysvc {
namespace {

using testing::Raw;
using testing::SampleKey;
using testing::SampleRow;
using testing::SampleStored;
using testing::UuidNumber;
using testing::WholeTable;

template <typename Home>
class KeyStoreTest : public ::testing::Test {
 protected:
  KeyStore& store() { return *home_.store; }
  std::unique_ptr<StoreTransaction> Begin() {
    auto transaction = store().Begin();
    EXPECT_TRUE(transaction.ok());
    return *std::move(transaction);
  }
  std::size_t CountOf(Table table) { return Begin()->Scan(WholeTable(table))->size(); }

  Home home_;
};

TYPED_TEST_SUITE(KeyStoreTest, testing::Homes);

bool SameRow(const StoredRow& a, const StoredRow& b) {
  return a.columns == b.columns && a.row_epoch == b.row_epoch && a.mac == b.mac;
}

ErrorCode CodeOf(const Status& status) { return status.ok() ? ErrorCode{} : status.error().code(); }

Row SecretRow(std::uint8_t tenant, const std::string& path, std::uint8_t uuid) {
  Row row = SampleRow(Table::kSecret, uuid);
  row[0] = UuidNumber(tenant);
  row[1] = path;
  return row;
}

std::vector<std::string> PathsOf(const Result<std::vector<StoredRow>>& rows) {
  std::vector<std::string> paths;
  EXPECT_TRUE(rows.ok());
  for (const StoredRow& row : *rows) paths.push_back(std::get<std::string>(row.columns[1]));
  return paths;
}

TYPED_TEST(KeyStoreTest, EveryTableReadsBackWhatWasInserted) {
  for (const TableSpec& spec : Schema()) {
    const StoredRow row = SampleStored(spec.table, 1);
    Raw(this->store(), [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(spec.table, row).ok()); });
    const auto read = this->Begin()->Get(spec.table, SampleKey(spec.table, 1));
    ASSERT_TRUE(read.ok() && read->has_value()) << spec.name;
    EXPECT_TRUE(SameRow(**read, row)) << spec.name;
    EXPECT_FALSE(this->Begin()->Get(spec.table, SampleKey(spec.table, 2))->has_value());
  }
}

TYPED_TEST(KeyStoreTest, UpdateReplacesAndEraseRemoves) {
  for (const TableSpec& spec : Schema()) {
    StoredRow changed = SampleStored(spec.table, 2);
    std::copy_n(SampleRow(spec.table, 1).begin(), spec.primary_key_columns, changed.columns.begin());
    Raw(this->store(), [&](StoreTransaction& t) {
      ASSERT_TRUE(t.Insert(spec.table, SampleStored(spec.table, 1)).ok());
      ASSERT_TRUE(t.Update(spec.table, changed).ok());
    });
    EXPECT_TRUE(SameRow(**this->Begin()->Get(spec.table, SampleKey(spec.table, 1)), changed)) << spec.name;
    Raw(this->store(), [&](StoreTransaction& t) { ASSERT_TRUE(t.Erase(spec.table, SampleKey(spec.table, 1)).ok()); });
    EXPECT_EQ(this->CountOf(spec.table), 0U) << spec.name;
  }
}

TYPED_TEST(KeyStoreTest, NullableColumnsKeepNull) {
  StoredRow row = SampleStored(Table::kSecretVersion, 1);
  row.columns[3] = NullValue{};
  row.columns[5] = NullValue{};
  Raw(this->store(), [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(Table::kSecretVersion, row).ok()); });
  EXPECT_TRUE(SameRow(**this->Begin()->Get(Table::kSecretVersion, SampleKey(Table::kSecretVersion, 1)), row));
}

TYPED_TEST(KeyStoreTest, LargeCiphertextReadsBack) {
  StoredRow row = SampleStored(Table::kSecretVersion, 1);
  row.columns[3] = Bytes(1'153'434, std::byte{0xc5});
  Raw(this->store(), [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(Table::kSecretVersion, row).ok()); });
  this->home_.Reopen();
  EXPECT_TRUE(SameRow(**this->Begin()->Get(Table::kSecretVersion, SampleKey(Table::kSecretVersion, 1)), row));
}

TYPED_TEST(KeyStoreTest, WithoutCommitNothingStays) {
  Raw(this->store(), [&](StoreTransaction& t) {
    ASSERT_TRUE(t.Insert(Table::kTenant, SampleStored(Table::kTenant, 1)).ok());
    ASSERT_TRUE(t.Insert(Table::kTenant, SampleStored(Table::kTenant, 2)).ok());
    ASSERT_TRUE(t.PutHead({StoreEpoch{1}, {}, {}}).ok());
  });
  {
    const auto transaction = this->Begin();
    StoredRow changed = SampleStored(Table::kTenant, 1);
    changed.columns[1] = std::string("other");
    ASSERT_TRUE(transaction->Update(Table::kTenant, changed).ok());
    ASSERT_TRUE(transaction->Erase(Table::kTenant, SampleKey(Table::kTenant, 2)).ok());
    ASSERT_TRUE(transaction->Insert(Table::kTenant, SampleStored(Table::kTenant, 3)).ok());
    ASSERT_TRUE(transaction->PutHead({StoreEpoch{2}, {}, {}}).ok());
    EXPECT_EQ(transaction->Scan(WholeTable(Table::kTenant))->size(), 2U);
  }
  const auto transaction = this->Begin();
  const auto rows = transaction->Scan(WholeTable(Table::kTenant));
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_TRUE(SameRow((*rows)[0], SampleStored(Table::kTenant, 1)));
  EXPECT_TRUE(SameRow((*rows)[1], SampleStored(Table::kTenant, 2)));
  EXPECT_EQ((*transaction->GetHead())->epoch.value, 1U);
}

TYPED_TEST(KeyStoreTest, RolledBackUniqueKeyIsFreeAgain) {
  {
    const auto transaction = this->Begin();
    ASSERT_TRUE(transaction->Insert(Table::kTenant, SampleStored(Table::kTenant, 1)).ok());
  }
  StoredRow other = SampleStored(Table::kTenant, 2);
  other.columns[1] = SampleRow(Table::kTenant, 1)[1];
  Raw(this->store(), [&](StoreTransaction& t) { EXPECT_TRUE(t.Insert(Table::kTenant, other).ok()); });
}

TYPED_TEST(KeyStoreTest, AfterCommitTheTransactionIsOver) {
  const auto transaction = this->Begin();
  ASSERT_TRUE(transaction->Commit().ok());
  EXPECT_EQ(CodeOf(transaction->Commit()), ErrorCode::kInternal);
  EXPECT_EQ(CodeOf(transaction->Insert(Table::kTenant, SampleStored(Table::kTenant, 1))), ErrorCode::kInternal);
  EXPECT_FALSE(transaction->GetHead().ok());
  EXPECT_EQ(this->CountOf(Table::kTenant), 0U);
}

TYPED_TEST(KeyStoreTest, TakenPrimaryKeyIsAlreadyExists) {
  for (const TableSpec& spec : Schema()) {
    const auto transaction = this->Begin();
    StoredRow other = SampleStored(spec.table, 2);
    std::copy_n(SampleRow(spec.table, 1).begin(), spec.primary_key_columns, other.columns.begin());
    ASSERT_TRUE(transaction->Insert(spec.table, SampleStored(spec.table, 1)).ok());
    EXPECT_EQ(CodeOf(transaction->Insert(spec.table, other)), ErrorCode::kAlreadyExists) << spec.name;
    EXPECT_TRUE(transaction->Insert(spec.table, SampleStored(spec.table, 3)).ok()) << spec.name;
  }
}

TYPED_TEST(KeyStoreTest, TakenUniqueKeyIsAlreadyExists) {
  for (const TableSpec& spec : Schema()) {
    if (spec.unique.empty()) continue;
    const auto transaction = this->Begin();
    StoredRow other = SampleStored(spec.table, 2);
    for (const std::size_t column : spec.unique) other.columns[column] = SampleRow(spec.table, 1)[column];
    ASSERT_TRUE(transaction->Insert(spec.table, SampleStored(spec.table, 1)).ok());
    EXPECT_EQ(CodeOf(transaction->Insert(spec.table, other)), ErrorCode::kAlreadyExists) << spec.name;
    ASSERT_TRUE(transaction->Insert(spec.table, SampleStored(spec.table, 2)).ok());
    EXPECT_EQ(CodeOf(transaction->Update(spec.table, other)), ErrorCode::kAlreadyExists) << spec.name;
    ASSERT_TRUE(transaction->Erase(spec.table, SampleKey(spec.table, 1)).ok());
    EXPECT_TRUE(transaction->Update(spec.table, other).ok()) << spec.name;
  }
}

TYPED_TEST(KeyStoreTest, UpdateAndEraseOfNothingAreNotFound) {
  const auto transaction = this->Begin();
  EXPECT_EQ(CodeOf(transaction->Update(Table::kKek, SampleStored(Table::kKek, 1))), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(transaction->Erase(Table::kKek, SampleKey(Table::kKek, 1))), ErrorCode::kNotFound);
}

TYPED_TEST(KeyStoreTest, RowsOfAnotherShapeAreRefused) {
  const Row good = SampleRow(Table::kTenant, 1);
  const std::vector<Row> bad = {
      {},
      {good[0], good[1]},
      {good[0], good[1], good[2], good[2]},
      {good[1], good[1], good[2]},
      {good[0], NullValue{}, good[2]},
      {good[0], good[1], std::string("1")},
      {good[0], Bytes(3), good[2]},
  };
  for (const Row& row : bad) {
    EXPECT_EQ(CodeOf(this->Begin()->Insert(Table::kTenant, {row, 1, {}})), ErrorCode::kInternal);
    EXPECT_EQ(CodeOf(this->Begin()->Update(Table::kTenant, {row, 1, {}})), ErrorCode::kInternal);
  }
  for (const Row& key : std::vector<Row>{{}, {good[1]}, {good[0], good[1]}, {NullValue{}}}) {
    EXPECT_EQ(this->Begin()->Get(Table::kTenant, key).error().code(), ErrorCode::kInternal);
    EXPECT_EQ(CodeOf(this->Begin()->Erase(Table::kTenant, key)), ErrorCode::kInternal);
  }
}

TYPED_TEST(KeyStoreTest, ScansOfAnotherShapeAreRefused) {
  const Datum uuid = UuidNumber(1);
  const std::vector<ScanRequest> bad = {
      {Table::kTenant, {std::string("x")}, "", std::nullopt, 0},
      {Table::kTenant, {uuid, uuid}, "", std::nullopt, 0},
      {Table::kTenant, {}, "prefix", std::nullopt, 0},
      {Table::kTenant, {}, "", std::int64_t{1}, 0},
      {Table::kTenant, {uuid}, "", uuid, 0},
      {Table::kSecret, {uuid}, "", std::int64_t{1}, 0},
      {Table::kSecretVersion, {uuid}, "p", std::nullopt, 0},
  };
  for (const ScanRequest& request : bad) EXPECT_EQ(this->Begin()->Scan(request).error().code(), ErrorCode::kInternal);
}

TYPED_TEST(KeyStoreTest, ScanIsInTheOrderOfThePrimaryKey) {
  Raw(this->store(), [&](StoreTransaction& t) {
    for (const std::int64_t version : {300, -1, 2, 10, 1}) {
      Row row = SampleRow(Table::kKeyVersion, 1);
      row[1] = version;
      ASSERT_TRUE(t.Insert(Table::kKeyVersion, {row, 1, {}}).ok());
    }
    std::uint8_t number = 0;
    for (const char* path : {"b", "a/b", "a", "B", "a-b", "\xc3\xa9", "aa"}) {
      ASSERT_TRUE(t.Insert(Table::kSecret, {SecretRow(1, path, ++number), 1, {}}).ok());
    }
  });
  std::vector<std::int64_t> versions;
  const auto rows = this->Begin()->Scan(WholeTable(Table::kKeyVersion));
  for (const StoredRow& row : *rows) versions.push_back(std::get<std::int64_t>(row.columns[1]));
  EXPECT_EQ(versions, (std::vector<std::int64_t>{-1, 1, 2, 10, 300}));
  EXPECT_EQ(PathsOf(this->Begin()->Scan(WholeTable(Table::kSecret))),
            (std::vector<std::string>{"B", "a", "a-b", "a/b", "aa", "b", "\xc3\xa9"}));
}

TYPED_TEST(KeyStoreTest, ScanKeepsToPrefixAfterAndLimit) {
  Raw(this->store(), [&](StoreTransaction& t) {
    std::uint8_t number = 0;
    for (const char* path : {"a/1", "a/2", "a/3", "a0", "b/1", "a_%"}) {
      ASSERT_TRUE(t.Insert(Table::kSecret, {SecretRow(1, path, ++number), 1, {}}).ok());
    }
    ASSERT_TRUE(t.Insert(Table::kSecret, {SecretRow(2, "a/1", ++number), 1, {}}).ok());
  });
  const auto scan = [&](std::string prefix, std::optional<Datum> after, std::size_t limit) {
    return PathsOf(this->Begin()->Scan({Table::kSecret, {UuidNumber(1)}, std::move(prefix), std::move(after), limit}));
  };
  using Paths = std::vector<std::string>;
  EXPECT_EQ(scan("", std::nullopt, 0), (Paths{"a/1", "a/2", "a/3", "a0", "a_%", "b/1"}));
  EXPECT_EQ(scan("a/", std::nullopt, 0), (Paths{"a/1", "a/2", "a/3"}));
  EXPECT_EQ(scan("a/", std::string("a/1"), 0), (Paths{"a/2", "a/3"}));
  EXPECT_EQ(scan("a/", std::string("a/1"), 1), (Paths{"a/2"}));
  EXPECT_EQ(scan("a/", std::string("A"), 2), (Paths{"a/1", "a/2"}));
  EXPECT_EQ(scan("a/", std::string("a/3"), 0), Paths{});
  EXPECT_EQ(scan("", std::string("a/3"), 0), (Paths{"a0", "a_%", "b/1"}));
  EXPECT_EQ(scan("a_", std::nullopt, 0), (Paths{"a_%"}));
  EXPECT_EQ(scan("c", std::nullopt, 0), Paths{});
  EXPECT_EQ(scan("", std::nullopt, 2), (Paths{"a/1", "a/2"}));
}

TYPED_TEST(KeyStoreTest, ScanOfAWholeKeyFindsThatRow) {
  Raw(this->store(), [&](StoreTransaction& t) {
    for (std::uint8_t n = 1; n <= 2; ++n) ASSERT_TRUE(t.Insert(Table::kDataKey, SampleStored(Table::kDataKey, n)).ok());
  });
  const auto rows = this->Begin()->Scan({Table::kDataKey, SampleKey(Table::kDataKey, 2), "", std::nullopt, 0});
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_TRUE(SameRow(rows->front(), SampleStored(Table::kDataKey, 2)));
}

TYPED_TEST(KeyStoreTest, HeadIsOneAndIsReplaced) {
  EXPECT_FALSE(this->Begin()->GetHead()->has_value());
  for (const std::uint64_t epoch : {1U, 2U}) {
    Raw(this->store(), [&](StoreTransaction& t) {
      ASSERT_TRUE(t.PutHead({StoreEpoch{epoch}, Digest{std::byte{1}}, Digest{std::byte{2}}}).ok());
    });
  }
  const auto head = this->Begin()->GetHead();
  EXPECT_EQ((*head)->epoch.value, 2U);
  EXPECT_EQ((*head)->sum, Digest{std::byte{1}});
  EXPECT_EQ((*head)->mac, Digest{std::byte{2}});
}

TYPED_TEST(KeyStoreTest, EveryMacIsVisitedOnce) {
  Raw(this->store(), [&](StoreTransaction& t) {
    for (const TableSpec& spec : Schema()) {
      for (std::uint8_t n = 1; n <= 2; ++n) ASSERT_TRUE(t.Insert(spec.table, SampleStored(spec.table, n)).ok());
    }
  });
  std::vector<std::tuple<Table, Row, Digest>> seen;
  std::vector<std::tuple<Table, Row, Digest>> expected;
  const auto visit = [&](Table table, const Row& key, const Digest& mac) { seen.emplace_back(table, key, mac); };
  ASSERT_TRUE(this->Begin()->ForEachMac(visit).ok());
  for (const TableSpec& spec : Schema()) {
    for (std::uint8_t n = 1; n <= 2; ++n)
      expected.emplace_back(spec.table, SampleKey(spec.table, n), SampleStored(spec.table, n).mac);
  }
  EXPECT_EQ(seen, expected);
}

TYPED_TEST(KeyStoreTest, PurgeErasedKeepsWhatIsCommitted) {
  EXPECT_TRUE(this->store().PurgeErased().ok());
  Raw(this->store(), [&](StoreTransaction& t) {
    ASSERT_TRUE(t.Insert(Table::kTenant, SampleStored(Table::kTenant, 1)).ok());
    ASSERT_TRUE(t.Insert(Table::kTenant, SampleStored(Table::kTenant, 2)).ok());
  });
  Raw(this->store(),
      [&](StoreTransaction& t) { ASSERT_TRUE(t.Erase(Table::kTenant, SampleKey(Table::kTenant, 2)).ok()); });
  EXPECT_TRUE(this->store().PurgeErased().ok());
  EXPECT_EQ(this->CountOf(Table::kTenant), 1U);
  this->home_.Reopen();
  EXPECT_EQ(this->CountOf(Table::kTenant), 1U);
}

TYPED_TEST(KeyStoreTest, CommittedRowsSurviveReopening) {
  if (!TypeParam::kPersistent) GTEST_SKIP() << "forgets by design";
  Raw(this->store(), [&](StoreTransaction& t) {
    ASSERT_TRUE(t.Insert(Table::kTenant, SampleStored(Table::kTenant, 1)).ok());
    ASSERT_TRUE(t.PutHead({StoreEpoch{7}, {}, {}}).ok());
  });
  this->home_.Reopen();
  EXPECT_EQ(this->CountOf(Table::kTenant), 1U);
  EXPECT_EQ((*this->Begin()->GetHead())->epoch.value, 7U);
}

TYPED_TEST(KeyStoreTest, SecondBeginWaitsForTheFirst) {
  auto first = this->Begin();
  std::promise<void> started;
  auto second = std::async(std::launch::async, [&] {
    started.set_value();
    return this->CountOf(Table::kTenant);
  });
  started.get_future().wait();
  ASSERT_TRUE(first->Insert(Table::kTenant, SampleStored(Table::kTenant, 1)).ok());
  ASSERT_TRUE(first->Commit().ok());
  EXPECT_EQ(second.get(), 1U);
}

TYPED_TEST(KeyStoreTest, ManyThreadsLoseNoUpdate) {
  Raw(this->store(), [&](StoreTransaction& t) { ASSERT_TRUE(t.PutHead({StoreEpoch{0}, {}, {}}).ok()); });
  const auto count_up = [&] {
    for (int i = 0; i < 20; ++i) {
      Raw(this->store(), [&](StoreTransaction& t) {
        const std::uint64_t epoch = (*t.GetHead())->epoch.value;
        ASSERT_TRUE(t.PutHead({StoreEpoch{epoch + 1}, {}, {}}).ok());
      });
    }
  };
  std::vector<std::future<void>> threads;
  for (int i = 0; i < 4; ++i) threads.push_back(std::async(std::launch::async, count_up));
  for (auto& thread : threads) thread.get();
  EXPECT_EQ((*this->Begin()->GetHead())->epoch.value, 80U);
}

}  // namespace
}  // namespace coffer::keysvc
