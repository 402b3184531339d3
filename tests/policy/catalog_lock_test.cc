#include "policy/catalog_lock.h"

#include "crypto/hash.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

constexpr std::string_view kHead =
    "# Written by Coffer: keep it beside the catalog, in version control, and do not edit it.\n"
    "# The ids in it are part of every ciphertext: without them an empty store cannot decrypt.\n"
    "format = 1\n";

constexpr std::string_view kChecksum = "checksum = \"";

// The text with the checksum that it should have.
std::string WithChecksum(std::string text) {
  const std::size_t at = text.find(kChecksum) + kChecksum.size();
  const std::string_view body = std::string_view(text).substr(at + 64 + 2);
  return text.replace(at, 64, ToHex(Sha256({AsBytes(body)})));
}

// A lock with everything that a lock can have.
CatalogLock FullLock() {
  CatalogLock lock = FirstLock(kShopCatalog);
  lock.serial = 7;
  LockedField& password = lock.fields.at(0);
  password.former.push_back({{Suite::kXaes256Gcm, 0, true, true}, "shop-old", std::nullopt});
  password.former.push_back({{Suite::kXaes256Gcm, 32, false, true}, "shop", 0});
  password.former.push_back({{Suite::kXaes256Gcm, 32, false, true}, "shop-old", 1801353600});
  password.former_names = {{"connection", "pass"}, {"conn", "pass"}};
  lock.fields.at(1).retired = true;
  lock.fields.at(1).now.unbound = "says \"no\", with a \\ and an \xc3\xbc";
  return lock;
}

TEST(CatalogLock, TextOfASmallLockIsExactlyThis) {
  std::string text = WriteCatalogLock(FirstLock(kShopCatalog));
  EXPECT_EQ(text, WithChecksum(text));
  text.replace(text.find(kChecksum) + kChecksum.size(), 64, "CHECK");
  EXPECT_EQ(text, std::string(kHead) + R"(checksum = "CHECK"
scope = "shop"
scope_id = "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a001"
serial = 1

[field."connection.password"]
id = "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f001"
state = "live"
class = "secret"
keyring = "shop"
suite = 2
pad = 32
bind_row = true
row = "uuid"
bind = { login = "text", url = "text" }

[field."order.note"]
id = "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f002"
state = "live"
class = "internal"
keyring = "shop"
suite = 1
pad = "none"
bind_row = false

[field."user.email"]
id = "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f003"
state = "live"
class = "pii"
keyring = "shop-pii"
suite = 1
pad = "none"
bind_row = true
row = ["int64", "text"]
)");
}

TEST(CatalogLock, EverythingSurvivesWritingAndReading) {
  const CatalogLock lock = FullLock();
  const std::string text = WriteCatalogLock(lock);
  const Result<CatalogLock> read = ParseCatalogLock(text);
  ASSERT_TRUE(read.ok()) << read.error().ToString() << "\n" << text;
  EXPECT_EQ(*read, lock);
  EXPECT_EQ(WriteCatalogLock(*read), text);
}

TEST(CatalogLock, KeyringsAreThePresentOneThenFormerOnesLatestFirst) {
  LockedField field = FullLock().fields.at(0);
  field.former.push_back({field.now.form, "shop-latest", std::nullopt});
  EXPECT_EQ(field.Keyrings(), (std::vector<std::string>{"shop", "shop-latest", "shop-old"}));
}

TEST(CatalogLock, PadMultipleIsRememberedAfterPaddingWasTurnedOff) {
  LockedField field = FullLock().fields.at(0);
  field.now.form.pad_multiple = 0;
  EXPECT_EQ(field.PadMultiple(), 32);
}

TEST(CatalogLock, FieldsAreFoundByName) {
  const CatalogLock lock = FullLock();
  ASSERT_NE(lock.Find({"user", "email"}), nullptr);
  EXPECT_EQ(lock.Find({"user", "email"})->uuid, FieldId(3));
  EXPECT_EQ(lock.Find({"user", "mail"}), nullptr);
  EXPECT_EQ(lock.Find({"zebra", "a"}), nullptr);
}

TEST(CatalogLock, BuiltinFieldIsTheOneOfTheFormat) {
  const LockedField secret = BuiltinSecretField();
  EXPECT_EQ(BuiltinScopeUuid().ToText(), "00000000-0000-0000-0000-000000000001");
  EXPECT_EQ(secret.uuid.ToText(), "00000000-0000-0000-0000-000000000002");
  EXPECT_EQ(secret.now.keyring, "coffer-secrets");
  EXPECT_EQ(secret.now.form.SecondByte(), 0xc2);
  EXPECT_EQ(secret.now.row, (std::vector{ValueType::kUuid, ValueType::kInt64}));
}

