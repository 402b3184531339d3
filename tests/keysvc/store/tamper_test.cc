// The attacker who holds the store's file: every column of every table, rows removed, added, replayed, moved, swapped,
// and the head. A whole store put back to an earlier state carries its own, older head and is not noticed here; the
// audit log's epoch tells it (the service compares the two).

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

Datum Changed(const Datum& datum) {
  struct Changer {
    Datum operator()(NullValue) const { return std::int64_t{1}; }
    Datum operator()(std::int64_t value) const { return value + 100; }
    Datum operator()(Uuid value) const {
      value.bytes[15] ^= std::byte{1};
      return value;
    }
    Datum operator()(const std::string& value) const { return value + "x"; }
    Datum operator()(Bytes value) const {
      value.back() ^= std::byte{0x80};
      return value;
    }
  };
  return std::visit(Changer{}, datum);
}

// Rows 1 and 2 of every table, committed one after the other.
void Fill(KeyStore& store) {
  AuthenticatedStore authenticated(store, SampleStoreUuid(), SampleKeys());
  ASSERT_TRUE(authenticated.Format().ok());
  for (const TableSpec& spec : Schema()) {
    for (std::uint8_t number = 1; number <= 2; ++number) {
      auto mutation = authenticated.Begin();
      ASSERT_TRUE(mutation.ok());
      ASSERT_TRUE(mutation->Insert(spec.table, SampleRow(spec.table, number)).ok());
      ASSERT_TRUE(mutation->Commit().ok());
    }
  }
}

// What a service that starts now finds. ErrorCode{} is "all is well".
ErrorCode AtStart(KeyStore& store) {
  AuthenticatedStore authenticated(store, SampleStoreUuid(), SampleKeys());
  const Status verified = authenticated.VerifyAll();
  return verified.ok() ? ErrorCode{} : verified.error().code();
}

// What it finds when it reads every row of the table: all of them by a scan, and those with the two known keys.
ErrorCode AtRead(KeyStore& store, Table table) {
  AuthenticatedStore authenticated(store, SampleStoreUuid(), SampleKeys());
  const auto rows = authenticated.Scan(WholeTable(table));
  if (rows.ok()) return ErrorCode{};
  bool got_error = false;
  for (std::uint8_t number = 1; number <= 2; ++number) {
    got_error = got_error || !authenticated.Get(table, SampleKey(table, number)).ok();
  }
  return got_error ? rows.error().code() : ErrorCode{};
}

template <typename Home>
class TamperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Fill(store());
    ASSERT_EQ(AtStart(store()), ErrorCode{});
  }
  KeyStore& store() { return *home_.store; }
  StoredRow RowOf(Table table, std::uint8_t number) {
    return **(*store().Begin())->Get(table, SampleKey(table, number));
  }

  Home home_;
};

TYPED_TEST_SUITE(TamperTest, testing::Homes);

TYPED_TEST(TamperTest, EveryColumnOfEveryTable) {
  for (const TableSpec& spec : Schema()) {
    for (std::size_t column = spec.primary_key_columns; column < spec.columns.size(); ++column) {
      TypeParam home;
      Fill(*home.store);
      Raw(*home.store, [&](StoreTransaction& t) {
        StoredRow row = **t.Get(spec.table, SampleKey(spec.table, 1));
        row.columns[column] = Changed(row.columns[column]);
        ASSERT_TRUE(t.Update(spec.table, row).ok());
      });
      EXPECT_EQ(AtRead(*home.store, spec.table), ErrorCode::kIntegrity)
          << spec.name << "." << spec.columns[column].name;
      EXPECT_TRUE(!spec.loaded_at_start || AtStart(*home.store) == ErrorCode::kIntegrity);
    }
  }
}

