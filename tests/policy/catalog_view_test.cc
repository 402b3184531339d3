#include "policy/catalog_view.h"

#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

CatalogView MustBuild(std::span<const CatalogLock> locks) {
  Result<CatalogView> view = CatalogView::Build(locks);
  COFFER_CHECK(view.ok());
  return std::move(view).value();
}

CatalogView ShopView() { return MustBuild(std::vector{FirstLock(kShopCatalog)}); }

Uuid SomeUuid() {
  Uuid uuid;
  uuid.bytes.fill(std::byte{7});
  return uuid;
}

TEST(CatalogView, FieldsOfAllScopesAreFoundByTheirFullNames) {
  CatalogLock other = FirstLock(EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\""));
  other.scope = "crm";
  other.uuid = ScopeId(2);
  other.fields[0].uuid = FieldId(50);
  const CatalogView view = MustBuild(std::vector{FirstLock(kShopCatalog), other});
  EXPECT_EQ(view.size(), 5u);
  ASSERT_NE(view.Find("shop.user.email"), nullptr);
  EXPECT_EQ(view.Find("shop.user.email")->field, FieldId(3));
  EXPECT_EQ(view.Find("crm.user.email")->scope, ScopeId(2));
  for (const char* name :
       {"", "shop", "user.email", "shop.user", "shop.user.email.", "Shop.user.email", "coffer.secret."}) {
    EXPECT_EQ(view.Find(name), nullptr) << name;
  }
}

TEST(CatalogView, BuiltinFieldIsThereWithoutAnyLock) {
  const CatalogView view = MustBuild({});
  const FieldRule* secret = view.Find("coffer.secret");
  ASSERT_NE(secret, nullptr);
  EXPECT_EQ(secret->scope, BuiltinScopeUuid());
  EXPECT_EQ(secret->form.SecondByte(), 0xc2);
  EXPECT_EQ(secret->keyrings, std::vector<std::string>{"coffer-secrets"});
}

TEST(CatalogView, RetiredFieldsAreMarked) {
  CatalogLock lock = FirstLock(kShopCatalog);
  lock.fields.at(2).retired = true;
  const CatalogView view = MustBuild(std::vector{lock});
  EXPECT_TRUE(view.Find("shop.user.email")->retired);
  EXPECT_FALSE(view.Find("shop.connection.password")->retired);
}

TEST(CatalogView, LocksThatClashAreNotServed) {
  const CatalogLock lock = FirstLock(kShopCatalog);
  CatalogLock same_id = lock;
  same_id.scope = "crm";
  CatalogLock same_name = lock;
  same_name.uuid = ScopeId(2);
  for (std::size_t i = 0; i < same_name.fields.size(); ++i)
    same_name.fields[i].uuid = FieldId(static_cast<std::uint8_t>(60 + i));
  CatalogLock same_field = lock;
  same_field.scope = "crm";
  same_field.uuid = ScopeId(2);
  CatalogLock invalid = lock;
  invalid.serial = 0;
  for (const CatalogLock& second : {same_id, same_name, same_field, invalid}) {
    const Result<CatalogView> view = CatalogView::Build(std::vector{lock, second});
    ASSERT_FALSE(view.ok());
    EXPECT_EQ(view.error().code(), ErrorCode::kIntegrity);
  }
}

TEST(CatalogView, FormIsFoundByItsSecondByteAndKeyring) {
  const std::string start = "class = \"pii\"\nrow = \"uuid\"\n";
  const CatalogLock first = FirstLock(EmailCatalog(start + "keyring = \"k1\""));
  const CatalogLock lock = Apply(EmailCatalog(start + "keyring = \"k2\"\nsuite = 2\npad = 16"), first).lock;
  const CatalogView view = MustBuild(std::vector{lock});
  const FieldRule& rule = *view.Find("shop.user.email");
  EXPECT_EQ(rule.FindForm(0xc2, "k2", 0), &rule.form);
  const FieldForm* former = rule.FindForm(0x41, "k1", 0);
  ASSERT_NE(former, nullptr);
  EXPECT_EQ(*former, (FieldForm{Suite::kXaes256Gcm, 0, true, false}));
  EXPECT_EQ(rule.FindForm(0x41, "k2", 0), nullptr);  // never written under that keyring
  EXPECT_EQ(rule.FindForm(0xc2, "k1", 0), nullptr);
  EXPECT_EQ(rule.FindForm(0x01, "k1", 0), nullptr);
  EXPECT_EQ(rule.FindForm(0x41, "k3", 0), nullptr);
}

