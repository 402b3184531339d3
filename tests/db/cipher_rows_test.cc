#include "db/cipher_rows.h"

#include "tests/db/engines.h"

namespace coffer::db {
namespace {

EncryptedColumn PasswordColumn() {
  EncryptedColumn column;
  column.field = "shop.connection.password";
  column.place = {{"", "connection"}, "password"};
  column.row = {{"", ValueType::kInt64}};
  column.context = {{"url", {"url", ValueType::kText}}};
  return column;
}

class CipherRowsTest : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (!Database::IsThere(GetParam())) GTEST_SKIP() << "no PostgreSQL";
    database_.emplace(GetParam());
    const std::string as_owner = GetParam() == Engine::kPostgres ? "SET ROLE owner;" : "";
    ASSERT_TRUE(database_->Run(as_owner + "CREATE TABLE connection (id INTEGER PRIMARY KEY, url TEXT, password " +
                               database_->BlobType() + ", tenant TEXT)"));
  }

  void Insert(int id, const std::string& ciphertext, const std::string& url = "'u'") {
    ASSERT_TRUE(database_->Run("INSERT INTO connection VALUES (" + std::to_string(id) + ", " + url + ", " +
                               database_->Blob(ciphertext) + ", 'acme')"));
  }
  void Set(int id, const std::string& ciphertext) {
    ASSERT_TRUE(database_->Run("UPDATE connection SET password = " + database_->Blob(ciphertext) +
                               " WHERE id = " + std::to_string(id)));
  }
  std::unique_ptr<CipherRows> Open(const EncryptedColumn& column = PasswordColumn()) {
    auto rows = OpenCipherRows(database_->source(), column);
    EXPECT_TRUE(rows.ok()) << (rows.ok() ? "" : rows.error().ToString());
    return rows.ok() ? std::move(*rows) : nullptr;
  }
  ErrorCode Refusal(const EncryptedColumn& column) {
    const auto rows = OpenCipherRows(database_->source(), column);
    EXPECT_FALSE(rows.ok());
    return rows.ok() ? ErrorCode::kInternal : rows.error().code();
  }

  std::optional<Database> database_;
};

INSTANTIATE_TEST_SUITE_P(Engines, CipherRowsTest, testing::Values(Engine::kSqlite, Engine::kPostgres),
                         [](const auto& tested) { return tested.param == Engine::kSqlite ? "Sqlite" : "Postgres"; });

TEST_P(CipherRowsTest, PagesHaveEveryValueOnceByKey) {
  for (const int id : {5, -3, 1, 12, 7}) Insert(id, Ciphertext(1));
  ASSERT_TRUE(database_->Run("INSERT INTO connection VALUES (6, 'u', NULL, NULL)"));
  const auto rows = Open();
  std::vector<std::string> keys;
  std::vector<std::size_t> sizes;
  std::optional<RowKey> last;
  for (bool more = true; more;) {
    const auto page = rows->ReadPage(last ? &*last : nullptr, 2, {});
    ASSERT_TRUE(page.ok());
    for (const StoredValue& value : page->values) keys.push_back(value.key.front());
    sizes.push_back(page->values.size());
    if (!page->values.empty()) last = page->values.back().key;
    more = !page->is_last;
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"-3", "1", "5", "7", "12"}));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2, 1}));
}

TEST_P(CipherRowsTest, AValueComesWithWhatItIsBoundTo) {
  Insert(5, Ciphertext(1), "NULL");
  Insert(6, Ciphertext(1), "'https://g''rüß/'");
  EncryptedColumn column = PasswordColumn();
  column.tenant_column = "tenant";
  const auto page = Open(column)->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->values.size(), 2U);
  EXPECT_FALSE(page->values[0].is_current);
  EXPECT_EQ(page->values[0].ciphertext, Ciphertext(1));
  EXPECT_EQ(page->values[0].row, std::vector<Cell>{"5"});
  EXPECT_EQ(page->values[0].context, std::vector<Cell>{std::nullopt});
  EXPECT_EQ(page->values[0].tenant, Cell("acme"));
  EXPECT_EQ(page->values[1].context, std::vector<Cell>{"https://g'rüß/"});
}

TEST_P(CipherRowsTest, WhatHasAKnownHeaderIsNotFetched) {
  Insert(1, Ciphertext(1));
  Insert(2, Ciphertext(2));
  Insert(3, Ciphertext(3));
  const auto page = Open()->ReadPage(nullptr, 10, {HeaderOf(Ciphertext(2)), HeaderOf(Ciphertext(3))});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->values.size(), 3U);
  EXPECT_FALSE(page->values[0].is_current);
  EXPECT_TRUE(page->values[1].is_current);
  EXPECT_TRUE(page->values[2].is_current);
  EXPECT_TRUE(page->values[1].ciphertext.empty());
}

TEST_P(CipherRowsTest, LongValuesAreCut) {
  Insert(1, Ciphertext(1, 'x', kMaxStored + 100), "'" + std::string(kMaxBound + 100, 'u') + "'");
  const auto page = Open()->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->values[0].ciphertext.size(), kMaxStored);
  EXPECT_EQ(page->values[0].context[0]->size(), kMaxBound);
}