TYPED_TEST(TamperTest, NullForAValueAndAValueForNull) {
  for (const std::size_t column : {3U, 5U}) {
    TypeParam home;
    Fill(*home.store);
    Raw(*home.store, [&](StoreTransaction& t) {
      StoredRow row = **t.Get(Table::kSecretVersion, SampleKey(Table::kSecretVersion, 1));
      row.columns[column] = NullValue{};
      ASSERT_TRUE(t.Update(Table::kSecretVersion, row).ok());
    });
    EXPECT_EQ(AtRead(*home.store, Table::kSecretVersion), ErrorCode::kIntegrity);
  }
}

TYPED_TEST(TamperTest, RowEpochAndMac) {
  for (const TableSpec& spec : Schema()) {
    for (const bool epoch : {true, false}) {
      TypeParam home;
      Fill(*home.store);
      Raw(*home.store, [&](StoreTransaction& t) {
        StoredRow row = **t.Get(spec.table, SampleKey(spec.table, 1));
        epoch ? void(++row.row_epoch) : void(row.mac[31] ^= std::byte{1});
        ASSERT_TRUE(t.Update(spec.table, row).ok());
      });
      EXPECT_EQ(AtRead(*home.store, spec.table), ErrorCode::kIntegrity) << spec.name;
      EXPECT_TRUE((epoch && !spec.loaded_at_start) || AtStart(*home.store) == ErrorCode::kIntegrity) << spec.name;
    }
  }
}

TYPED_TEST(TamperTest, RowUnderAnotherPrimaryKey) {
  for (const TableSpec& spec : Schema()) {
    for (std::size_t column = 0; column < spec.primary_key_columns; ++column) {
      TypeParam home;
      Fill(*home.store);
      Raw(*home.store, [&](StoreTransaction& t) {
        StoredRow row = **t.Get(spec.table, SampleKey(spec.table, 1));
        ASSERT_TRUE(t.Erase(spec.table, SampleKey(spec.table, 1)).ok());
        row.columns[column] = Changed(row.columns[column]);
        ASSERT_TRUE(t.Insert(spec.table, row).ok());
      });
      AuthenticatedStore authenticated(*home.store, SampleStoreUuid(), SampleKeys());
      EXPECT_EQ(authenticated.Scan(WholeTable(spec.table)).error().code(), ErrorCode::kIntegrity) << spec.name;
      EXPECT_TRUE(!spec.loaded_at_start || AtStart(*home.store) == ErrorCode::kIntegrity) << spec.name;
    }
  }
}

TYPED_TEST(TamperTest, RemovedRow) {
  for (const TableSpec& spec : Schema()) {
    TypeParam home;
    Fill(*home.store);
    Raw(*home.store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Erase(spec.table, SampleKey(spec.table, 1)).ok()); });
    EXPECT_EQ(AtStart(*home.store), ErrorCode::kIntegrity) << spec.name;
  }
}

TYPED_TEST(TamperTest, AddedRow) {
  for (const TableSpec& spec : Schema()) {
    TypeParam home;
    Fill(*home.store);
    Raw(*home.store, [&](StoreTransaction& t) {
      StoredRow row = **t.Get(spec.table, SampleKey(spec.table, 1));
      row.columns = SampleRow(spec.table, 3);
      ASSERT_TRUE(t.Insert(spec.table, row).ok());
    });
    EXPECT_EQ(AtStart(*home.store), ErrorCode::kIntegrity) << spec.name;
    AuthenticatedStore authenticated(*home.store, SampleStoreUuid(), SampleKeys());
    EXPECT_EQ(authenticated.Get(spec.table, SampleKey(spec.table, 3)).error().code(), ErrorCode::kIntegrity)
        << spec.name;
  }
}

TYPED_TEST(TamperTest, ReplayedOldRowWithItsOwnMac) {
  for (const TableSpec& spec : Schema()) {
    TypeParam home;
    Fill(*home.store);
    const StoredRow old = **(*home.store->Begin())->Get(spec.table, SampleKey(spec.table, 1));
    {
      AuthenticatedStore authenticated(*home.store, SampleStoreUuid(), SampleKeys());
      auto mutation = authenticated.Begin();
      Row row = old.columns;
      row.back() = Changed(row.back());
      ASSERT_TRUE(mutation->Update(spec.table, row).ok());
      ASSERT_TRUE(mutation->Commit().ok());
    }
    ASSERT_EQ(AtStart(*home.store), ErrorCode{});
    Raw(*home.store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Update(spec.table, old).ok()); });
    EXPECT_EQ(AtStart(*home.store), ErrorCode::kIntegrity) << spec.name;
  }
}