struct BadText {
  const char* name;
  std::string_view from;
  std::string_view to;
  std::string path;
};

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "the lock has no " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

TEST(CatalogLock, TextsThatSayTheSameInAnotherWayAreNotTaken) {
  const std::string text = WriteCatalogLock(FullLock());
  const std::vector<BadText> cases = {
      {"more space", "serial = 7", "serial  = 7", ""},
      {"number with a sign", "serial = 7", "serial = +7", ""},
      {"other quotes", "scope = \"shop\"", "scope = 'shop'", ""},
      {"comment", "serial = 7", "serial = 7 # now", ""},
      {"lost comment", "# Written by Coffer", "# Written by hand", ""},
      {"upper-case id", "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f003", "F0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f003", ""},
      {"unsorted bind", "login = \"text\", url = \"text\"", "url = \"text\", login = \"text\"", ""},
      {"keys in another order", "suite = 2\npad = 32\n", "pad = 32\nsuite = 2\n", ""},
      {"empty line", "\n\n[field.\"user.email\"]", "\n\n\n[field.\"user.email\"]", ""},
      {"escaped letter", "keyring = \"shop-pii\"", "keyring = \"shop-pi\\u0069\"", ""},
      {"Windows line end", "serial = 7\n", "serial = 7\r\n", ""},
      {"literal reason", "\xc3\xbc\"", "\\u00fc\"", ""},
  };
  for (const BadText& bad : cases) {
    const Result<CatalogLock> read = ParseCatalogLock(WithChecksum(Replaced(text, bad.from, bad.to)));
    ASSERT_FALSE(read.ok()) << bad.name;
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument) << bad.name;
    EXPECT_EQ(read.error().path(), "catalog.lock") << bad.name << ": " << read.error().ToString();
  }
}

TEST(CatalogLock, WrongTextsAreRefusedWithTheirPath) {
  const std::string text = WriteCatalogLock(FullLock());
  const std::string email = "field.user.email";
  const std::string password = "field.connection.password";
  const std::vector<BadText> cases = {
      {"another format", "format = 1", "format = 2", "format"},
      {"no format", "format = 1\n", "", "format"},
      {"reserved scope", "scope = \"shop\"", "scope = \"coffer\"", "scope"},
      {"no scope id", "scope_id = \"a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a001\"\n", "", "scope_id"},
      {"bad scope id", "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a001", "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a001", "scope_id"},
      {"zero scope id", "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a001", "00000000-0000-0000-0000-000000000000", "scope_id"},
      {"built-in scope id", "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a001", "00000000-0000-0000-0000-000000000001", "scope_id"},
      {"serial 0", "serial = 7", "serial = 0", "serial"},
      {"serial negative", "serial = 7", "serial = -7", "serial"},
      {"serial text", "serial = 7", "serial = \"7\"", "serial"},
      {"unknown key", "serial = 7", "serial = 7\nowner = 1", "owner"},
      {"unknown field key", "state = \"live\"", "state = \"live\"\nindex = 1", password + ".index"},
      {"unknown state", "state = \"live\"", "state = \"gone\"", password + ".state"},
      {"no class", "class = \"pii\"\n", "", email + ".class"},
      {"unknown class", "class = \"pii\"", "class = \"token\"", email + ".class"},
      {"reserved keyring", "keyring = \"shop-pii\"", "keyring = \"coffer-secrets\"", email + ".keyring"},
      {"built-in field id", "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f003", "00000000-0000-0000-0000-000000000002",
       email + ".id"},
      {"zero field id", "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f003", "00000000-0000-0000-0000-000000000000", email + ".id"},
      {"field id twice", "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f003", "f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f001", email + ".id"},
      {"row lost", "row = [\"int64\", \"text\"]\n", "", email + ".row"},
      {"secret lost its binding", "bind = { login = \"text\", url = \"text\" }\n", "", password + ".bind"},
      {"two multiples", "pad = 32, row_bound = false", "pad = 16, row_bound = false", password + ".former"},
      {"former like now", "keyring = \"shop-old\", suite = 1, pad = \"none\"",
       "keyring = \"shop\", suite = 2, pad = 32", password + ".former"},
      {"former twice", "keyring = \"shop-old\", suite = 1, pad = 32", "keyring = \"shop\", suite = 1, pad = 32",
       password + ".former"},
      {"former binds other columns", "context_bound = true }", "context_bound = false }", password + ".former"},
      {"former without keyring", "{ keyring = \"shop-old\", ", "{ ", password + ".former.keyring"},
      {"former unknown key", "until = 0", "until = 0, by = 1", password + ".former.by"},
      {"former negative moment", "until = 0", "until = -1", password + ".former.until"},
      {"former name twice", "\"conn.pass\"", "\"connection.pass\"", password + ".former_names"},
      {"former name of three parts", "\"conn.pass\"", "\"shop.conn.pass\"", password + ".former_names"},
      {"field name no name", "[field.\"user.email\"]", "[field.\"user\"]", "field.user"},
      {"reason with a control character", "says ", "says\\n", "field.order.note.unbound"},
      {"reason with a C1 control", "says ", "says\\u009b", "field.order.note.unbound"},
      {"reason with a line separator", "says ", "says\\u2028", "field.order.note.unbound"},
      {"reason that turns direction", "says ", "says\\u202e", "field.order.note.unbound"},
      {"reason with a byte order mark", "says ", "says\\ufeff", "field.order.note.unbound"},
  };
  for (const BadText& bad : cases) {
    const Result<CatalogLock> read = ParseCatalogLock(WithChecksum(Replaced(text, bad.from, bad.to)));
    ASSERT_FALSE(read.ok()) << bad.name;
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument) << bad.name;
    EXPECT_EQ(read.error().path(), bad.path) << bad.name << ": " << read.error().ToString();
  }
}

