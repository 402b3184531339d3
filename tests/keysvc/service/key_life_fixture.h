// KeyLife: a shop with values under version 1 of its keyring, and a census source, so that keys can be ended.
#pragma once

#include "crypto/field_header.h"
#include "tests/keysvc/service/index_fixture.h"

namespace coffer::keysvc {

inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kDay = kMicrosPerDay;

inline KeyId KeyIdOf(const std::string& ciphertext) {
  const std::optional<FieldHeader> header = FieldHeader::Parse(AsBytes(ciphertext));
  return header ? header->key_id : KeyId{};
}

inline constexpr char kSearchedCatalog[] = R"(
scope = "shop"
[field."user.email"]
class = "pii"
keyring = "shop"
row = "int64"
expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind = "equality"
keyring = "shop-index"
bits = 16
)";

class KeyLife : public IndexFixture {
 protected:
  KeyEngine& keys() { return *barrier->Enter().value()->keys; }

  DestroyRequest Order(const std::string& name, std::uint32_t version = 0) const {
    DestroyRequest request;
    request.name = name;
    request.version = KeyVersion{version};
    return request;
  }

  // A source whose reports come from `reporter`, now.
  void Register(const std::string& source, std::int64_t max_age_us = kDay) {
    const auto registered = key_service.RegisterCensusSource(admin, source, max_age_us);
    ASSERT_TRUE(registered.ok()) << registered.error().ToString();
  }
  void Report(const std::string& source, const KeyCounts& counts = {}) {
    const auto reported =
        key_service.ReportCensus(app, {.source = source, .as_of_us = clock.UnixMicros(), .counts = counts});
    ASSERT_TRUE(reported.ok()) << reported.error().ToString();
  }

  void StartSearched() {
    ASSERT_TRUE(operator_service.Init(admin, KeyFile(), {}, true).ok());
    ASSERT_TRUE(key_service.CreateKeyring(admin, "shop").ok());
    ASSERT_TRUE(key_service.CreateKeyring(admin, "shop-index", KeyringPurpose::kIndex).ok());
    Apply(kSearchedCatalog);
  }

  // Rotated, and counted as zero: version 1 of "shop" may be destroyed.
  void PrepareV1() {
    StartShop();
    old_value = Encrypted(EmailColumn({"old@example.org"})).front();
    clock.Advance(kSecond);
    ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
    clock.Advance(kSecond);
    Register("shop-db");
    Report("shop-db");
  }

  // "" when it decrypts, else why not.
  std::string WhyNot(const std::string& ciphertext, const std::string& tenant = "") {
    FieldColumn column = EmailColumn({ciphertext});
    column.tenant = tenant;
    const Result<FieldOutput> output = fields.Decrypt(app, {column});
    if (!output.ok()) return output.error().ToString();
    if (output->columns.front().failures.empty()) return "";
    return output->columns.front().failures.front().second == ItemFailure::kKeyDisabled ? "key disabled" : "failed";
  }

  VersionState StateOf(const std::string& keyring, std::uint32_t version) {
    return key_service.GetKeyring(admin, keyring)->versions.at(version - 1).version.state;
  }

  std::vector<Row> RowsOf(Table table) {
    const std::vector<StoredRow> stored = store.Begin().value()->Scan({.table = table}).value();
    std::vector<Row> rows;
    for (const StoredRow& row : stored) rows.push_back(row.columns);
    return rows;
  }

  std::string old_value;
};

}  // namespace coffer::keysvc