TYPED_TEST(TamperTest, ErasedRowPutBack) {
  for (const TableSpec& spec : Schema()) {
    TypeParam home;
    Fill(*home.store);
    const StoredRow old = **(*home.store->Begin())->Get(spec.table, SampleKey(spec.table, 1));
    {
      AuthenticatedStore authenticated(*home.store, SampleStoreUuid(), SampleKeys());
      auto mutation = authenticated.Begin();
      ASSERT_TRUE(mutation->Erase(spec.table, SampleKey(spec.table, 1)).ok());
      ASSERT_TRUE(mutation->Commit().ok());
    }
    Raw(*home.store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(spec.table, old).ok()); });
    EXPECT_EQ(AtStart(*home.store), ErrorCode::kIntegrity) << spec.name;
  }
}

// Both contents stay, under each other's key and with the MACs they had: the multiset of MACs is the same.
TYPED_TEST(TamperTest, SwappedRows) {
  for (const TableSpec& spec : Schema()) {
    TypeParam home;
    Fill(*home.store);
    Raw(*home.store, [&](StoreTransaction& t) {
      const auto key_columns = static_cast<std::ptrdiff_t>(spec.primary_key_columns);
      StoredRow one = **t.Get(spec.table, SampleKey(spec.table, 1));
      StoredRow two = **t.Get(spec.table, SampleKey(spec.table, 2));
      std::swap_ranges(one.columns.begin(), one.columns.begin() + key_columns, two.columns.begin());
      ASSERT_TRUE(t.Erase(spec.table, SampleKey(spec.table, 1)).ok());
      ASSERT_TRUE(t.Erase(spec.table, SampleKey(spec.table, 2)).ok());
      ASSERT_TRUE(t.Insert(spec.table, one).ok());
      ASSERT_TRUE(t.Insert(spec.table, two).ok());
    });
    EXPECT_EQ(AtRead(*home.store, spec.table), ErrorCode::kIntegrity) << spec.name;
    EXPECT_TRUE(!spec.loaded_at_start || AtStart(*home.store) == ErrorCode::kIntegrity) << spec.name;
  }
}

// No two tables have one shape, so a swap of whole tables comes down to their MACs. The multiset of MACs stays the
// same.
TYPED_TEST(TamperTest, WholeTablesExchangedUnderTheirMacs) {
  Raw(this->store(), [&](StoreTransaction& t) {
    for (std::uint8_t number = 1; number <= 2; ++number) {
      StoredRow scope = **t.Get(Table::kCatalogScope, SampleKey(Table::kCatalogScope, number));
      StoredRow version = **t.Get(Table::kKeyVersion, SampleKey(Table::kKeyVersion, number));
      ASSERT_TRUE(t.Erase(Table::kCatalogScope, SampleKey(Table::kCatalogScope, number)).ok());
      ASSERT_TRUE(t.Erase(Table::kKeyVersion, SampleKey(Table::kKeyVersion, number)).ok());
      std::swap(scope.mac, version.mac);
      ASSERT_TRUE(t.Insert(Table::kCatalogScope, scope).ok());
      ASSERT_TRUE(t.Insert(Table::kKeyVersion, version).ok());
    }
  });
  EXPECT_EQ(AtStart(this->store()), ErrorCode::kIntegrity);
}