TEST_P(CipherRowsTest, OnlyWhatIsStillTheOldOneIsReplaced) {
  for (const int id : {1, 2, 3, 4}) Insert(id, Ciphertext(1, static_cast<char>('a' + id)));
  const auto rows = Open();
  const auto page = rows->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  Set(2, Ciphertext(2, 'z'));
  ASSERT_TRUE(database_->Run("DELETE FROM connection WHERE id = 3"));
  std::vector<Replacement> replacements;
  const std::string fresh = Ciphertext(9);
  for (const StoredValue& value : page->values) replacements.push_back({&value.key, value.ciphertext, fresh});
  const auto replaced = rows->Replace(replacements);
  ASSERT_TRUE(replaced.ok());
  EXPECT_EQ(*replaced, (std::vector<bool>{true, false, false, true}));
  const auto after = rows->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(after.ok());
  ASSERT_EQ(after->values.size(), 3U);
  EXPECT_EQ(after->values[0].ciphertext, fresh);
  EXPECT_EQ(after->values[1].ciphertext, Ciphertext(2, 'z'));
  EXPECT_EQ(after->values[2].ciphertext, fresh);
  EXPECT_EQ(after->values[0].context, std::vector<Cell>{"u"});
}

TEST_P(CipherRowsTest, RowsAreReadAgainByTheirKeys) {
  for (const int id : {1, 2, 3}) Insert(id, Ciphertext(1));
  ASSERT_TRUE(database_->Run("UPDATE connection SET password = NULL WHERE id = 3"));
  const std::vector<RowKey> keys = {{"1"}, {"3"}, {"77"}};
  const auto values = Open()->ReadRows(keys, {});
  ASSERT_TRUE(values.ok());
  ASSERT_EQ(values->size(), 1U);
  EXPECT_EQ(values->front().key, RowKey{"1"});
  EXPECT_EQ(values->front().context, std::vector<Cell>{"u"});
}

TEST_P(CipherRowsTest, NamesMayHaveAnything) {
  const std::string as_owner = GetParam() == Engine::kPostgres ? "SET ROLE owner;" : "";
  ASSERT_TRUE(database_->Run(as_owner +
                             "CREATE TABLE \"Order \"\"x\" (\"the id\" INTEGER PRIMARY KEY, \"a\"\"b\" TEXT, "
                             "\"sel'ect\" " +
                             database_->BlobType() + "); INSERT INTO \"Order \"\"x\" VALUES (1, 'u', " +
                             database_->Blob(Ciphertext(1)) + ")"));
  EncryptedColumn column = PasswordColumn();
  column.place = {{"", "Order \"x"}, "sel'ect"};
  column.context = {{"url", {"a\"b", ValueType::kText}}};
  const auto rows = Open(column);
  const auto page = rows->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->values.size(), 1U);
  const std::string fresh = Ciphertext(2);
  const std::vector<Replacement> replacements = {{&page->values[0].key, page->values[0].ciphertext, fresh}};
  EXPECT_EQ(*rows->Replace(replacements), std::vector<bool>{true});
}

TEST_P(CipherRowsTest, WhatIsNotThereIsNotFound) {
  EncryptedColumn no_table = PasswordColumn();
  no_table.place.table.table = "nothing";
  EncryptedColumn no_column = PasswordColumn();
  no_column.place.column = "nothing";
  EncryptedColumn no_row = PasswordColumn();
  no_row.row[0].column = "nothing";
  EncryptedColumn no_context = PasswordColumn();
  no_context.context[0].value.column = "nothing";
  EncryptedColumn no_tenant = PasswordColumn();
  no_tenant.tenant_column = "nothing";
  for (const EncryptedColumn& column : {no_table, no_column, no_row, no_context, no_tenant}) {
    EXPECT_EQ(Refusal(column), ErrorCode::kNotFound);
  }
}

TEST_P(CipherRowsTest, AKeyThatIsNotTheRowIdHasToBeNamed) {
  EncryptedColumn column = PasswordColumn();
  column.row.push_back({"", ValueType::kText});
  EXPECT_EQ(Refusal(column), ErrorCode::kInvalidArgument);
  column.row = {{"id", ValueType::kInt64}, {"tenant", ValueType::kText}};
  Insert(5, Ciphertext(1));
  const auto page = Open(column)->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->values[0].row, (std::vector<Cell>{"5", "acme"}));
}

TEST_P(CipherRowsTest, AViewIsRefused) {
  ASSERT_TRUE(database_->Run("CREATE VIEW seen AS SELECT * FROM connection"));
  EncryptedColumn column = PasswordColumn();
  column.place.table.table = "seen";
  const auto rows = OpenCipherRows(database_->source(), column);
  ASSERT_FALSE(rows.ok());
}

TEST_P(CipherRowsTest, AnAnswerThatIsNoBlobIsSeenAsItIs) {
  if (GetParam() == Engine::kPostgres) GTEST_SKIP() << "a bytea holds bytes";
  ASSERT_TRUE(database_->Run("INSERT INTO connection VALUES (1, 'u', 'hunter2', NULL)"));
  const auto rows = Open();
  const auto page = rows->ReadPage(nullptr, 10, {"hunter2"});
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->values[0].ciphertext, "hunter2");
  const std::string fresh = Ciphertext(1);
  const std::vector<Replacement> replacements = {{&page->values[0].key, "hunter2", fresh}};
  EXPECT_EQ(*rows->Replace(replacements), std::vector<bool>{false});
}

}  // namespace
}  // namespace coffer::db