TEST(CatalogView, UnboundValuesAreAcceptedUntilTheDeadlineOnly) {
  const std::string start = "class = \"pii\"\nkeyring = \"k\"\n";
  const CatalogLock unbound = FirstLock(EmailCatalog(start + "bind_row = false"));
  const std::string bound = start + "row = \"uuid\"\n";
  const CatalogView lenient =
      MustBuild(std::vector{Apply(EmailCatalog(bound + "accept_unbound_until = 1970-01-01T00:16:40Z"), unbound).lock});
  const FieldRule& rule = *lenient.Find("shop.user.email");
  EXPECT_NE(rule.FindForm(0x01, "k", 999), nullptr);
  EXPECT_EQ(rule.FindForm(0x01, "k", 1000), nullptr);
  EXPECT_NE(rule.FindForm(0x41, "k", 1000), nullptr);
  const CatalogView strict = MustBuild(std::vector{Apply(EmailCatalog(bound), unbound).lock});
  EXPECT_EQ(strict.Find("shop.user.email")->FindForm(0x01, "k", 0), nullptr);
}

// EncodeBinding of a field of the shop, with its declared form.
Status Encode(std::string_view name, std::vector<ScalarView> row, std::vector<BoundColumn> context, Bytes& row_out,
              Bytes& context_out) {
  static const CatalogView view = ShopView();
  const FieldRule* rule = view.Find(name);
  COFFER_CHECK(rule != nullptr);
  return EncodeBinding(*rule, rule->form, row, context, row_out, context_out);
}

TEST(EncodeBinding, RowAndContextAreTheFormatsBytes) {
  Bytes row = {std::byte{1}};
  Bytes context = {std::byte{1}};
  const Status status =
      Encode("shop.connection.password", {SomeUuid()}, {{"url", TextView{"u"}}, {"login", NullValue{}}}, row, context);
  ASSERT_TRUE(status.ok()) << status.error().ToString();
  EXPECT_EQ(ToHex(row),
            "02"
            "07070707070707070707070707070707");
  EXPECT_EQ(ToHex(context),
            "02"
            "00000005"
            "6c6f67696e"
            "00"
            "00000003"
            "75726c"
            "03"
            "00000001"
            "75");
}

TEST(EncodeBinding, CompositeRowsKeepTheDeclaredOrder) {
  Bytes row;
  Bytes context;
  ASSERT_TRUE(Encode("shop.user.email", {std::int64_t{1}, TextView{"a"}}, {}, row, context).ok());
  EXPECT_EQ(ToHex(row),
            "1002"
            "01"
            "0000000000000001"
            "03"
            "00000001"
            "61");
  EXPECT_TRUE(context.empty());
}

TEST(EncodeBinding, UnboundFieldGivesEmptyBytes) {
  Bytes row = {std::byte{1}};
  Bytes context = {std::byte{1}};
  ASSERT_TRUE(Encode("shop.order.note", {}, {}, row, context).ok());
  EXPECT_TRUE(row.empty());
  EXPECT_TRUE(context.empty());
}

struct BadBinding {
  const char* name;
  std::string_view field;
  std::vector<ScalarView> row;
  std::vector<BoundColumn> context;
  std::string path;
};