// The same columns and key under another table's name have another MAC.
TYPED_TEST(TamperTest, TableNameIsUnderTheMac) {
  const Row same = {testing::UuidNumber(7), std::string("x"), std::string("y")};
  AuthenticatedStore authenticated(this->store(), SampleStoreUuid(), SampleKeys());
  auto mutation = authenticated.Begin();
  ASSERT_TRUE(mutation->Insert(Table::kSecretMetadata, same).ok());
  ASSERT_TRUE(mutation->Commit().ok());
  const StoredRow stored = **(*this->store().Begin())->Get(Table::kSecretMetadata, {same[0], same[1]});
  Bytes key;
  Bytes row;
  ASSERT_TRUE(EncodeRow(std::vector<ScalarView>{ViewOf(same[0]), ViewOf(same[1])}, key).ok());
  ASSERT_TRUE(EncodeStoredRow(std::vector<ScalarView>{ViewOf(same[0]), ViewOf(same[1]), ViewOf(same[2])}, row).ok());
  const IntegrityKeys keys = SampleKeys();
  EXPECT_EQ(stored.mac, RowMac(keys.rows, SampleStoreUuid(), "secret_metadata", key, stored.row_epoch, row));
  EXPECT_NE(stored.mac, RowMac(keys.rows, SampleStoreUuid(), "secret", key, stored.row_epoch, row));
}

TYPED_TEST(TamperTest, HeadEdited) {
  const auto edits = std::vector<std::function<void(StoredHead&)>>{
      [](StoredHead& head) { ++head.epoch.value; },
      [](StoredHead& head) { --head.epoch.value; },
      [](StoredHead& head) { head.sum[0] ^= std::byte{1}; },
      [](StoredHead& head) { head.mac[0] ^= std::byte{1}; },
      [](StoredHead& head) { head = {}; },
  };
  for (const auto& edit : edits) {
    TypeParam home;
    Fill(*home.store);
    Raw(*home.store, [&](StoreTransaction& t) {
      StoredHead head = **t.GetHead();
      edit(head);
      ASSERT_TRUE(t.PutHead(head).ok());
    });
    EXPECT_EQ(AtStart(*home.store), ErrorCode::kIntegrity);
    AuthenticatedStore authenticated(*home.store, SampleStoreUuid(), SampleKeys());
    EXPECT_EQ(authenticated.Epoch().error().code(), ErrorCode::kIntegrity);
    EXPECT_EQ(authenticated.Begin().error().code(), ErrorCode::kIntegrity);
  }
}

