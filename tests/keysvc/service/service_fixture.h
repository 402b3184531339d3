// ServiceFixture: the whole service below gRPC, over a store in memory, with a clock that the test moves.
#pragma once

#include <deque>

#include <gtest/gtest.h>

#include "keysvc/service/admin_service.h"
#include "keysvc/service/field_service.h"
#include "keysvc/service/key_service.h"
#include "keysvc/service/operator_service.h"
#include "keysvc/service/secret_service.h"
#include "keysvc/store/memory_store.h"
#include "tests/keysvc/service/approved_services.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc {

inline constexpr char kShopCatalog[] = R"(
scope = "shop"
[field."connection.password"]
class   = "secret"
keyring = "shop"
row     = "uuid"
bind    = { url = "text", login = "text" }
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
[field."note.body"]
class   = "internal"
keyring = "shop"
bind_row = false
unbound = "rows get their id after the insert"
)";

inline Caller LocalCaller(policy::Role role) {
  return Caller{.principal = {.id = "unix:" + std::string(policy::RoleName(role)) + ":7",
                              .role = role,
                              .method = policy::Principal::Method::kUnixSocket},
                .local = true};
}

// What the pipeline handed to the recorder, kept.
struct Recorded {
  std::vector<CallRecord> records;
  Status answer;

  Recorder recorder() {
    return Immediately([this](const CallRecord& record) {
      records.push_back(record);
      records.back().in_flight = nullptr;  // a log keeps no call in flight
      return answer;
    });
  }
};

class ServiceFixture : public ::testing::Test {
 protected:
  static std::unique_ptr<Barrier> OpenBarrier(KeyStore& store, const Clock& clock) {
    return Barrier::Open(store, clock, {.tools = {}, .keys = {}}).value();
  }

  // Initialised, with keyring "shop" and the catalog above.
  void StartShop() {
    ASSERT_TRUE(operator_service.Init(admin, KeyFile(), {}, true).ok());
    ASSERT_TRUE(key_service.CreateKeyring(admin, "shop").ok());
    const Result<policy::CatalogChange> applied = admin_service.Apply(admin, kShopCatalog, "");
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
    lock = policy::WriteCatalogLock(applied->lock);
  }

  KeyFileSeal KeyFile() const { return {.path = folder / "seal.key", .allow_same_device = true}; }

  FieldColumn EmailColumn(const std::vector<std::string>& values, std::int64_t first_row = 1) const {
    FieldColumn column{
        .field = "shop.user.email", .tenant = "", .values = {}, .row_parts = {}, .row_width = 1, .contexts = {}};
    for (const std::string& value : values) {
      column.values.push_back(Kept(value));
      column.row_parts.emplace_back(first_row++);
    }
    return column;
  }

  FieldColumn PasswordColumn(const std::string& value, const Uuid& row, std::string_view url,
                             std::string_view login) const {
    FieldColumn column{.field = "shop.connection.password",
                       .tenant = "",
                       .values = {Kept(value)},
                       .row_parts = {row},
                       .row_width = 1,
                       .contexts = {},
                       .context_width = 2};
    column.contexts.push_back({.column = "url", .value = TextView{url}});
    column.contexts.push_back({.column = "login", .value = TextView{login}});
    return column;
  }

  // A column only views its values: they live as long as the test.
  ByteView Kept(const std::string& value) const { return AsBytes(kept_.emplace_back(value)); }

  // Encrypts one column and returns its ciphertexts; the test fails when that fails.
  std::vector<std::string> Encrypted(const FieldColumn& column) {
    Result<FieldOutput> output = fields.Encrypt(app, {column});
    EXPECT_TRUE(output.ok()) << output.error().ToString();
    return output.ok() ? output->columns.front().values : std::vector<std::string>(column.values.size());
  }

  TempDir folder;
  MemoryStore store;
  FakeClock clock;
  std::unique_ptr<Barrier> barrier = OpenBarrier(store, clock);
  Recorded recorded;
  Pipeline pipeline{*barrier, recorded.recorder()};
  FieldService fields{pipeline, clock, *barrier};
  const OperatorService plain_operators{pipeline, clock};
  const AccessService access{pipeline, plain_operators};
  const Approver approver{pipeline, plain_operators, *barrier};
  ApprovedKeyService key_service{pipeline, approver};
  ApprovedSecretService secrets{pipeline, clock, approver};
  ApprovedAdminService admin_service{pipeline, {}, approver};
  ApprovedOperatorService operator_service{pipeline, clock, approver};
  std::string lock;

  const Caller app = LocalCaller(policy::Role::kApp);
  const Caller dba = LocalCaller(policy::Role::kDba);
  const Caller admin = LocalCaller(policy::Role::kAdmin);
  const Caller auditor = LocalCaller(policy::Role::kAuditor);

 private:
  mutable std::deque<std::string> kept_;
};

}  // namespace coffer::keysvc
