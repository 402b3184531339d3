// What only SqliteStore has: a file, which may be foreign, newer, altered, held, full or failing.

#include <random>
#include <stdlib.h>

#include "io/directory.h"
#include "keysvc/store/sql.h"
#include "tests/keysvc/store/store_fixtures.h"

namespace coffer::keysvc {
namespace {

using testing::Raw;
using testing::SampleKey;
using testing::SampleStored;
using testing::WholeTable;

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteOptions Options() const { return {"store.db", vfs_.name(), 0}; }
  std::unique_ptr<SqliteStore> Open() const {
    auto store = SqliteStore::Open(Options());
    EXPECT_TRUE(store.ok());
    return store.ok() ? *std::move(store) : nullptr;
  }
  // What Open answers after `sql` was run on the store's file.
  Status OpenAfter(const std::string& sql) const {
    {
      const auto database = SqliteDatabase::Open(Options());
      EXPECT_TRUE(database.ok());
      EXPECT_TRUE((*database)->Execute(sql).ok()) << sql;
    }
    const auto store = SqliteStore::Open(Options());
    return store.ok() ? Status() : Status(store.error());
  }
  static Status InsertTenant(KeyStore& store, std::uint8_t number) {
    COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store.Begin());
    COFFER_TRY(transaction->Insert(Table::kTenant, SampleStored(Table::kTenant, number)));
    return transaction->Commit();
  }
  static std::size_t Tenants(KeyStore& store) { return (*store.Begin())->Scan(WholeTable(Table::kTenant))->size(); }

  FaultVfs vfs_{1};
};

TEST_F(SqliteStoreTest, FileOnDiskReopens) {
  std::string folder = ::testing::TempDir() + "coffer-store-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const SqliteOptions options{folder + "/store.db", "", 0};
  {
    const auto store = SqliteStore::Open(options);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(InsertTenant(**store, 1).ok());
    EXPECT_EQ(SqliteStore::Open(options).error().code(), ErrorCode::kUnavailable);
  }
  EXPECT_EQ(Tenants(**SqliteStore::Open(options)), 1U);
  EXPECT_TRUE(RemoveTree(folder).ok());
}