TYPED_TEST(TamperTest, HeadReplayedFromAnEarlierEpoch) {
  AuthenticatedStore running(this->store(), SampleStoreUuid(), SampleKeys());
  const StoredHead old = **(*this->store().Begin())->GetHead();
  auto mutation = running.Begin();
  ASSERT_TRUE(mutation->Insert(Table::kTenant, SampleRow(Table::kTenant, 3)).ok());
  ASSERT_TRUE(mutation->Commit().ok());
  Raw(this->store(), [&](StoreTransaction& t) { ASSERT_TRUE(t.PutHead(old).ok()); });
  EXPECT_EQ(AtStart(this->store()), ErrorCode::kIntegrity);
  // The process that saw the later epoch needs no scan to tell.
  EXPECT_EQ(running.Epoch().error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(running.Begin().error().code(), ErrorCode::kIntegrity);
}

TYPED_TEST(TamperTest, RunningMutationRefusesToBuildOnAnAlteredRow) {
  Raw(this->store(), [&](StoreTransaction& t) {
    StoredRow row = **t.Get(Table::kKeyVersion, SampleKey(Table::kKeyVersion, 1));
    row.columns[2] = std::int64_t{1};
    row.mac[0] ^= std::byte{1};
    ASSERT_TRUE(t.Update(Table::kKeyVersion, row).ok());
  });
  AuthenticatedStore running(this->store(), SampleStoreUuid(), SampleKeys());
  auto mutation = running.Begin();
  const Row key = SampleKey(Table::kKeyVersion, 1);
  EXPECT_EQ(mutation->Get(Table::kKeyVersion, key).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(mutation->Scan(WholeTable(Table::kKeyVersion)).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(mutation->Update(Table::kKeyVersion, SampleRow(Table::kKeyVersion, 1)).error().code(),
            ErrorCode::kIntegrity);
  EXPECT_EQ(mutation->Erase(Table::kKeyVersion, key).error().code(), ErrorCode::kIntegrity);
}

// By SQL on the file, as a host's administrator would.
class SqlTamperTest : public ::testing::Test {
 protected:
  void SetUp() override { Fill(*home_.store); }

  // What a service that starts after `sql` finds, at start or when it reads the table.
  ErrorCode After(const std::string& sql, Table table) {
    home_.store.reset();
    EXPECT_TRUE((*SqliteDatabase::Open(home_.Options()))->Execute(sql).ok()) << sql;
    home_.Reopen();
    const ErrorCode at_start = AtStart(*home_.store);
    return at_start == ErrorCode{} ? AtRead(*home_.store, table) : at_start;
  }

  testing::SqliteHome home_;
};

std::string SqlChange(const ColumnSpec& column) {
  const std::string name = '"' + std::string(column.name) + '"';
  switch (column.type) {
    case ValueType::kInt64:
      return name + " = " + name + " + 100";
    case ValueType::kText:
      return name + " = " + name + " || 'x'";
    default:
      return name + " = CAST(substr(" + name + ", 1, length(" + name + ") - 1) || x'ee' AS BLOB)";
  }
}

TEST_F(SqlTamperTest, EveryColumnOfEveryTable) {
  for (const TableSpec& spec : Schema()) {
    const std::string table(spec.name);
    const ColumnSpec& first = spec.columns[0];
    std::vector<ColumnSpec> columns(spec.columns.begin(), spec.columns.end());
    columns.push_back({"row_epoch", ValueType::kInt64});
    columns.push_back({"mac", ValueType::kBytes});
    for (const ColumnSpec& column : columns) {
      testing::SqliteHome home;
      Fill(*home.store);
      home.store.reset();
      const std::string sql = "UPDATE " + table + " SET " + SqlChange(column) + " WHERE " + std::string(first.name) +
                              " = (SELECT min(" + std::string(first.name) + ") FROM " + table + ")";
      ASSERT_TRUE((*SqliteDatabase::Open(home.Options()))->Execute(sql).ok()) << sql;
      home.Reopen();
      AuthenticatedStore authenticated(*home.store, SampleStoreUuid(), SampleKeys());
      EXPECT_EQ(authenticated.Scan(WholeTable(spec.table)).error().code(), ErrorCode::kIntegrity) << sql;
      EXPECT_TRUE(!spec.loaded_at_start || AtStart(*home.store) == ErrorCode::kIntegrity) << sql;
    }
  }
}

TEST_F(SqlTamperTest, HeadRemoved) { EXPECT_EQ(After("DELETE FROM head", Table::kTenant), ErrorCode::kIntegrity); }

TEST_F(SqlTamperTest, TableEmptied) { EXPECT_EQ(After("DELETE FROM secret", Table::kSecret), ErrorCode::kIntegrity); }

TEST_F(SqlTamperTest, TextThatIsNotUtf8) {
  EXPECT_EQ(After("UPDATE secret SET path = CAST(x'ff' AS TEXT) WHERE path = 'text-1'", Table::kTenant), ErrorCode{});
  AuthenticatedStore authenticated(*home_.store, SampleStoreUuid(), SampleKeys());
  EXPECT_EQ(authenticated.Scan(WholeTable(Table::kSecret)).error().code(), ErrorCode::kIntegrity);
}

TEST_F(SqlTamperTest, MacsExchangedBetweenTables) {
  EXPECT_EQ(After("UPDATE kek SET mac = (SELECT mac FROM tenant LIMIT 1); UPDATE tenant SET mac = x'" +
                      std::string(64, '0') + "'",
                  Table::kKek),
            ErrorCode::kIntegrity);
}

}  // namespace
}  // namespace coffer::keysvc
