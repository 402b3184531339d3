// EncryptFields, DecryptFields, RewrapFields below gRPC: what comes back, and that a value moved anywhere does not
// decrypt.
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

using FieldAct = Result<FieldOutput> (*)(const FieldService&, const Caller&, const std::vector<FieldColumn>&);
constexpr FieldAct kEncrypt = [](const FieldService& fields, const Caller& caller, const auto& columns) {
  return fields.Encrypt(caller, columns);
};
constexpr FieldAct kDecrypt = [](const FieldService& fields, const Caller& caller, const auto& columns) {
  return fields.Decrypt(caller, columns);
};
constexpr FieldAct kRewrap = [](const FieldService& fields, const Caller& caller, const auto& columns) {
  return fields.Rewrap(caller, columns);
};

using FieldServiceTest = ServiceFixture;

void ExpectItemFails(const Result<FieldOutput>& output, const char* what) {
  ASSERT_TRUE(output.ok()) << what << ": " << output.error().ToString();
  const ColumnOutput& column = output->columns.front();
  ASSERT_EQ(column.failures.size(), 1U) << what;
  EXPECT_EQ(column.failures.front(), std::make_pair(0U, ItemFailure::kDecryptFailed)) << what;
  EXPECT_EQ(column.values.front(), "") << what;
}

TEST_F(FieldServiceTest, RoundTripOfABatch) {
  StartShop();
  const std::vector<std::string> plain = {"a@example.org", "", std::string(1000, 'x'), std::string("\0\xff", 2)};
  const std::vector<std::string> encrypted = Encrypted(EmailColumn(plain));
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(encrypted[i].size(), plain[i].size() + 50);
    EXPECT_EQ(encrypted[i][0], '\xC1');
  }
  const Result<FieldOutput> decrypted = fields.Decrypt(app, {EmailColumn(encrypted)});
  ASSERT_TRUE(decrypted.ok());
  EXPECT_EQ(decrypted->columns.front().values, plain);
  EXPECT_TRUE(decrypted->columns.front().failures.empty());
}

TEST_F(FieldServiceTest, EqualPlaintextsGiveDifferentCiphertexts) {
  StartShop();
  const std::vector<std::string> encrypted = Encrypted(EmailColumn({"same", "same"}));
  EXPECT_NE(encrypted[0], encrypted[1]);
}

TEST_F(FieldServiceTest, SecretsAreCommittedAndPadded) {
  StartShop();
  const Uuid row = Uuid::Generate(1);
  EXPECT_EQ(Encrypted(PasswordColumn("short", row, "u", "l")).front().size(), 32U + 82U);
  EXPECT_EQ(Encrypted(PasswordColumn("", row, "u", "l")).front().size(), 32U + 82U)
      << "length is hidden up to the block";
}

TEST_F(FieldServiceTest, AValueMovedToAnotherRowDoesNotDecrypt) {
  StartShop();
  const std::vector<std::string> encrypted = Encrypted(EmailColumn({"a@b"}, 1));
  ExpectItemFails(fields.Decrypt(app, {EmailColumn(encrypted, 2)}), "another row");
}

TEST_F(FieldServiceTest, AnEditedUrlDoesNotDecrypt) {
  StartShop();
  const Uuid row = Uuid::Generate(1);
  const std::string encrypted = Encrypted(PasswordColumn("pw", row, "https://db", "sa")).front();
  ASSERT_EQ(fields.Decrypt(app, {PasswordColumn(encrypted, row, "https://db", "sa")})->columns.front().values.front(),
            "pw");
  ExpectItemFails(fields.Decrypt(app, {PasswordColumn(encrypted, row, "https://evil", "sa")}), "another url");
  ExpectItemFails(fields.Decrypt(app, {PasswordColumn(encrypted, row, "https://db", "root")}), "another login");
}

