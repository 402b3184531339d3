// The attacker who reorders b-tree pages: no row and no MAC changes, but a search ends at another row, or at none.

#include <algorithm>

#include "keysvc/store/authenticated_store.h"
#include "tests/keysvc/store/page_surgery.h"
#include "tests/keysvc/store/store_fixtures.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc {
namespace {

using ::coffer::testing::PageSurgery;
using testing::SampleKey;
using testing::SampleKeys;
using testing::SampleRow;
using testing::SampleStoreUuid;
using testing::WholeTable;

constexpr std::uint8_t kRows = 5;
const std::vector<std::vector<std::size_t>> kOrders = {
    {1, 0, 2, 3, 4}, {0, 1, 2, 4, 3}, {4, 3, 2, 1, 0}, {1, 2, 3, 4, 0}, {2, 0, 1, 4, 3},
};

// A store whose file is changed while a process runs: SQLite's cache has forgotten its pages, that is all it takes.
class ExchangedStore final : public KeyStore {
 public:
  Result<std::unique_ptr<StoreTransaction>> Begin() override { return store->Begin(); }
  Status PurgeErased() override { return store->PurgeErased(); }

  std::unique_ptr<KeyStore> store;
};

class ReorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(running_.Format().ok());
    auto mutation = running_.Begin();
    for (const TableSpec& spec : Schema()) {
      for (std::uint8_t number = 1; number <= kRows; ++number) {
        ASSERT_TRUE(mutation->Insert(spec.table, SampleRow(spec.table, number)).ok());
      }
    }
    ASSERT_TRUE(mutation->Commit().ok());
    ASSERT_TRUE(running_.VerifyAll().ok());
  }

  void Open() { store_.store = *SqliteStore::Open({path_, "", 0}); }

  // `edit(PageSurgery&, root page of the table)`, on the closed file.
  template <typename Edit>
  void Operate(std::string_view table, Edit edit) {
    store_.store.reset();
    const std::size_t root = PageSurgery(path_).RootOf(table);
    PageSurgery surgery(path_);
    edit(surgery, root);
    surgery.Save();
    Open();
  }
  void Reorder(const TableSpec& spec, const std::vector<std::size_t>& order) {
    Operate(spec.name, [&](PageSurgery& surgery, std::size_t root) {
      ASSERT_TRUE(surgery.IsLeaf(root));
      ASSERT_EQ(surgery.CellsOf(root), kRows);
      surgery.Reorder(root, order);
    });
  }
  void PutBack(const TableSpec& spec, const std::vector<std::size_t>& order) {
    std::vector<std::size_t> inverse(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) inverse[order[i]] = i;
    Reorder(spec, inverse);
  }

  static ErrorCode AtStart(KeyStore& store) {
    AuthenticatedStore starting(store, SampleStoreUuid(), SampleKeys());
    const Status verified = starting.VerifyAll();
    return verified.ok() ? ErrorCode{} : verified.error().code();
  }

  // Every row by its key: itself, or refused. Returns how many were refused.
  static int Refused(AuthenticatedStore& store, const TableSpec& spec, const std::vector<Row>& rows) {
    int refused = 0;
    for (const Row& row : rows) {
      const auto got = store.Get(spec.table, PrimaryKeyOf(spec, row));
      if (!got.ok()) {
        EXPECT_EQ(got.error().code(), ErrorCode::kIntegrity) << spec.name;
        ++refused;
        continue;
      }
      EXPECT_EQ(*got, std::optional(row)) << spec.name << ": not found, or another row was served";
    }
    return refused;
  }

  static std::vector<Row> SampleRows(Table table) {
    std::vector<Row> rows;
    for (std::uint8_t number = 1; number <= kRows; ++number) rows.push_back(SampleRow(table, number));
    return rows;
  }

  TempDir folder_;
  const std::string path_ = folder_ / "store.db";
  ExchangedStore store_;
  AuthenticatedStore running_{store_, SampleStoreUuid(), SampleKeys()};
};

TEST_F(ReorderTest, AnyTableOutOfOrderIsRefusedAtStart) {
  for (const TableSpec& spec : Schema()) {
    for (const auto& order : kOrders) {
      Reorder(spec, order);
      EXPECT_EQ(AtStart(store_), ErrorCode::kIntegrity) << spec.name;
      PutBack(spec, order);
    }
    ASSERT_EQ(AtStart(store_), ErrorCode{}) << spec.name;
  }
}

TEST_F(ReorderTest, ARunningStoreServesTheRowAskedForOrNone) {
  for (const TableSpec& spec : Schema()) {
    for (const auto& order : kOrders) {
      Reorder(spec, order);
      EXPECT_GT(Refused(running_, spec, SampleRows(spec.table)), 0) << spec.name;
      const auto all = running_.Scan(WholeTable(spec.table));
      EXPECT_EQ(all.ok() ? ErrorCode{} : all.error().code(), ErrorCode::kIntegrity) << spec.name;
      PutBack(spec, order);
    }
    EXPECT_EQ(Refused(running_, spec, SampleRows(spec.table)), 0) << spec.name;
  }
}

