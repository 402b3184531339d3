// RecoveryTest: a shop over a store with a key journal and a recovery slot, which tests lose and bring back.
#pragma once

#include "crypto/age_file.h"
#include "tests/keysvc/service/service_fixture.h"
#include "tests/support/fault_folder.h"

namespace coffer::keysvc {

inline constexpr char kJournal[] = "key-journal";

// An audit log as a store sees it: a key and the records that it has signed.
struct LogOfRecords {
  std::string vkey;  // empty: nobody asks
  std::vector<std::string> records = {"boot"};
  bool unreadable = false;

  audit::TreeHead HeadAt(std::uint64_t size) const {
    audit::Frontier tree;
    for (std::uint64_t i = 0; i < size; ++i) tree.Append(audit::LeafHash(AsBytes(records[i])));
    return tree.Head();
  }
  // Of this object as it will be then.
  RunningLog Running() const {
    return {.vkey = vkey,
            .signed_head = [this] { return HeadAt(records.size()); },
            .continues = [this](const audit::TreeHead& earlier) -> Result<bool> {
              if (unreadable) return Error(ErrorCode::kUnavailable, "the disk of the audit log does not answer");
              return earlier.size <= records.size() && HeadAt(earlier.size) == earlier;
            }};
  }
};

// A shop over a store with a key journal and a recovery slot.
class RecoveryTest : public ServiceFixture {
 protected:
  struct Home {
    explicit Home(RecoveryTest& test)
        : clock(test.clock), recorder(Immediately([](const CallRecord&) { return Status(); })) {}
    void Open() {
      Barrier::Options options{.tools = {}, .keys = {}, .journal_folder = &journal};
      options.audited_epoch = [this](StoreUuid) { return audited; };
      options.audit_log = audit_log.Running();
      barrier = Barrier::Open(*store, clock, std::move(options)).value();
      pipeline = std::make_unique<Pipeline>(*barrier, recorder);
      fields = std::make_unique<FieldService>(*pipeline, clock, *barrier);
      plain_operators = std::make_unique<OperatorService>(*pipeline, clock);
      approver = std::make_unique<Approver>(*pipeline, *plain_operators, *barrier);
      keys = std::make_unique<ApprovedKeyService>(*pipeline, *approver);
      secrets = std::make_unique<ApprovedSecretService>(*pipeline, clock, *approver);
      admin = std::make_unique<ApprovedAdminService>(*pipeline, AdminService::Options{}, *approver);
      operators = std::make_unique<ApprovedOperatorService>(*pipeline, clock, *approver);
    }
    // Another process over the same files.
    void Restart() {
      operators.reset();
      admin.reset();
      secrets.reset();
      keys.reset();
      approver.reset();
      plain_operators.reset();
      fields.reset();
      pipeline.reset();
      barrier.reset();
      Open();
    }

    const Clock& clock;
    Recorder recorder;
    std::unique_ptr<MemoryStore> store = std::make_unique<MemoryStore>();
    FaultFolder journal;
    StoreEpoch audited;  // what the audit log has recorded; 0: nothing
    LogOfRecords audit_log;
    std::unique_ptr<Barrier> barrier;
    std::unique_ptr<Pipeline> pipeline;
    std::unique_ptr<FieldService> fields;
    std::unique_ptr<OperatorService> plain_operators;
    std::unique_ptr<Approver> approver;
    std::unique_ptr<ApprovedKeyService> keys;
    std::unique_ptr<ApprovedSecretService> secrets;
    std::unique_ptr<ApprovedAdminService> admin;
    std::unique_ptr<ApprovedOperatorService> operators;
  };

  void SetUp() override {
    home_.Open();
    ASSERT_TRUE(home_.operators->Init(admin, KeyFile(), Proof(home_), false).ok());
    ASSERT_TRUE(home_.keys->CreateKeyring(admin, "shop").ok());
    ASSERT_TRUE(home_.admin->Apply(admin, kShopCatalog, "").ok());
    Work();
  }