TEST_F(FieldServiceTest, AValueMovedToAnotherColumnTenantOrScopeDoesNotDecrypt) {
  StartShop();
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  const std::string encrypted = Encrypted(EmailColumn({"a@b"}, 1)).front();
  FieldColumn other_tenant = EmailColumn({encrypted}, 1);
  other_tenant.tenant = "acme";
  ExpectItemFails(fields.Decrypt(app, {other_tenant}), "another tenant");
  FieldColumn other_column{
      .field = "shop.note.body", .tenant = "", .values = {Kept(encrypted)}, .row_parts = {}, .contexts = {}};
  ExpectItemFails(fields.Decrypt(app, {other_column}), "another column");

  std::string second_scope = kShopCatalog;
  second_scope.replace(second_scope.find("\"shop\""), 6, "\"mart\"");
  ASSERT_TRUE(admin_service.Apply(admin, second_scope, "").ok());
  FieldColumn other_scope = EmailColumn({encrypted}, 1);
  other_scope.field = "mart.user.email";
  ExpectItemFails(fields.Decrypt(app, {other_scope}), "another scope");
}

TEST_F(FieldServiceTest, EveryBitFlipFailsTheSameWay) {
  StartShop();
  const std::string good = Encrypted(EmailColumn({"value"}, 1)).front();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ExpectItemFails(fields.Decrypt(app, {EmailColumn({bad}, 1)}), "a flipped bit");
  }
}

TEST_F(FieldServiceTest, AFailedItemLeavesTheOthers) {
  StartShop();
  std::vector<std::string> encrypted = Encrypted(EmailColumn({"one", "two", "three"}));
  encrypted[1].back() = static_cast<char>(encrypted[1].back() ^ 1);
  const Result<FieldOutput> output = fields.Decrypt(app, {EmailColumn(encrypted)});
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->columns.front().values, (std::vector<std::string>{"one", "", "three"}));
  EXPECT_EQ(recorded.records.back().failed, 1U);
  EXPECT_EQ(recorded.records.back().items, 3U);
}

TEST_F(FieldServiceTest, RotationKeepsOldValuesAndRewrapMovesThem) {
  StartShop();
  const std::vector<std::string> old = Encrypted(EmailColumn({"keep"}));
  ASSERT_TRUE(key_service.RotateKeyring(dba, "shop", {}).ok());
  EXPECT_EQ(fields.Decrypt(app, {EmailColumn(old)})->columns.front().values.front(), "keep");
  const Result<FieldOutput> rewrapped = fields.Rewrap(dba, {EmailColumn(old)});
  ASSERT_TRUE(rewrapped.ok());
  EXPECT_EQ(rewrapped->rewrapped, 1U);
  const std::vector<std::string> fresh = rewrapped->columns.front().values;
  EXPECT_NE(FieldHeader::Parse(AsBytes(old.front()))->key_id, FieldHeader::Parse(AsBytes(fresh.front()))->key_id);
  EXPECT_EQ(fields.Decrypt(app, {EmailColumn(fresh)})->columns.front().values.front(), "keep");
  const Result<FieldOutput> again = fields.Rewrap(dba, {EmailColumn(fresh)});
  EXPECT_EQ(again->rewrapped, 0U);
  EXPECT_EQ(again->columns.front().values, fresh) << "what is current is returned as it was";
}

TEST_F(FieldServiceTest, RewrapNeverSucceedsForWhatDoesNotDecrypt) {
  StartShop();
  const std::vector<std::string> old = Encrypted(EmailColumn({"keep"}, 1));
  ASSERT_TRUE(key_service.RotateKeyring(dba, "shop", {}).ok());
  ExpectItemFails(fields.Rewrap(dba, {EmailColumn(old, 2)}), "a dba cannot move a value by rewrapping it");
}

