// Policies: which one holds, who may replace it, and that every call is decided by it, with what the call is about.
#include "crypto/age_file.h"
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

class PoliciesTest : public ServiceFixture {
 protected:
  void SetUp() override { StartShop(); }

  StoreUuid Store() { return barrier->Enter().value()->uuid; }
  std::uint64_t Serial() { return barrier->policy()->serial(); }
  static std::string Code(const Result<std::uint64_t>& applied) {
    return applied.ok() ? "" : std::string(ErrorCodeName(applied.error().code()));
  }
  std::string Apply(const Caller& by, const std::string& text, const std::string& signatures) {
    return Code(access.ApplyPolicy(by, {.policy = text, .signatures = signatures, .recovery = std::nullopt}));
  }
  // Two persons' text with narrower grants for applications: one grant a field.
  std::string Narrow(const std::string& grants) const {
    std::string text = people.PolicyText();
    const std::size_t begin = text.find("[grant.app-all]");
    const std::size_t end = text.find("[grant.", begin + 1);
    return text.replace(begin, end - begin, grants);
  }
  void ApplyNarrow(const std::string& grants) {
    const std::string text = Narrow(grants);
    ASSERT_EQ(Apply(admin, text, people.Signatures(Store(), text, 1)), "");
  }
  std::string RuleOf(const std::string& what) {
    const CallRecord& last = recorded.records.back();
    EXPECT_EQ(policy::OperationName(last.operation), what);
    return (last.allowed ? "+" : "-") + std::string(last.rule);
  }

  const People people;
};

TEST_F(PoliciesTest, TheFirstOneIsSignedByItsOwnAndTakenLocally) {
  const std::string text = people.PolicyText();
  const std::string signatures = people.Signatures(Store(), text, 1);
  Caller remote = admin;
  remote.local = false;
  EXPECT_EQ(Apply(remote, text, signatures), "permission_denied");
  EXPECT_EQ(Apply(dba, text, signatures), "permission_denied");
  EXPECT_EQ(Apply(auditor, text, signatures), "permission_denied");
  const std::string statement = policy::PolicyStatement::Of(Store(), 1, text).ToText();
  EXPECT_EQ(Apply(admin, text, ""), "invalid_argument");
  EXPECT_EQ(Apply(admin, text, "no signature line\n"), "invalid_argument");
  EXPECT_EQ(Apply(admin, text, people.alice.Line(statement)), "permission_denied") << "one of two";
  EXPECT_EQ(Apply(admin, text, people.alice.Line(statement) + people.alice.Line(statement)), "permission_denied")
      << "the same person twice";
  EXPECT_EQ(Apply(admin, text, people.Signatures(StoreUuid::Generate(1), text, 1)), "permission_denied")
      << "for another store";
  EXPECT_EQ(Apply(admin, text, people.Signatures(Store(), text, 2)), "permission_denied") << "another serial";
  EXPECT_EQ(Apply(admin, text + "\n", signatures), "permission_denied") << "another text";
  const People::Person mallory("alice", 9, "unix:admin:7");
  EXPECT_EQ(Apply(admin, text, mallory.Line(statement) + people.bob.Line(statement)), "permission_denied");
  EXPECT_EQ(Apply(admin, "serial = 1", signatures), "invalid_argument");
  EXPECT_EQ(Serial(), 0U);
  EXPECT_EQ(Apply(admin, text, signatures), "");
  EXPECT_EQ(Serial(), 1U);
  EXPECT_EQ(recorded.records.back().object, "1");
}