TEST_F(SqliteStoreTest, NewerSchemaIsRefusedAndLeftAlone) {
  Open();
  const Status newer = OpenAfter("PRAGMA user_version=" + std::to_string(kSchemaVersion + 1));
  ASSERT_FALSE(newer.ok());
  EXPECT_EQ(newer.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_NE(newer.error().ToString().find("newer"), std::string::npos);
  EXPECT_TRUE(OpenAfter("PRAGMA user_version=" + std::to_string(kSchemaVersion)).ok());
}

// A store as the first version made it, with rows.
TEST_F(SqliteStoreTest, AnOlderSchemaIsUpgradedAndKeepsItsRows) {
  std::string sql = "PRAGMA application_id=1131374194;PRAGMA user_version=1;";
  for (const SchemaObject& object : SchemaObjects(1)) sql += object.sql + ";";
  ASSERT_TRUE((*SqliteDatabase::Open(Options()))->Execute(sql).ok());
  ASSERT_TRUE(InsertTenant(*Open(), 1).ok());
  const std::string to_fifth =
      "DROP TABLE denied_certificate;DROP TABLE access_token;DROP TABLE break_glass;DROP TABLE access_grant;";
  const std::string to_fourth = to_fifth + "DROP TABLE approval_vote;DROP TABLE approval;DROP TABLE access_policy;";
  const std::string to_third = to_fourth + "DROP TABLE audit_log;";
  const std::string to_second = to_third + "DROP TABLE version_origin;";
  const std::string to_first = to_second + "DROP TABLE rotation;DROP TABLE census_source;DROP TABLE destruction;";
  int version = 5;
  for (const std::string& back : {to_fifth, to_fourth, to_third, to_second, to_first}) {
    ASSERT_TRUE(OpenAfter(back + "PRAGMA user_version=" + std::to_string(version--)).ok());
    EXPECT_EQ(Tenants(*Open()), 1U);
  }
  Raw(*Open(),
      [](StoreTransaction& t) { EXPECT_TRUE(t.Insert(Table::kRotation, SampleStored(Table::kRotation, 1)).ok()); });
  EXPECT_EQ(OpenAfter("DROP TABLE rotation;PRAGMA user_version=2").error().code(), ErrorCode::kIntegrity)
      << "not the tables of version 2";
}

TEST_F(SqliteStoreTest, FileOfAnotherShapeIsIntegrity) {
  const std::vector<std::string> alterations = {
      "PRAGMA user_version=0",
      "PRAGMA user_version=-1",
      "PRAGMA application_id=1",
      "PRAGMA application_id=0",
      "DROP TABLE tenant",
      "DROP TABLE head",
      "ALTER TABLE tenant ADD COLUMN more TEXT",
      "ALTER TABLE tenant RENAME TO lessee",
      "CREATE TABLE more (a)",
      "CREATE INDEX slow ON secret (updated_us)",
      "CREATE VIEW v AS SELECT 1",
      "CREATE TRIGGER t AFTER UPDATE ON key_version BEGIN DELETE FROM tenant; END",
  };
  for (const std::string& sql : alterations) {
    FaultVfs vfs(1);
    const SqliteOptions options{"store.db", vfs.name(), 0};
    ASSERT_TRUE(SqliteStore::Open(options).ok());
    ASSERT_TRUE((*SqliteDatabase::Open(options))->Execute(sql).ok()) << sql;
    const auto altered = SqliteStore::Open(options);
    ASSERT_FALSE(altered.ok()) << sql;
    EXPECT_EQ(altered.error().code(), ErrorCode::kIntegrity) << sql;
  }
}

TEST_F(SqliteStoreTest, AnotherApplicationsDatabaseIsIntegrity) {
  EXPECT_EQ(OpenAfter("CREATE TABLE theirs (a)").error().code(), ErrorCode::kIntegrity);
}

TEST_F(SqliteStoreTest, ValuesThatSqlCannotHaveWrittenAreIntegrity) {
  for (const char* sql :
       {"UPDATE tenant SET mac = x'00'", "UPDATE tenant SET row_epoch = -1", "UPDATE tenant SET uuid = x'0102'",
        "UPDATE head SET epoch = -1", "UPDATE head SET sum = x''", "UPDATE head SET mac = x'00'"}) {
    FaultVfs vfs(1);
    const SqliteOptions options{"store.db", vfs.name(), 0};
    Raw(**SqliteStore::Open(options), [](StoreTransaction& t) {
      ASSERT_TRUE(t.Insert(Table::kTenant, SampleStored(Table::kTenant, 1)).ok());
      ASSERT_TRUE(t.PutHead({}).ok());
    });
    ASSERT_TRUE((*SqliteDatabase::Open(options))->Execute(sql).ok()) << sql;
    const auto store = SqliteStore::Open(options);
    ASSERT_TRUE(store.ok());
    const auto rows = (*(*store)->Begin())->Scan(WholeTable(Table::kTenant));
    const auto head = (*(*store)->Begin())->GetHead();
    ASSERT_FALSE(rows.ok() && head.ok()) << sql;
    EXPECT_EQ((rows.ok() ? head.error() : rows.error()).code(), ErrorCode::kIntegrity) << sql;
  }
}

TEST_F(SqliteStoreTest, FullDiskIsUnavailableWhileReadsGoOn) {
  const auto store = Open();
  ASSERT_TRUE(InsertTenant(*store, 1).ok());
  for (std::uint8_t number = 2; number < 5; ++number) {
    vfs_.LimitBytes(vfs_.TotalBytes());
    const Status full = InsertTenant(*store, number);
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(Tenants(*store), 1U);
  }
  vfs_.LimitBytes(0);
  EXPECT_TRUE(InsertTenant(*store, 2).ok());
  EXPECT_EQ(Tenants(*store), 2U);
}

TEST_F(SqliteStoreTest, OpensAndReadsOnAFullDisk) {
  auto store = Open();
  ASSERT_TRUE(InsertTenant(*store, 1).ok());
  vfs_.LimitBytes(vfs_.TotalBytes());
  store.reset();
  store = Open();
  EXPECT_EQ(Tenants(*store), 1U);
}

TEST_F(SqliteStoreTest, AfterAFailedSyncTheNextTransactionKnowsTheDurableOutcome) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    FaultVfs vfs(seed);
    const SqliteOptions options{"store.db", vfs.name(), 0};
    auto store = *SqliteStore::Open(options);
    ASSERT_TRUE(InsertTenant(*store, 1).ok());
    vfs.FailSyncAtStep(1);
    EXPECT_EQ(InsertTenant(*store, 2).error().code(), ErrorCode::kUnavailable);
    const std::size_t believed = Tenants(*store);
    vfs.CrashAtStep(1);
    EXPECT_FALSE(InsertTenant(*store, 3).ok());
    store.reset();
    vfs.Reboot();
    store = *SqliteStore::Open(options);
    const std::size_t there = Tenants(*store);
    EXPECT_GE(there, believed) << seed;
    EXPECT_FALSE((*store->Begin())->Get(Table::kTenant, SampleKey(Table::kTenant, 2))->has_value() && believed == 1)
        << seed;
  }
}

