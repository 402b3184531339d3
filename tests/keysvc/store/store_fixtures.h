// What the store's tests share: rows of every table made from the schema, integrity keys, and raw access to a KeyStore.
#pragma once

#include <gtest/gtest.h>

#include "crypto/derive.h"
#include "io/fault_vfs.h"
#include "keysvc/store/memory_store.h"
#include "keysvc/store/sqlite_store.h"

namespace coffer::keysvc::testing {

inline Uuid UuidNumber(std::uint8_t number) {
  Uuid uuid;
  uuid.bytes.fill(std::byte{number});
  return uuid;
}

inline Datum SampleDatum(ValueType type, std::uint8_t number) {
  switch (type) {
    case ValueType::kNull:
      return NullValue{};
    case ValueType::kInt64:
      return std::int64_t{number};
    case ValueType::kUuid:
      return UuidNumber(number);
    case ValueType::kText:
      return "text-" + std::to_string(number);
    case ValueType::kBytes:
      return Bytes(20, std::byte{number});
  }
  return NullValue{};
}

// A row that differs from that of every other number in every column. Well-typed, no record.
inline Row SampleRow(Table table, std::uint8_t number) {
  Row row;
  for (const ColumnSpec& column : SpecOf(table).columns) row.push_back(SampleDatum(column.type, number));
  return row;
}

inline Row SampleKey(Table table, std::uint8_t number) { return PrimaryKeyOf(SpecOf(table), SampleRow(table, number)); }

inline StoredRow SampleStored(Table table, std::uint8_t number) {
  StoredRow row{SampleRow(table, number), number, {}};
  row.mac.fill(std::byte{number});
  return row;
}

inline StoreUuid SampleStoreUuid(std::uint8_t number = 9) { return StoreUuid{UuidNumber(number).bytes}; }

inline IntegrityKeys SampleKeys(StoreUuid store = SampleStoreUuid(), std::uint8_t root = 1) {
  const SecretBytes key = SecretBytes::CopyOf(Bytes(32, std::byte{root}));
  return DeriveIntegrityKeys(key, store);
}

inline ScanRequest WholeTable(Table table) {
  ScanRequest request;
  request.table = table;
  return request;
}

// One committed transaction, past all checks: what an attacker with the file can do.
template <typename Act>
void Raw(KeyStore& store, Act act) {
  auto transaction = store.Begin();
  ASSERT_TRUE(transaction.ok());
  act(**transaction);
  ASSERT_TRUE((*transaction)->Commit().ok());
}

// Homes: how a typed test makes and reopens a store of one kind.
struct MemoryHome {
  std::unique_ptr<KeyStore> store = std::make_unique<MemoryStore>();
  static constexpr bool kPersistent = false;
  void Reopen() {}
};

struct SqliteHome {
  static constexpr bool kPersistent = true;
  FaultVfs vfs{1};
  std::unique_ptr<KeyStore> store = Open();

  SqliteOptions Options() const { return {"store.db", vfs.name(), 0}; }
  std::unique_ptr<KeyStore> Open() const {
    auto opened = SqliteStore::Open(Options());
    EXPECT_TRUE(opened.ok());
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  void Reopen() {
    store.reset();
    store = Open();
  }
};

using Homes = ::testing::Types<MemoryHome, SqliteHome>;

}  // namespace coffer::keysvc::testing