TEST(EncodeBinding, WhatIsNotDeclaredIsRefused) {
  const std::string_view password = "shop.connection.password";
  const std::string_view email = "shop.user.email";
  const std::vector<BoundColumn> both = {{"login", TextView{"l"}}, {"url", TextView{"u"}}};
  const std::string big(kMaxValueBytes + 1, 'x');
  const std::vector<BadBinding> cases = {
      {"no row", password, {}, both, "row"},
      {"row of another type", password, {std::int64_t{1}}, both, "row"},
      {"row as text", password, {TextView{"07070707-0707-0707-0707-070707070707"}}, both, "row"},
      {"row NULL", password, {NullValue{}}, both, "row"},
      {"too many parts", password, {SomeUuid(), SomeUuid()}, both, "row"},
      {"too few parts", email, {std::int64_t{1}}, {}, "row"},
      {"parts exchanged", email, {TextView{"a"}, std::int64_t{1}}, {}, "row[0]"},
      {"part NULL", email, {std::int64_t{1}, NullValue{}}, {}, "row[1]"},
      {"part of another type", email, {std::int64_t{1}, BytesView{}}, {}, "row[1]"},
      {"part not UTF-8", email, {std::int64_t{1}, TextView{"\xff"}}, {}, "row"},
      {"part too long", email, {std::int64_t{1}, TextView{big}}, {}, "row"},
      {"row of an unbound field", "shop.order.note", {SomeUuid()}, {}, "row"},
      {"no context", password, {SomeUuid()}, {}, "context"},
      {"column missing", password, {SomeUuid()}, {{"url", TextView{"u"}}}, "context"},
      {"unknown column", password, {SomeUuid()}, {{"url", TextView{"u"}}, {"user", TextView{"l"}}}, "context"},
      {"extra column",
       password,
       {SomeUuid()},
       {{"login", TextView{"l"}}, {"url", TextView{"u"}}, {"z", TextView{""}}},
       "context"},
      {"column twice", password, {SomeUuid()}, {{"url", TextView{"u"}}, {"url", TextView{"u"}}}, "context"},
      {"column twice beside all", password, {SomeUuid()}, {both[0], both[1], both[1]}, "context"},
      {"column of another type",
       password,
       {SomeUuid()},
       {{"login", TextView{"l"}}, {"url", std::int64_t{1}}},
       "context.url"},
      {"column not UTF-8", password, {SomeUuid()}, {{"login", TextView{"\xff"}}, {"url", TextView{"u"}}}, "context"},
      {"context of a field without", email, {std::int64_t{1}, TextView{"a"}}, {{"url", TextView{"u"}}}, "context"},
  };
  for (const BadBinding& bad : cases) {
    Bytes row = {std::byte{1}};
    Bytes context = {std::byte{1}};
    const Status status = Encode(bad.field, bad.row, bad.context, row, context);
    ASSERT_FALSE(status.ok()) << bad.name;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument) << bad.name;
    EXPECT_EQ(status.error().path(), bad.path) << bad.name << ": " << status.error().ToString();
    EXPECT_TRUE(row.empty() && context.empty()) << bad.name;
  }
}

TEST(EncodeBinding, FormerFormTakesTheRowThatOnlyTheNewOneBinds) {
  const std::string start = "class = \"pii\"\nkeyring = \"k\"\n";
  const CatalogLock unbound = FirstLock(EmailCatalog(start + "bind_row = false"));
  const std::string bound = start + "row = \"uuid\"\naccept_unbound_until = 2027-01-01T00:00:00Z";
  const CatalogView view = MustBuild(std::vector{Apply(EmailCatalog(bound), unbound).lock});
  const FieldRule& rule = *view.Find("shop.user.email");
  const FieldForm* former = rule.FindForm(0x01, "k", 1);
  ASSERT_NE(former, nullptr);
  Bytes row;
  Bytes context;
  const std::vector<ScalarView> id = {SomeUuid()};
  EXPECT_TRUE(EncodeBinding(rule, *former, id, {}, row, context).ok());
  EXPECT_TRUE(row.empty());
  EXPECT_TRUE(EncodeBinding(rule, *former, {}, {}, row, context).ok());
  const std::vector<ScalarView> wrong = {std::int64_t{1}};
  EXPECT_FALSE(EncodeBinding(rule, *former, wrong, {}, row, context).ok());
  EXPECT_TRUE(EncodeBinding(rule, rule.form, id, {}, row, context).ok());
  EXPECT_FALSE(row.empty());
}

}  // namespace
}  // namespace coffer::policy