TEST_F(SqliteStoreTest, BrokenTransactionTakesNothingMore) {
  const auto store = Open();
  ASSERT_TRUE(InsertTenant(*store, 1).ok());
  {
    const auto transaction = *store->Begin();
    ASSERT_TRUE(transaction->Insert(Table::kTenant, SampleStored(Table::kTenant, 2)).ok());
    ASSERT_FALSE(transaction->Insert(Table::kTenant, {}).ok());
    EXPECT_EQ(transaction->Insert(Table::kTenant, SampleStored(Table::kTenant, 3)).error().code(),
              ErrorCode::kUnavailable);
    EXPECT_EQ(transaction->Commit().error().code(), ErrorCode::kUnavailable);
  }
  EXPECT_EQ(Tenants(*store), 1U);
}

TEST_F(SqliteStoreTest, WithoutPowerBeginIsUnavailable) {
  const auto store = Open();
  vfs_.CrashAtStep(1);
  EXPECT_FALSE(InsertTenant(*store, 1).ok());
  EXPECT_EQ(store->Begin().error().code(), ErrorCode::kUnavailable);
}

TEST_F(SqliteStoreTest, ErasedCiphertextLeavesTheFiles) {
  auto store = Open();
  const std::string canary = "planted-canary-ciphertext";
  StoredRow row = SampleStored(Table::kSecretVersion, 1);
  row.columns[3] = CopyOf(AsBytes(canary));
  Raw(*store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(Table::kSecretVersion, row).ok()); });
  const auto planted = [&] { return AsText(vfs_.Contents()).find(canary) != std::string_view::npos; };
  EXPECT_TRUE(planted());
  Raw(*store, [&](StoreTransaction& t) {
    ASSERT_TRUE(t.Erase(Table::kSecretVersion, SampleKey(Table::kSecretVersion, 1)).ok());
  });
  store.reset();
  EXPECT_FALSE(planted());
}