TEST(CatalogLock, EveryCutOffTextIsRefused) {
  const std::string text = WriteCatalogLock(FullLock());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ParseCatalogLock(std::string_view(text).substr(0, size)).ok()) << size;
  }
}

TEST(CatalogLock, ChangedBytesAreRefused) {
  const std::string text = WriteCatalogLock(FullLock());
  for (std::size_t at = 0; at < text.size(); at += at < 300 ? 1 : 7) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(ParseCatalogLock(changed).ok()) << at;
  }
}

TEST(CatalogLock, ChangedBytesWithARightChecksumAreRefusedOrAnotherLock) {
  const CatalogLock lock = FullLock();
  const std::string text = WriteCatalogLock(lock);
  for (std::size_t at = text.find("\nscope = ") + 1; at < text.size(); at += 3) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    changed = WithChecksum(std::move(changed));
    const Result<CatalogLock> read = ParseCatalogLock(changed);
    if (!read.ok()) continue;
    EXPECT_NE(*read, lock) << at;
    EXPECT_EQ(WriteCatalogLock(*read), changed) << at;
  }
}

TEST(CatalogLock, ChecksumInAnotherFormIsRefused) {
  const std::string text = WriteCatalogLock(FullLock());
  const std::size_t at = text.find(kChecksum) + kChecksum.size();
  for (const std::string& wrong :
       {std::string(), std::string(64, '0'), text.substr(at, 63), text.substr(at, 64) + "0"}) {
    std::string changed = text;
    changed.replace(at, 64, wrong);
    EXPECT_FALSE(ParseCatalogLock(changed).ok()) << wrong;
  }
}

TEST(CatalogLock, TooLongATextIsRefusedByItsLimit) {
  const Result<CatalogLock> read = ParseCatalogLock(std::string(kMaxLockBytes + 1, '#'));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().limit(), kMaxLockBytes);
}

TEST(CatalogLock, LocksInMemoryKeepTheSameRules) {
  CatalogLock lock = FullLock();
  std::swap(lock.fields[0], lock.fields[1]);
  EXPECT_FALSE(ValidateCatalogLock(lock).ok());
  lock = FullLock();
  lock.serial = std::uint64_t{1} << 63;
  EXPECT_FALSE(ValidateCatalogLock(lock).ok());
  lock = FullLock();
  lock.fields[0].former.resize(kMaxFormer + 1);
  EXPECT_EQ(ValidateCatalogLock(lock).error().limit(), kMaxFormer);
  lock = FullLock();
  lock.fields[1].former.push_back(
      {{Suite::kXaes256Gcm, 0, true, false}, "shop", std::nullopt});  // a row whose type is not known
  EXPECT_FALSE(ValidateCatalogLock(lock).ok());
}

}  // namespace
}  // namespace coffer::policy
