#include "keysvc/store/row_index.h"

#include "tests/keysvc/store/store_fixtures.h"

namespace coffer::keysvc {
namespace {

using testing::SampleStored;
using testing::UuidNumber;
using testing::WholeTable;

StoredRow Secret(std::uint8_t tenant, const std::string& path) {
  StoredRow row = SampleStored(Table::kSecret, tenant);
  row.columns[0] = UuidNumber(tenant);
  row.columns[1] = path;
  row.mac[1] = static_cast<std::byte>(path.size());
  return row;
}

class RowIndexTest : public ::testing::Test {
 protected:
  void Add(const StoredRow& row, Table table = Table::kSecret) {
    index_.Set(SpecOf(table), PrimaryKeyOf(SpecOf(table), row.columns), row.mac);
  }
  bool Finds(const std::vector<StoredRow>& found, const std::string& prefix = "",
             const std::optional<Datum>& after = std::nullopt, std::size_t limit = 0) const {
    return index_.Expects({Table::kSecret, {UuidNumber(1)}, prefix, after, limit}, found);
  }

  RowIndex index_;
};

// An encoded key has no terminator behind its text.
TEST_F(RowIndexTest, TextsAndBytesEndTheirPrimaryKeys) {
  for (const TableSpec& spec : Schema()) {
    for (const ColumnSpec& column : spec.columns.first(spec.primary_key_columns - 1)) {
      EXPECT_TRUE(column.type == ValueType::kInt64 || column.type == ValueType::kUuid) << spec.name;
    }
  }
}

TEST_F(RowIndexTest, ExpectsTheRowOfTheKeyAndNoOtherState) {
  for (const TableSpec& spec : Schema()) {
    const StoredRow row = SampleStored(spec.table, 1);
    const Row key = PrimaryKeyOf(spec, row.columns);
    EXPECT_TRUE(index_.Expects(spec, key, std::nullopt)) << spec.name;
    EXPECT_FALSE(index_.Expects(spec, key, row)) << spec.name;
    Add(row, spec.table);
    EXPECT_TRUE(index_.Expects(spec, key, row)) << spec.name;
    EXPECT_FALSE(index_.Expects(spec, key, std::nullopt)) << spec.name;
    EXPECT_FALSE(index_.Expects(spec, key, SampleStored(spec.table, 2))) << spec.name;
  }
}

TEST_F(RowIndexTest, RestoreTakesChangesBackInReverse) {
  const TableSpec& spec = SpecOf(Table::kSecret);
  const StoredRow one = Secret(1, "a");
  StoredRow two = one;
  two.mac[0] ^= std::byte{1};
  const Row key = PrimaryKeyOf(spec, one.columns);
  Add(one);
  RowIndex::Change erased = index_.Set(spec, key, std::nullopt);
  RowIndex::Change inserted = index_.Set(spec, key, two.mac);
  EXPECT_TRUE(index_.Expects(spec, key, two));
  index_.Restore(std::move(inserted));
  EXPECT_TRUE(index_.Expects(spec, key, std::nullopt));
  index_.Restore(std::move(erased));
  EXPECT_TRUE(index_.Expects(spec, key, one));
}

TEST_F(RowIndexTest, ScansArePreciselyTheirRange) {
  const StoredRow a1 = Secret(1, "a/1");
  const StoredRow a22 = Secret(1, "a/22");
  const StoredRow a333 = Secret(1, "a/333");
  const StoredRow b = Secret(1, "b");
  for (const StoredRow& row : {a1, a22, a333, b, Secret(2, "a/1")}) Add(row);
  StoredRow older = a22;
  older.mac[0] ^= std::byte{1};

  EXPECT_TRUE(Finds({a1, a22, a333, b}));
  EXPECT_TRUE(Finds({a1, a22, a333}, "a/"));
  EXPECT_TRUE(Finds({a22, a333}, "a/", std::string("a/1")));
  EXPECT_TRUE(Finds({a22}, "a/", std::string("a/1"), 1));
  EXPECT_TRUE(Finds({a1, a22}, "a/", std::string("A"), 2));
  EXPECT_TRUE(Finds({b}, "", std::string("a/333")));
  EXPECT_TRUE(Finds({b}, "", std::string("a/4")));
  EXPECT_TRUE(Finds({}, "a/", std::string("b")));
  EXPECT_TRUE(Finds({}, "c"));

  EXPECT_FALSE(Finds({a1, a333}, "a/")) << "one in the middle is missing";
  EXPECT_FALSE(Finds({a1, a22}, "a/")) << "the last is missing";
  EXPECT_FALSE(Finds({a22, a333}, "a/")) << "the first is missing";
  EXPECT_FALSE(Finds({a1, a22, a333, b}, "a/")) << "one too many";
  EXPECT_FALSE(Finds({a22, a1, a333}, "a/")) << "another order";
  EXPECT_FALSE(Finds({a1, older, a333}, "a/")) << "an earlier state";
  EXPECT_FALSE(Finds({a1, a1, a22, a333}, "a/")) << "one twice";
  EXPECT_FALSE(Finds({a1, a22}, "a/", std::nullopt, 1)) << "above the limit";
  EXPECT_FALSE(Finds({}, "a/", std::string("a/1")));
  EXPECT_FALSE(Finds({a1}, "c"));
}

TEST_F(RowIndexTest, AScanOfAWholeKeyIsThatKeyAlone) {
  const StoredRow a = Secret(1, "a");
  const StoredRow ab = Secret(1, "ab");
  Add(a);
  Add(ab);
  const ScanRequest request{Table::kSecret, {UuidNumber(1), std::string("a")}, "", std::nullopt, 0};
  EXPECT_TRUE(index_.Expects(request, {a}));
  EXPECT_FALSE(index_.Expects(request, {a, ab}));
  EXPECT_FALSE(index_.Expects(request, {}));
}

TEST_F(RowIndexTest, NumbersAreInTheirOrder) {
  std::vector<StoredRow> rows;
  for (const std::int64_t version : {std::int64_t{-1}, std::int64_t{1}, std::int64_t{2}, std::int64_t{300}}) {
    rows.push_back(SampleStored(Table::kSecretVersion, 1));
    rows.back().columns[1] = version;
    Add(rows.back(), Table::kSecretVersion);
  }
  EXPECT_TRUE(index_.Expects(WholeTable(Table::kSecretVersion), rows));
  const ScanRequest after{Table::kSecretVersion, {UuidNumber(1)}, "", std::int64_t{1}, 0};
  EXPECT_TRUE(index_.Expects(after, {rows[2], rows[3]}));
  EXPECT_FALSE(index_.Expects(after, {rows[1], rows[2], rows[3]}));
  std::swap(rows[0], rows[1]);
  EXPECT_FALSE(index_.Expects(WholeTable(Table::kSecretVersion), rows));
}

// The next column is not the key's last: every row with its value is passed.
TEST_F(RowIndexTest, AfterPassesAllRowsOfThatValue) {
  std::vector<StoredRow> rows;
  for (std::uint8_t number = 1; number <= 4; ++number) {
    rows.push_back(SampleStored(Table::kDataKey, number));
    rows.back().columns[0] = UuidNumber(1);
    rows.back().columns[1] = std::int64_t{number <= 2 ? 1 : 2};
    Add(rows.back(), Table::kDataKey);
  }
  const ScanRequest after{Table::kDataKey, {UuidNumber(1)}, "", std::int64_t{1}, 0};
  EXPECT_TRUE(index_.Expects(after, {rows[2], rows[3]}));
  EXPECT_FALSE(index_.Expects(after, {rows[1], rows[2], rows[3]}));
}

}  // namespace
}  // namespace coffer::keysvc