// Rows of many sizes come and go, so that pages are split and merged, which leaves copies of rows behind.
TEST_F(SqliteStoreTest, PurgedBytesAreInNoFile) {
  const auto store = Open();
  std::mt19937 random(7);
  const auto canary = [](int number) { return "planted-canary-" + std::to_string(1'000'000 + number); };
  std::vector<std::pair<int, Row>> live;
  std::vector<std::string> erased;
  for (int number = 0; number < 600; ++number) {
    if (live.empty() || random() % 5 < 3) {
      StoredRow row = SampleStored(Table::kSecretVersion, 1);
      row.columns[0] = Uuid{GenerateUuidBytes(random())};
      std::string text;
      for (std::size_t size = 100 + random() % (number % 9 == 0 ? 6000 : 500); text.size() < size;)
        text += canary(number);
      row.columns[3] = CopyOf(AsBytes(text));
      live.emplace_back(number, PrimaryKeyOf(SpecOf(Table::kSecretVersion), row.columns));
      Raw(*store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(Table::kSecretVersion, row).ok()); });
    } else {
      const auto chosen = live.begin() + static_cast<std::ptrdiff_t>(random() % live.size());
      Raw(*store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Erase(Table::kSecretVersion, chosen->second).ok()); });
      erased.push_back(canary(chosen->first));
      live.erase(chosen);
    }
    if (number % 20 != 19) continue;
    ASSERT_TRUE(store->PurgeErased().ok());
    const Bytes contents = vfs_.Contents();
    for (const std::string& gone : erased) ASSERT_EQ(AsText(contents).find(gone), std::string_view::npos) << number;
    ASSERT_NE(AsText(contents).find(canary(live.front().first)), std::string_view::npos);
  }
}

TEST_F(SqliteStoreTest, APurgeThatFailedIsDoneByALaterCommit) {
  const auto store = Open();
  const std::string canary = "planted-canary-ciphertext";
  const auto planted = [&] { return AsText(vfs_.Contents()).find(canary) != std::string_view::npos; };
  for (const bool full : {false, true}) {
    StoredRow row = SampleStored(Table::kSecretVersion, 1);
    row.columns[3] = CopyOf(AsBytes(canary));
    // Only a database that has to grow needs space.
    std::get<Bytes>(row.columns[3]).resize(full ? 30'000 : 100);
    Raw(*store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(Table::kSecretVersion, row).ok()); });
    Raw(*store, [&](StoreTransaction& t) {
      ASSERT_TRUE(t.Erase(Table::kSecretVersion, SampleKey(Table::kSecretVersion, 1)).ok());
    });
    ASSERT_TRUE(planted());
    full ? vfs_.LimitBytes(vfs_.TotalBytes()) : vfs_.FailSyncAtStep(1);
    const Status purged = store->PurgeErased();
    vfs_.LimitBytes(0);
    vfs_.FailSyncAtStep(0);
    ASSERT_FALSE(purged.ok()) << full;
    EXPECT_EQ(purged.error().code(), ErrorCode::kUnavailable);
    EXPECT_TRUE(planted());
    ASSERT_TRUE(InsertTenant(*store, full ? 1 : 2).ok());
    EXPECT_FALSE(planted());
  }
}

TEST_F(SqliteStoreTest, WhatACrashLeftIsPurgedAtTheNextStart) {
  const std::string canary = "planted-canary-ciphertext";
  auto store = Open();
  StoredRow row = SampleStored(Table::kSecretVersion, 1);
  row.columns[3] = CopyOf(AsBytes(canary));
  Raw(*store, [&](StoreTransaction& t) { ASSERT_TRUE(t.Insert(Table::kSecretVersion, row).ok()); });
  Raw(*store, [&](StoreTransaction& t) {
    ASSERT_TRUE(t.Erase(Table::kSecretVersion, SampleKey(Table::kSecretVersion, 1)).ok());
  });
  vfs_.CrashAtStep(1);
  EXPECT_FALSE(store->PurgeErased().ok());
  store.reset();
  vfs_.Reboot();
  store = Open();
  EXPECT_EQ(AsText(vfs_.Contents()).find(canary), std::string_view::npos);
}

}  // namespace
}  // namespace coffer::keysvc