TEST_F(ReorderTest, EvenUnverifiedAnotherRowIsNeverServed) {
  for (const TableSpec& spec : Schema()) {
    for (const auto& order : kOrders) {
      Reorder(spec, order);
      AuthenticatedStore unverified(store_, SampleStoreUuid(), SampleKeys());
      for (const Row& row : SampleRows(spec.table)) {
        const auto got = unverified.Get(spec.table, PrimaryKeyOf(spec, row));
        EXPECT_TRUE(!got.ok() || !got->has_value() || **got == row) << spec.name;
      }
      const auto all = unverified.Scan(WholeTable(spec.table));
      EXPECT_EQ(all.ok() ? ErrorCode{} : all.error().code(), ErrorCode::kIntegrity) << spec.name;
      PutBack(spec, order);
    }
  }
}

TEST_F(ReorderTest, NoKeyIsInsertedASecondTime) {
  for (const TableSpec& spec : Schema()) {
    for (const auto& order : kOrders) {
      Reorder(spec, order);
      for (std::uint8_t number = 1; number <= kRows; ++number) {
        auto mutation = running_.Begin();
        const Status inserted = mutation->Insert(spec.table, SampleRow(spec.table, number));
        ASSERT_FALSE(inserted.ok()) << spec.name;
        EXPECT_TRUE(inserted.error().code() == ErrorCode::kIntegrity ||
                    inserted.error().code() == ErrorCode::kAlreadyExists);
      }
      PutBack(spec, order);
    }
  }
  EXPECT_TRUE(running_.VerifyAll().ok());
}

TEST_F(ReorderTest, NoOtherRowIsUpdatedOrErased) {
  for (const TableSpec& spec : Schema()) {
    for (const auto& order : kOrders) {
      Reorder(spec, order);
      int refused = 0;
      for (std::uint8_t number = 1; number <= kRows; ++number) {
        for (const bool erase : {true, false}) {
          auto mutation = running_.Begin();
          const Status changed = erase ? mutation->Erase(spec.table, SampleKey(spec.table, number))
                                       : mutation->Update(spec.table, SampleRow(spec.table, number));
          if (changed.ok()) continue;
          EXPECT_EQ(changed.error().code(), ErrorCode::kIntegrity) << spec.name;
          ++refused;
        }
      }
      EXPECT_GT(refused, 0) << spec.name;
      PutBack(spec, order);
    }
  }
}

TEST_F(ReorderTest, APrefixScanLeavesNoRowOutAndTakesNoOtherIn) {
  const TableSpec& spec = SpecOf(Table::kSecret);
  {
    auto mutation = running_.Begin();
    for (std::uint8_t number = 1; number <= kRows; ++number) {
      ASSERT_TRUE(mutation->Erase(spec.table, SampleKey(spec.table, number)).ok());
      Row row = SampleRow(spec.table, number);
      row[0] = testing::UuidNumber(1);
      row[1] = std::string(number <= 3 ? "a/" : "b/") + std::to_string(number);
      ASSERT_TRUE(mutation->Insert(spec.table, row).ok());
    }
    ASSERT_TRUE(mutation->Commit().ok());
  }
  const auto list = [&](const std::string& prefix) {
    return running_.Scan({spec.table, {testing::UuidNumber(1)}, prefix, std::nullopt, 0});
  };
  ASSERT_EQ(list("a/")->size(), 3U);
  ASSERT_EQ(list("b/")->size(), 2U);
  for (const auto& order : kOrders) {
    Reorder(spec, order);
    int refused = 0;
    for (const char* prefix : {"a/", "b/"}) {
      const auto found = list(prefix);
      refused += found.ok() ? 0 : 1;
      EXPECT_TRUE(!found.ok() || found->size() == (prefix[0] == 'a' ? 3U : 2U));
    }
    EXPECT_GT(refused, 0);
    PutBack(spec, order);
  }
}

TEST_F(ReorderTest, AHiddenRowIsMissed) {
  for (const TableSpec& spec : Schema()) {
    Operate(spec.name, [](PageSurgery& surgery, std::size_t root) { surgery.SetCells(root, kRows - 1); });
    EXPECT_EQ(AtStart(store_), ErrorCode::kIntegrity) << spec.name;
    EXPECT_EQ(Refused(running_, spec, SampleRows(spec.table)), 1) << spec.name;
    EXPECT_FALSE(running_.Scan(WholeTable(spec.table)).ok()) << spec.name;
    EXPECT_FALSE(running_.Begin()->Insert(spec.table, SampleRow(spec.table, kRows)).ok()) << spec.name;
    Operate(spec.name, [](PageSurgery& surgery, std::size_t root) { surgery.SetCells(root, kRows); });
  }
}

// A tree of two levels: every page is in order, but two of them have changed places.
TEST_F(ReorderTest, ExchangedPagesAreRefused) {
  const TableSpec& spec = SpecOf(Table::kDataKey);
  std::vector<Row> rows;
  {
    auto mutation = running_.Begin();
    for (int number = 6; number < 250; ++number) {
      rows.push_back(SampleRow(spec.table, static_cast<std::uint8_t>(number)));
      ASSERT_TRUE(mutation->Insert(spec.table, rows.back()).ok());
    }
    ASSERT_TRUE(mutation->Commit().ok());
  }
  Operate(spec.name, [](PageSurgery& surgery, std::size_t root) {
    ASSERT_FALSE(surgery.IsLeaf(root));
    ASSERT_GE(surgery.CellsOf(root), 3U);
    surgery.SwapChildren(root, 0, 2);
  });
  EXPECT_EQ(AtStart(store_), ErrorCode::kIntegrity);
  EXPECT_GT(Refused(running_, spec, rows), 0);
  EXPECT_FALSE(running_.Scan(WholeTable(spec.table)).ok());
}

}  // namespace
}  // namespace coffer::keysvc