TEST_F(PoliciesTest, TheNextOneIsSignedByThoseOfTheOneBefore) {
  people.Apply(access, Store());
  // Carol takes bob's place.
  const People::Person carol("carol", 3, "unix:admin:9");
  std::string text = people.PolicyText(2);
  const auto replace = [&text](const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
  };
  replace("[person.bob]", "[person.carol]");
  replace(people.bob.signer.verifier().ToText(), carol.signer.verifier().ToText());
  replace("unix:admin:8", "unix:admin:9");
  const std::string statement = policy::PolicyStatement::Of(Store(), 2, text).ToText();
  EXPECT_EQ(Apply(admin, text, people.alice.Line(statement) + carol.Line(statement)), "permission_denied")
      << "its own persons do not count";
  Caller remote = admin;
  remote.local = false;
  EXPECT_EQ(Apply(remote, text, people.alice.Line(statement) + people.bob.Line(statement)), "");
  EXPECT_EQ(Serial(), 2U);
  const std::string first = people.PolicyText(1);
  EXPECT_EQ(Apply(admin, first, people.Signatures(Store(), first, 1)), "conflict") << "the serial does not rise";
  EXPECT_EQ(Apply(admin, text, people.alice.Line(statement) + people.bob.Line(statement)), "conflict");
  EXPECT_EQ(access.ShowPolicy(admin, 0)->policy, text);
  EXPECT_EQ(access.ShowPolicy(auditor, 1)->policy, first) << "what records of that serial were decided by";
  EXPECT_EQ(access.ShowPolicy(admin, 3).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(access.ShowPolicy(dba, 0).error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(PoliciesTest, ADbaPersonSignsNothing) {
  const People::Person dora("dora", 4, "unix:dba:20");
  const std::string persons =
      "[person.dora]\nkey = \"" + dora.signer.verifier().ToText() + "\"\nprincipals = [\"unix:dba:20\"]\n";
  people.Apply(access, Store(), 1, persons);
  const std::string text = people.PolicyText(2, persons);
  const std::string statement = policy::PolicyStatement::Of(Store(), 2, text).ToText();
  EXPECT_EQ(Apply(admin, text, people.alice.Line(statement) + dora.Line(statement)), "permission_denied");
  EXPECT_EQ(Serial(), 1U);
}

TEST_F(PoliciesTest, EachFieldIsDecidedByItself) {
  ApplyNarrow(R"([grant.emails]
roles = ["app"]
operations = ["EncryptFields", "DecryptFields"]
fields = ["shop.user.email"]
classes = "all"
keyrings = "all"
tenants = "all"
[grant.passwords]
roles = ["app"]
operations = ["EncryptFields"]
fields = ["shop.connection.password"]
classes = ["secret"]
keyrings = ["shop"]
tenants = ["default"]
)");
  const std::string email = Encrypted(EmailColumn({"ann@example.org"})).front();
  EXPECT_EQ(RuleOf("EncryptFields"), "+emails");
  EXPECT_EQ(recorded.records.back().policy->serial(), 1U);
  EXPECT_TRUE(fields.Decrypt(app, {EmailColumn({email})}).ok());
  const Uuid row = Uuid::Generate(1);
  const std::string password = Encrypted(PasswordColumn("hunter2", row, "u", "l")).front();
  EXPECT_EQ(RuleOf("EncryptFields"), "+passwords");
  const auto refused = fields.Decrypt(app, {PasswordColumn(password, row, "u", "l")});
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(refused.error().ToString(), "rule default-deny: the policy does not allow this act to you");
  EXPECT_EQ(RuleOf("DecryptFields"), "-default-deny");
  // One column that is not allowed refuses the whole call, whatever stands before it.
  EXPECT_EQ(fields.Decrypt(app, {EmailColumn({email}), PasswordColumn(password, row, "u", "l")}).error().code(),
            ErrorCode::kPermissionDenied);
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  FieldColumn other = PasswordColumn("hunter2", row, "u", "l");
  other.tenant = "acme";
  EXPECT_EQ(fields.Encrypt(app, {other}).error().code(), ErrorCode::kPermissionDenied) << "another tenant";
  EXPECT_EQ(secrets.Get(app, {.tenant = "", .path = "none"}, {}).error().code(), ErrorCode::kPermissionDenied)
      << "denied before it is said that there is none";
  EXPECT_EQ(RuleOf("GetSecret"), "-default-deny");
}

TEST_F(PoliciesTest, TokensAreGivenForTheFieldsWhoseTokensAreAllowed) {
  const std::string catalog = std::string(kShopCatalog) + R"(
[field."user.name"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.name".index.exact]
kind    = "equality"
keyring = "shop-index"
bits    = 16
)";
  ASSERT_TRUE(key_service.CreateKeyring(admin, "shop-index", KeyringPurpose::kIndex).ok());
  ASSERT_TRUE(admin_service.Apply(admin, catalog, lock).ok());
  FieldColumn column = EmailColumn({"ann"});
  column.field = "shop.user.name";
  EXPECT_EQ(fields.Encrypt(app, {column})->columns.front().indexes.size(), 1U);
  ApplyNarrow(R"([grant.names]
roles = ["app"]
operations = ["EncryptFields"]
fields = "all"
classes = "all"
keyrings = "all"
tenants = "all"
[grant.tokens]
roles = ["app"]
operations = ["IndexTokens"]
fields = ["shop.user.email"]
classes = "all"
keyrings = "all"
tenants = "all"
)");
  const Result<FieldOutput> output = fields.Encrypt(app, {column});
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  EXPECT_TRUE(output->columns.front().indexes.empty()) << "its tokens are not allowed";
  SearchTerm term;
  term.index = "exact";
  const std::vector<IndexQuery> queries = {{.field = "shop.user.name", .tenant = "", .term = term}};
  EXPECT_FALSE(fields.Search(app, queries).ok());
}

TEST_F(PoliciesTest, KeyringsTenantsPurposesAndHoursNarrow) {
  const std::string until = "2100-01-01T00:00:00Z";
  std::string text = people.PolicyText();
  const std::size_t begin = text.find("[grant.dba-all]");
  const std::size_t end = text.find("[grant.", begin + 1);
  text.replace(begin, end - begin,
               R"([grant.rotation]
roles = ["dba"]
operations = ["RotateKeyring", "GetKeyring"]
keyrings = ["shop"]
purposes = ["rotation"]
not_after = )" + until +
                   "\n[forbid.not-the-vault]\nroles = [\"admin\"]\noperations = [\"RotateKeyring\"]\n" +
                   "keyrings = [\"coffer-secrets\"]\n");
  ASSERT_EQ(Apply(admin, text, people.Signatures(Store(), text, 1)), "");
  Caller rotating = dba;
  EXPECT_EQ(key_service.RotateKeyring(rotating, "shop", {}).error().code(), ErrorCode::kPermissionDenied);
  rotating.claims.purpose = "rotation";
  EXPECT_TRUE(key_service.RotateKeyring(rotating, "shop", {}).ok());
  EXPECT_EQ(RuleOf("RotateKeyring"), "+rotation");
  EXPECT_EQ(key_service.RotateKeyring(rotating, "coffer-secrets", {}).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(key_service.GetKeyring(rotating, "none").error().code(), ErrorCode::kPermissionDenied)
      << "denied before it is said that there is none";
  EXPECT_EQ(key_service.RotateKeyring(admin, "coffer-secrets", {}).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(RuleOf("RotateKeyring"), "-not-the-vault");
  clock.Advance(std::int64_t{4'200'000'000} * 1'000'000 - clock.UnixMicros());
  EXPECT_EQ(key_service.RotateKeyring(rotating, "shop", {}).error().code(), ErrorCode::kPermissionDenied) << "later";
}

TEST_F(PoliciesTest, TheOneBeforeTheSealHoldsWhileSealed) {
  std::string text = people.PolicyText();
  text += "[forbid.nobody-reads]\nroles = [\"auditor\"]\noperations = [\"ListKeyrings\"]\n";
  ASSERT_EQ(Apply(admin, text, people.Signatures(Store(), text, 1)), "");
  EXPECT_EQ(key_service.ListKeyrings(auditor, 0, "").error().code(), ErrorCode::kPermissionDenied);
  ASSERT_TRUE(barrier->Seal().ok());
  EXPECT_EQ(Serial(), 1U);
  EXPECT_EQ(key_service.ListKeyrings(auditor, 0, "").error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(key_service.ListKeyrings(dba, 0, "").error().code(), ErrorCode::kSealed);
}

TEST_F(PoliciesTest, AMutationIsNotDoneUnderThePolicyBefore) {
  // The policy is applied while the mutation's begin is recorded.
  bool applied = false;
  const Pipeline slow(*barrier, Immediately([&](const CallRecord& record) {
    if (record.operation != policy::Operation::kPutSecret || applied) return Status();
    applied = true;
    const std::string text = people.PolicyText();
    return Status(barrier->Enter().value()->policies->Apply(text, people.Signatures(Store(), text, 1), false, "x").ok()
                      ? Status()
                      : Status(Error(ErrorCode::kInternal, "not applied")));
  }));
  const SecretService slow_secrets(slow, clock);
  const PutSecretRequest request{.name = {.tenant = "", .path = "a"},
                                 .value = AsBytes("value"),
                                 .expected_version = std::nullopt,
                                 .expires_us = 0,
                                 .metadata = std::nullopt};
  const auto put = slow_secrets.Put(app, request);
  ASSERT_TRUE(applied);
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(secrets.Get(app, {.tenant = "", .path = "a"}, {}).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(slow_secrets.Put(app, request).ok()) << "again, under the one that holds";
}

TEST_F(PoliciesTest, WhatIsDeniedIsNotSaidToBeThere) {
  ApplyNarrow(R"([grant.emails]
roles = ["app"]
operations = ["DecryptFields", "IndexTokens"]
fields = ["shop.user.email"]
classes = "all"
keyrings = "all"
tenants = ["default"]
[grant.secrets]
roles = ["app"]
operations = ["GetSecret"]
tenants = ["default"]
)");
  FieldColumn column = EmailColumn({"x"});
  column.tenant = "no-such";
  EXPECT_EQ(fields.Decrypt(app, {column}).error().code(), ErrorCode::kPermissionDenied) << "no such tenant";
  EXPECT_EQ(recorded.records.back().object, "shop.user.email");
  EXPECT_EQ(recorded.records.back().tenant, "no-such");
  column.tenant = "My Tenant!";
  EXPECT_EQ(fields.Decrypt(app, {column}).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(recorded.records.back().tenant, "?") << "what is no name is not written down";
  column.tenant = "";
  column.field = "shop.no.such";
  EXPECT_EQ(fields.Decrypt(app, {column}).error().code(), ErrorCode::kPermissionDenied) << "no such field";
  EXPECT_EQ(secrets.Get(app, {.tenant = "acme", .path = "app/db"}, {}).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(recorded.records.back().object, "app/db") << "a probe is seen";
  EXPECT_EQ(recorded.records.back().tenant, "acme");
}

TEST_F(PoliciesTest, OneWhoseCommitHadHappenedHoldsWhenItIsAppliedAgain) {
  const std::string text = people.PolicyText();
  const std::string signatures = people.Signatures(Store(), text, 1);
  {
    StoreMutation mutation = barrier->Enter().value()->store->Begin().value();
    const AccessPolicyRecord record{.serial = 1,
                                    .policy = text,
                                    .signatures = signatures,
                                    .recovered = false,
                                    .applied_us = 1,
                                    .applied_by = "unix:admin:7"};
    ASSERT_TRUE(mutation.Insert(Table::kAccessPolicy, ToRow(record)).ok());
    ASSERT_TRUE(mutation.Commit().ok());
  }
  EXPECT_EQ(Serial(), 0U);
  EXPECT_EQ(Apply(admin, text, signatures), "");
  EXPECT_EQ(Serial(), 1U);
}

TEST_F(PoliciesTest, AnApplyMovesTheGeneration) {
  const std::uint64_t before = barrier->generation();
  people.Apply(access, Store());
  EXPECT_NE(barrier->generation(), before) << "what was decided before is decided again before it is released";
}

TEST_F(PoliciesTest, AStoredPolicyThatItsPersonsDidNotSignOpensNothing) {
  people.Apply(access, Store());
  AccessPolicyRecord record = access.ShowPolicy(admin, 0).value();
  record.serial = 2;
  record.policy = people.PolicyText(2);
  {
    // As who holds the root key could: a row with a right MAC.
    StoreMutation mutation = barrier->Enter().value()->store->Begin().value();
    ASSERT_TRUE(mutation.Insert(Table::kAccessPolicy, ToRow(record)).ok());
    ASSERT_TRUE(mutation.Commit().ok());
  }
  const std::unique_ptr<Barrier> again = OpenBarrier(store, clock);
  EXPECT_EQ(again->Unseal(KeyFile()).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(again->state(), BarrierState::kCompromised);
}

TEST_F(PoliciesTest, TheRecoveryIdentityEndsALockOut) {
  people.Apply(access, Store());
  const AgeIdentity identity = AgeIdentity::Generate();
  const auto prove = [&](const AgeIdentity& by, const OperatorService& operators) {
    const std::vector<AgeRecipient> recipients = {by.Recipient()};
    const Bytes challenge = operators.StartRecovery(admin, recipients).value();
    std::vector<AgeIdentity> identities;
    identities.push_back(by.Clone());
    return RecoveryProof{.recipients = recipients, .answer = AgeDecrypt(identities, challenge).value()};
  };
  const std::string text = people.PolicyText(2);
  const auto recover = [&](const Caller& by, RecoveryProof proof) {
    return Code(access.ApplyPolicy(by, {.policy = text, .signatures = "", .recovery = std::move(proof)}));
  };
  EXPECT_EQ(recover(admin, prove(identity, plain_operators)), "permission_denied") << "of no slot of this store";
  ASSERT_TRUE(operator_service.AddSlot(admin, WantedSeal(prove(identity, operator_service)), "safe").ok());
  EXPECT_EQ(recover(admin, prove(AgeIdentity::Generate(), plain_operators)), "permission_denied");
  RecoveryProof wrong = prove(identity, plain_operators);
  wrong.answer = SecretBytes::CopyOf(Bytes(32));
  EXPECT_EQ(recover(admin, std::move(wrong)), "permission_denied");
  Caller remote = admin;
  remote.local = false;
  EXPECT_EQ(recover(remote, prove(identity, plain_operators)), "permission_denied");
  EXPECT_EQ(Serial(), 1U);
  EXPECT_EQ(recover(admin, prove(identity, plain_operators)), "");
  EXPECT_EQ(Serial(), 2U);
  EXPECT_NE(recorded.records.back().reason.find("recovery identity"), std::string::npos);
  EXPECT_TRUE(access.ShowPolicy(admin, 0)->recovered);
  const std::unique_ptr<Barrier> again = OpenBarrier(store, clock);
  const Status unsealed = again->Unseal(KeyFile());
  EXPECT_TRUE(unsealed.ok()) << "one without signatures is believed when it was recovered: "
                             << unsealed.error().ToString();
}

}  // namespace
}  // namespace coffer::keysvc