TEST_F(FieldServiceTest, RewrapBringsTheDeclaredForm) {
  StartShop();
  const std::vector<std::string> old = Encrypted(EmailColumn({"keep"}));
  std::string stronger = kShopCatalog;
  stronger.replace(stronger.find("class   = \"pii\""), 15, "class   = \"pii\"\nsuite = 2");
  ASSERT_TRUE(admin_service.Apply(admin, stronger, lock).ok());
  EXPECT_EQ(fields.Decrypt(app, {EmailColumn(old)})->columns.front().values.front(), "keep")
      << "the former form is accepted";
  const Result<FieldOutput> moved = fields.Rewrap(dba, {EmailColumn(old)});
  EXPECT_EQ(moved->rewrapped, 1U);
  EXPECT_EQ(moved->columns.front().values.front().size(), 4U + 82U);
}

TEST_F(FieldServiceTest, OnePlantedValueFailsAlone) {
  StartShop();
  const std::vector<std::string> good = Encrypted(EmailColumn({"first", "last"}));
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, kMaxFieldValue + 200, std::size_t{1} << 20U}) {
    const FieldColumn column = EmailColumn({good[0], std::string(size, 'x'), good[1]});
    FieldColumn mixed = column;
    mixed.row_parts = {std::int64_t{1}, std::int64_t{9}, std::int64_t{2}};
    for (const FieldAct act : {kDecrypt, kRewrap}) {
      const Result<FieldOutput> output = act(fields, app, {mixed});
      ASSERT_TRUE(output.ok()) << size << ": " << output.error().ToString();
      EXPECT_EQ(output->columns.front().failures,
                (std::vector<std::pair<std::uint32_t, ItemFailure>>{{1, ItemFailure::kDecryptFailed}}));
      EXPECT_FALSE(output->columns.front().values[0].empty());
      EXPECT_FALSE(output->columns.front().values[2].empty());
    }
  }
}

TEST_F(FieldServiceTest, ValueOfAFormerFormThatBindsMoreFailsAloneWithoutItsRow) {
  StartShop();
  const std::vector<std::string> bound = Encrypted(EmailColumn({"bound"}));
  std::string unbound = kShopCatalog;
  unbound.replace(unbound.find("row     = \"int64\""), 17, "bind_row = false\nunbound = \"a test\"");
  ASSERT_TRUE(admin_service.Apply(admin, unbound, lock).ok());
  FieldColumn column = EmailColumn({"now"});
  column.row_parts.clear();
  column.row_width = 0;
  const std::vector<std::string> now = Encrypted(column);
  column.values = {Kept(bound[0]), Kept(now[0])};
  const Result<FieldOutput> output = fields.Decrypt(app, {column});
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  EXPECT_EQ(output->columns.front().values, (std::vector<std::string>{"", "now"}));
  EXPECT_EQ(output->columns.front().failures.front().second, ItemFailure::kDecryptFailed);
}

TEST_F(FieldServiceTest, DisabledVersionRefusesItsValuesUntilEnabled) {
  StartShop();
  const std::vector<std::string> old = Encrypted(EmailColumn({"keep"}));
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  ASSERT_TRUE(key_service.DisableVersion(admin, "shop", KeyVersion{1}).ok());
  const Result<FieldOutput> refused = fields.Decrypt(app, {EmailColumn(old)});
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->columns.front().failures.front().second, ItemFailure::kKeyDisabled);
  EXPECT_EQ(refused->columns.front().values.front(), "");
  ASSERT_TRUE(key_service.EnableVersion(admin, "shop", KeyVersion{1}).ok());
  EXPECT_EQ(fields.Decrypt(app, {EmailColumn(old)})->columns.front().values.front(), "keep");
}

