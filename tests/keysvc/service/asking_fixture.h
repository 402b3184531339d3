// AskingFixture: a shop under a policy that asks approvals for acts of every kind, of any role and of no second
// person's need; alice asks, as the app or as the administrator that she is, and bob approves.
#pragma once

#include <initializer_list>

#include "crypto/age_file.h"
#include "tests/keysvc/service/asking_policy.h"
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {

class AskingFixture : public ServiceFixture {
 protected:
  using Operation = policy::Operation;
  static constexpr std::int64_t kMinute = 60'000'000;

  struct AskedAct {
    Operation operation;
    std::string_view rule;  // that asks
    Caller by;              // with the digest of the request
    std::function<Status(const Caller&)> act;
  };

  void SetUp() override {
    StartWithRecovery();
    ASSERT_TRUE(key_service.CreateKeyring(admin, "shop").ok());
    const auto applied = admin_service.AdminService::Apply(admin, kShopCatalog, "");
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
    lock = policy::WriteCatalogLock(applied->lock);
    for (const char* const path : {"a", "b"}) {
      ASSERT_TRUE(secrets
                      .Put(app, {.name = {.tenant = "", .path = path},
                                 .value = AsBytes("value"),
                                 .expected_version = std::nullopt,
                                 .expires_us = 0,
                                 .metadata = std::nullopt})
                      .ok());
    }
    emails = Encrypted(EmailColumn({"ann@example.org", "ben@example.org", "cam@example.org"}));
    password = Encrypted(PasswordColumn("hunter2", Uuid{}, "", "")).front();
    ApplyAsking(1);
  }

  void ApplyAsking(std::uint64_t serial, const AskingPolicy& policy = AskingForActs()) {
    policy.Apply(people, access, barrier->Enter().value()->uuid, serial);
  }
  // Approvals for those of Acts().
  static AskingPolicy AskingForActs() {
    return {.asking = {
                {policy::Role::kApp, {Operation::kGetSecret, Operation::kDecryptFields, Operation::kGenerateDataKey}},
                {policy::Role::kAdmin,
                 {Operation::kCreateKeyring, Operation::kRotateKeyring, Operation::kListKeyrings,
                  Operation::kListTenants, Operation::kListSealSlots, Operation::kBackupStore}}}};
  }

  // One of each kind: a read, a mutation, a look; narrowed by rules, and decided as a whole.
  std::vector<AskedAct> Acts() {
    std::vector<AskedAct> acts = {Getting("a"), Decrypting({0})};
    for (const Operation operation :
         {Operation::kGenerateDataKey, Operation::kCreateKeyring, Operation::kRotateKeyring, Operation::kListKeyrings,
          Operation::kListTenants, Operation::kListSealSlots, Operation::kBackupStore}) {
      acts.push_back(ActOf(operation));
    }
    return acts;
  }
  AskedAct ActOf(Operation operation) {
    const auto with = [operation](const Caller& by, auto act) {
      return AskedAct{.operation = operation,
                      .rule = by.principal.role == policy::Role::kApp ? "app-asks" : "admin-asks",
                      .by = WithRequest(by, std::string(policy::OperationName(operation))),
                      .act = [act](const Caller& caller) { return StatusOf(act(caller)); }};
    };
    switch (operation) {
      case Operation::kGenerateDataKey:
        return with(app, [this](const Caller& by) { return key_service.GenerateDataKey(by, "shop", ""); });
      case Operation::kCreateKeyring:
        return with(admin, [this](const Caller& by) { return key_service.CreateKeyring(by, "new"); });
      case Operation::kRotateKeyring:
        return with(admin, [this](const Caller& by) { return key_service.RotateKeyring(by, "shop", KeyVersion{1}); });
      case Operation::kListKeyrings:
        return with(admin, [this](const Caller& by) { return key_service.ListKeyrings(by, 0, ""); });
      case Operation::kListSealSlots:
        return with(admin, [this](const Caller& by) { return plain_operators.ListSlots(by); });
      case Operation::kBackupStore:
        return with(admin, [this](const Caller& by) { return plain_operators.Backup(by, folder / "backup.age"); });
      default:
        return with(admin, [this](const Caller& by) { return key_service.ListTenants(by, 0, ""); });
    }
  }
  AskedAct Getting(const std::string& path) {
    return {
        .operation = Operation::kGetSecret,
        .rule = "app-asks",
        .by = WithRequest(app, "the same of every path"),
        .act = [this, path](const Caller& by) { return StatusOf(secrets.Get(by, {.tenant = "", .path = path}, {})); }};
  }
  // These e-mails, each in a column of its own.
  AskedAct Decrypting(std::initializer_list<std::size_t> which) {
    std::vector<FieldColumn> columns;
    for (const std::size_t one : which) {
      columns.push_back(EmailColumn({emails[one]}, static_cast<std::int64_t>(one) + 1));
    }
    return Decrypting(columns);
  }
  AskedAct DecryptingTwoFields() {
    return Decrypting({EmailColumn({emails[0]}), PasswordColumn(password, Uuid{}, "", "")});
  }

  static Caller WithRequest(Caller caller, const std::string& request) {
    caller.approval.request = Sha256({AsBytes(request)});
    return caller;
  }
  static Caller Changed(const Caller& caller) { return WithRequest(caller, "another request"); }
  static Caller Using(Caller caller, const std::string& id) {
    caller.approval.id = id;
    return caller;
  }
  // No person's.
  static Caller Other(Caller caller) {
    caller.principal.id = "unix:" + std::string(policy::RoleName(caller.principal.role)) + ":99";
    return caller;
  }

  // The id; "", and the test fails, when it was not asked for.
  std::string Ask(const AskedAct& one) {
    Caller asking = one.by;
    asking.approval.reason = "a test";
    EXPECT_EQ(Code(one.act(asking)), "failed_precondition");
    EXPECT_NE(Last().asked, "");
    return Last().asked;
  }
  std::string Approve(const std::string& id, const People::Person& by) {
    return Code(access.Approve(by.AsCaller(), id, by.Line(StatementOf(id))));
  }
  std::string Approve(const std::string& id) { return Approve(id, people.bob); }
  std::string Deny(const std::string& id) { return Code(access.Deny(people.bob.AsCaller(), id)); }
  std::string StatementOf(const std::string& id) {
    const auto list = access.ListApprovals(admin);
    EXPECT_TRUE(list.ok());
    for (const PendingApproval& pending : *list) {
      if (pending.statement.id.ToText() == id) return pending.text;
    }
    return "none\n";
  }
  std::size_t Waiting() { return access.ListApprovals(admin)->size(); }

  // "", or the error's code; and that the last record says the same.
  template <typename T>
  std::string Code(const Result<T>& done) {
    EXPECT_EQ(Last().ok, done.ok());
    return done.ok() ? "" : std::string(ErrorCodeName(done.error().code()));
  }
  std::string Code(const Status& done) {
    EXPECT_EQ(Last().ok, done.ok());
    return done.ok() ? "" : std::string(ErrorCodeName(done.error().code()));
  }
  template <typename T>
  static Status StatusOf(const Result<T>& result) {
    return result.ok() ? Status() : Status(result.error());
  }
  const CallRecord& Last() const { return recorded.records.back(); }

  const People& people = approver.people;
  std::vector<std::string> emails;
  std::string password;

 private:
  // Backups are encrypted to a recovery slot.
  void StartWithRecovery() {
    const AgeIdentity identity = AgeIdentity::Generate();
    const std::vector<AgeRecipient> recipients = {identity.Recipient()};
    std::vector<AgeIdentity> identities;
    identities.push_back(identity.Clone());
    const Bytes challenge = plain_operators.StartRecovery(admin, recipients).value();
    RecoveryProof proof{.recipients = recipients, .answer = AgeDecrypt(identities, challenge).value()};
    ASSERT_TRUE(plain_operators.Init(admin, KeyFile(), std::move(proof), false).ok());
  }
  AskedAct Decrypting(const std::vector<FieldColumn>& columns) {
    std::string request;
    for (const FieldColumn& column : columns) request += AsText(column.values.front());
    return {.operation = Operation::kDecryptFields,
            .rule = "app-asks",
            .by = WithRequest(app, request),
            .act = [this, columns](const Caller& by) { return StatusOf(fields.Decrypt(by, columns)); }};
  }
};

}  // namespace coffer::keysvc