  RecoveryProof Proof(Home& home) const {
    const std::vector<AgeRecipient> recipients = {identity_.Recipient()};
    const Bytes challenge = home.operators->StartRecovery(admin, recipients).value();
    return {.recipients = recipients, .answer = AgeDecrypt(Identities(), challenge).value()};
  }
  std::vector<AgeIdentity> Identities() const {
    std::vector<AgeIdentity> identities;
    identities.push_back(identity_.Clone());
    return identities;
  }
  RecoverySeal Identity() const { return {.identities = Identities()}; }

  // Something new of every kind, remembered as acknowledged.
  void Work() {
    const std::string number = std::to_string(emails_.size());
    ASSERT_TRUE(home_.keys->CreateTenant(admin, "tenant-" + number).ok());
    ASSERT_TRUE(home_.keys->RotateKeyring(admin, "shop", {}).ok());
    FieldColumn column = EmailColumn({"user-" + number + "@example.org"});
    const Result<FieldOutput> output = home_.fields->Encrypt(app, {column});
    ASSERT_TRUE(output.ok()) << output.error().ToString();
    emails_.emplace_back("user-" + number + "@example.org", output->columns[0].values[0]);
    ASSERT_TRUE(Put("s/" + number, "secret-" + number));
    secrets_["s/" + number] = "secret-" + number;
  }
  bool Put(const std::string& path, const std::string& value) {
    return home_.secrets
        ->Put(app, {.name = {.tenant = "", .path = path},
                    .value = AsBytes(value),
                    .expected_version = std::nullopt,
                    .expires_us = 0,
                    .metadata = std::nullopt})
        .ok();
  }
  void ExpectEverythingThere(Home& home) const {
    for (const auto& [plaintext, ciphertext] : emails_) {
      const Result<FieldOutput> output = home.fields->Decrypt(app, {EmailColumn({ciphertext})});
      ASSERT_TRUE(output.ok()) << output.error().ToString();
      EXPECT_EQ(output->columns[0].values[0], plaintext);
    }
    for (const auto& [path, value] : secrets_) {
      const auto got = home.secrets->Get(app, {.tenant = "", .path = path}, {});
      ASSERT_TRUE(got.ok()) << path << ": " << got.error().ToString();
      EXPECT_EQ(AsText(got->value.Expose(SecretAccess::kTest)), value);
    }
  }
  // All rows of a store, as a file that somebody copied.
  static std::unique_ptr<MemoryStore> CopyOfStore(MemoryStore& store) {
    auto copy = std::make_unique<MemoryStore>();
    EXPECT_TRUE(StoreImage::Of(**store.Begin())->WriteTo(*copy).ok());
    return copy;
  }
  Result<Barrier::Recovery> Recover(Home& home, SealSource source, bool apply, bool new_journal = false,
                                    const std::string& backup = "", bool go_back = false) const {
    OperatorService::RecoverRequest request;
    request.source = std::move(source);
    request.backup_path = backup;
    request.identities = Identities();
    request.new_journal = new_journal;
    request.go_back = go_back;
    request.apply = apply;
    request.reason = "a test";
    return home.operators->Recover(admin, request);
  }
  void ExpectRolledBack(Home& home, std::string_view words) const {
    const auto unsealed = home.admin->Unseal(admin, KeyFile());
    ASSERT_FALSE(unsealed.ok());
    EXPECT_EQ(unsealed.error().code(), ErrorCode::kIntegrity);
    EXPECT_NE(unsealed.error().ToString().find(words), std::string::npos) << unsealed.error().ToString();
    EXPECT_EQ(home.barrier->state(), BarrierState::kRolledBack);
    EXPECT_EQ(home.fields->Decrypt(app, {EmailColumn({emails_[0].second})}).error().code(), ErrorCode::kIntegrity);
    EXPECT_EQ(home.fields->Encrypt(app, {EmailColumn({"a"})}).error().code(), ErrorCode::kIntegrity);
  }

  AgeIdentity identity_ = AgeIdentity::Generate();
  KeyFileSeal current_ = KeyFile();
  Home home_{*this};
  std::vector<std::pair<std::string, std::string>> emails_;  // plaintext, ciphertext
  std::map<std::string, std::string> secrets_;
};

}  // namespace coffer::keysvc