TEST_F(FieldServiceTest, RolesThatMayNotAreRefused) {
  StartShop();
  const std::vector<std::string> encrypted = Encrypted(EmailColumn({"secret"}));
  for (const Caller& caller : {dba, auditor, admin}) {
    EXPECT_EQ(fields.Decrypt(caller, {EmailColumn(encrypted)}).error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(fields.Encrypt(caller, {EmailColumn({"x"})}).error().code(), ErrorCode::kPermissionDenied);
  }
  EXPECT_EQ(fields.Rewrap(auditor, {EmailColumn(encrypted)}).error().code(), ErrorCode::kPermissionDenied);
}

using BadRequest = std::pair<const char*, std::vector<FieldColumn>>;

class FieldServiceBadRequestTest : public ServiceFixture {
 protected:
  // `change` breaks a good column.
  template <typename Change>
  BadRequest Email(const char* name, Change change) const {
    FieldColumn column = EmailColumn({"x", "y"});
    change(column);
    return {name, {column}};
  }
  template <typename Change>
  BadRequest Password(const char* name, Change change) const {
    FieldColumn column = PasswordColumn("x", Uuid::Generate(1), "u", "l");
    change(column);
    return {name, {column}};
  }

  void ExpectRefused(const std::vector<BadRequest>& cases) {
    const std::uint64_t keys_before = barrier->Enter().value()->keys->counts().data_keys;
    for (const auto& [name, columns] : cases) {
      for (const FieldAct act : {kEncrypt, kDecrypt, kRewrap}) {
        const Result<FieldOutput> refused = act(fields, app, columns);
        ASSERT_FALSE(refused.ok()) << name;
        EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument) << name << ": " << refused.error().ToString();
        EXPECT_EQ(refused.error().ToString().find("nobody"), std::string::npos) << "no value in an error";
      }
    }
    EXPECT_LE(barrier->Enter().value()->keys->counts().data_keys, keys_before + 1)
        << "no key for a tenant or field that is none";
  }
};

TEST_F(FieldServiceBadRequestTest, BrokenLimits) {
  StartShop();
  ExpectRefused({{"no column", {}},
                 {"no value", {EmailColumn({})}},
                 {"too many columns", std::vector<FieldColumn>(65, EmailColumn({"x"}))},
                 {"too many values", {EmailColumn(std::vector<std::string>(4097, "x"))}},
                 {"too many bytes", {EmailColumn(std::vector<std::string>(65, std::string(kMaxFieldValue, 'x')))}}});
  EXPECT_EQ(fields.Encrypt(app, {EmailColumn({std::string(kMaxFieldValue + 1, 'x')})}).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(fields.Encrypt(app, {EmailColumn({std::string(kMaxFieldValue, 'x')})}).ok());
}

TEST_F(FieldServiceBadRequestTest, UnknownNames) {
  StartShop();
  ExpectRefused({Email("unknown field", [](FieldColumn& column) { column.field = "shop.user.phone"; }),
                 Email("the vault's own field", [](FieldColumn& column) { column.field = "coffer.secret"; }),
                 Email("no field", [](FieldColumn& column) { column.field = ""; }),
                 Email("unknown tenant", [](FieldColumn& column) { column.tenant = "nobody"; })});
  FieldColumn unknown = EmailColumn({"x"});
  unknown.field = "shop.user.phone";
  ExpectRefused({{"a good column before a bad one", {EmailColumn({"x"}), unknown}}});
}

TEST_F(FieldServiceBadRequestTest, RowsThatAreNotAsDeclared) {
  StartShop();
  ExpectRefused({Email("row of another type", [](FieldColumn& column) { column.row_parts[0] = TextView{"1"}; }),
                 Email("NULL row", [](FieldColumn& column) { column.row_parts[0] = NullValue{}; }),
                 Email("no row",
                       [](FieldColumn& column) {
                         column.row_parts.clear();
                         column.row_width = 0;
                       }),
                 Email("row with two parts",
                       [](FieldColumn& column) {
                         column.row_parts.assign(4, std::int64_t{1});
                         column.row_width = 2;
                       }),
                 Email("fewer rows than values", [](FieldColumn& column) { column.row_parts.pop_back(); }),
                 Email("context that is not declared", [](FieldColumn& column) {
                   column.contexts.assign(2, {.column = "url", .value = TextView{"u"}});
                   column.context_width = 1;
                 })});
}

TEST_F(FieldServiceBadRequestTest, ContextsThatAreNotAsDeclared) {
  StartShop();
  ExpectRefused(
      {Password("a bound column missing",
                [](FieldColumn& column) {
                  column.contexts.pop_back();
                  column.context_width = 1;
                }),
       Password("a bound column of another name", [](FieldColumn& column) { column.contexts[0].column = "uri"; }),
       Password("a bound column twice", [](FieldColumn& column) { column.contexts[0].column = "login"; }),
       Password("a bound column of another type",
                [](FieldColumn& column) { column.contexts[0].value = std::int64_t{1}; }),
       Password("text that is not UTF-8", [](FieldColumn& column) { column.contexts[0].value = TextView{"\xff"}; })});
}

TEST_F(FieldServiceTest, RetiredFieldDecryptsButTakesNoNewValues) {
  StartShop();
  const std::vector<std::string> encrypted = Encrypted(EmailColumn({"old"}));
  std::string smaller = kShopCatalog;
  const std::size_t from = smaller.find("[field.\"user.email\"]");
  smaller.erase(from, smaller.find("[field.\"note.body\"]") - from);
  EXPECT_EQ(admin_service.AdminService::Apply(admin, smaller, lock).error().code(), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(admin_service.Apply(admin, smaller, lock).ok());
  EXPECT_EQ(fields.Encrypt(app, {EmailColumn({"new"})}).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(fields.Decrypt(app, {EmailColumn(encrypted)})->columns.front().values.front(), "old");
}

TEST_F(FieldServiceTest, DisableDuringACallIsNoticedBeforeRelease) {
  StartShop();
  const std::vector<std::string> old = Encrypted(EmailColumn({"keep"}));
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  // The recorder runs between act and release: there the version is disabled.
  int calls = 0;
  const Pipeline racing(*barrier, Immediately([&](const CallRecord&) -> Status {
    if (++calls == 1) {
      EXPECT_TRUE(barrier->Enter().value()->keys->DisableVersion("shop", KeyVersion{1}).ok());
    }
    return {};
  }));
  const FieldService raced(racing, clock, *barrier);
  const Result<FieldOutput> output = raced.Decrypt(app, {EmailColumn(old)});
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->columns.front().values.front(), "") << "the plaintext of the first run is not released";
  EXPECT_EQ(output->columns.front().failures.front().second, ItemFailure::kKeyDisabled);
  EXPECT_EQ(calls, 2) << "both decisions are recorded";
}

TEST_F(FieldServiceTest, NothingIsReleasedWithoutItsRecord) {
  StartShop();
  const std::vector<std::string> encrypted = Encrypted(EmailColumn({"secret"}));
  recorded.answer = Error(ErrorCode::kUnavailable, "the record cannot be kept");
  EXPECT_EQ(fields.Decrypt(app, {EmailColumn(encrypted)}).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(key_service.RotateKeyring(admin, "shop", {}).error().code(), ErrorCode::kUnavailable);
  recorded.answer = {};
  EXPECT_EQ(key_service.GetKeyring(admin, "shop")->versions.size(), 1U)
      << "a mutation whose begin is not recorded does not happen";
}

TEST_F(FieldServiceTest, QuickCallsAreShortAndNeedNoCommit) {
  StartShop();
  EXPECT_FALSE(fields.IsQuick({EmailColumn({"x"})}, true)) << "the first value makes a data key";
  Encrypted(EmailColumn({"x"}));
  EXPECT_TRUE(fields.IsQuick({EmailColumn({"x"})}, true));
  EXPECT_FALSE(fields.IsQuick({EmailColumn(std::vector<std::string>(65, "x"))}, true));
}

}  // namespace
}  // namespace coffer::keysvc
