// What FieldService refuses, on the wire: limits, forms, row ids and contexts; and that the limits themselves are
// accepted.
//
// Requests are for the tenant "fresh", which has no data key: one that is made by a refused call shows in the counts.
#include "coffer/v1/field.pb.h"
#include "tests/keysvc/rpc/bad_input.h"

namespace coffer::keysvc {
namespace {

const std::string kUuid = "parts { uuid: '0123456789abcdef' }";
const std::string kUrl = "columns { column: 'url' value { text: 'u' } }";
const std::string kLogin = "columns { column: 'login' value { text: 'l' } }";

std::string Column(const std::string& field, const std::string& rest) {
  return "columns { field: '" + field + "' tenant: 'fresh' " + rest + " } ";
}
std::string Email(const std::string& rest) { return Column("shop.user.email", rest); }
std::string Note(const std::string& rest) { return Column("shop.note.body", rest); }
std::string Grant(const std::string& rest) { return Column("shop.grant.token", rest); }
std::string Value(const std::string& bytes) { return "values: " + Quoted(bytes) + " "; }
std::string Row(const std::string& parts) { return "rows { " + parts + " } "; }
std::string Context(const std::string& columns) { return "contexts { " + columns + " } "; }
// One value of shop.connection.password.
std::string Password(const std::string& row, const std::string& context) {
  return Column("shop.connection.password", Row(row) + Context(context) + Value(kMarker));
}
const std::string kGoodItem = "rows { parts { int64: 1 } } values: 'v' ";

// What all three RPCs refuse alike: {request, part of the message}.
using Refusals = std::vector<std::pair<std::string, std::string>>;

Refusals WrongCounts() {
  const std::string value = Value(kMarker);
  return {
      {"", "columns: has no values"},
      {Email(""), "columns: has no values"},
      {Times(65, Note("values: 'v'")), "columns: has more columns than allowed (limit 64)"},
      {Note(Times(4097, "values: 'v' ")), "columns[0]: has more values than allowed (limit 4096)"},
      {Note(Times(2049, "values: 'v' ")) + Note(Times(2048, "values: 'v' ")),
       "columns: has more values than allowed (limit 4096)"},
      {Note(value) + Note(Times(64, Value(std::string(65536, 'v')))),
       "columns: has more bytes than allowed (limit 4194304)"},
      {Grant(Times(1025, Row("parts { int64: 1 } parts { text: '" + std::string(4096, 'r') + "' }") + "values: '' ")),
       "columns: has more bytes than allowed (limit 4194304)"},
      {Email(kGoodItem + value), "columns[0].rows: must be one a value, or none"},
      {Email(kGoodItem + Row("parts { int64: 2 }")), "columns[0].rows: must be one a value, or none"},
      {Note("contexts {} contexts {} " + value), "columns[0].contexts: must be one a value, or none"},
  };
}

Refusals WrongNames() {
  const std::string value = Value(kMarker);
  return {
      {Column("", value), "columns[0].field: is not a field of an applied catalog"},
      {Column(kMarker, value), "columns[0].field: is not a field"},
      {Column("shop.user.phone", value), "columns[0].field: is not a field"},
      {Column("SHOP.user.email", kGoodItem), "columns[0].field: is not a field"},
      {Column("coffer.secret", value), "columns[0].field: is not a field"},
      {Note(value) + Column("shop.user", value), "columns[1].field: is not a field"},
      {"columns { field: 'shop.note.body' tenant: '" + std::string(kMarker) + "' values: 'v' }",
       "columns[0].tenant: there is no tenant of this name"},
      {"columns { field: 'shop.note.body' tenant: 'Fresh' values: 'v' }", "columns[0].tenant: there is no tenant"},
  };
}

Refusals WrongRows() {
  const std::string value = Value(kMarker);
  const std::string text = "parts { text: '" + std::string(kMarker) + "' } ";
  const std::string one = "parts { int64: 1 } ";
  return {
      {Email(value), "columns[0].values[0].row: is required"},
      {Email(Row("") + value), "columns[0].values[0].row: is required"},
      {Email(Row("parts {}") + value), "columns[0].values[0].row: may not be NULL"},
      {Email(Row(text) + value), "columns[0].values[0].row: has another type"},
      {Email(Row(kUuid) + value), "columns[0].values[0].row: has another type"},
      {Email(Row(one + one) + value), "columns[0].values[0].row: has another number of parts than the catalog"},
      {Email(Row(one) + value + Row(one + one) + value),
       "columns[0].rows[1]: has another number of parts than the first row"},
      {Email(Row(one) + value + Row("") + value), "columns[0].rows[1]: has another number of parts than the first row"},
      {Email(Row(Times(255, one)) + value), "columns[0].values[0].row: has another number of parts than the catalog"},
      {Email(Row(Times(256, one)) + value), "columns[0].rows[0]: has more parts than allowed (limit 255)"},
      {Grant(Row(one) + value), "columns[0].values[0].row: has another number of parts than the catalog"},
      {Grant(Row(text + one) + value), "columns[0].values[0].row[0]: has another type"},
      {Grant(Row(one + "parts {}") + value), "columns[0].values[0].row[1]: may not be NULL"},
      {Grant(Row(one + "parts { text: '" + kMarker + std::string(4097, 'r') + "' }") + value),
       "columns[0].values[0].row: is longer than allowed (limit 4096)"},
      {Note(Row(one) + value), "columns[0].values[0].row: is given although the field binds no row"},
      {Password("parts { uuid: '0123456789abcde' }", kUrl + kLogin), "columns[0].rows[0]: a UUID has 16 bytes"},
      {Password("parts { uuid: '0123456789abcdefg' }", kUrl + kLogin), "columns[0].rows[0]: a UUID has 16 bytes"},
      {Password("parts { uuid: '' }", kUrl + kLogin), "columns[0].rows[0]: a UUID has 16 bytes"},
      {Password("parts { bytes: '0123456789abcdef' }", kUrl + kLogin), "columns[0].values[0].row: has another type"},
      {Email(kGoodItem + Row(text) + value), "columns[0].values[1].row: has another type"},
      {Note("values: 'v'") + Email(Row(text) + value), "columns[1].values[0].row: has another type"},
  };
}

Refusals WrongContexts() {
  const std::string long_text = kMarker + std::string(4097, 'c');
  return {
      {Column("shop.connection.password", Row(kUuid) + Value(kMarker)), "columns[0].values[0].context: is required"},
      {Password(kUuid, ""), "columns[0].values[0].context: is required"},
      {Password(kUuid, kUrl), "columns[0].values[0].context: lacks a column"},
      {Password(kUuid, kUrl + kUrl), "context: a bound column is given twice"},
      {Password(kUuid, kUrl + kLogin + kLogin), "columns[0].values[0].context: names a column twice"},
      {Password(kUuid, kUrl + "columns { column: '" + kMarker + "' value { text: 'x' } }"),
       "columns[0].values[0].context: names a column that the field does not bind"},
      {Password(kUuid, kUrl + "columns { column: 'login' value { int64: 7 } }"),
       "columns[0].values[0].context.login: has another type"},
      {Password(kUuid, kUrl + "columns { column: 'login' value { text: '" + long_text + "' } }"),
       "columns[0].values[0].context: is longer than allowed (limit 4096)"},
      {Password(kUuid, kUrl + "columns { column: 'login' value { uuid: 'short' } }"),
       "columns[0].contexts[0]: a UUID has 16 bytes"},
      {Password(kUuid, Times(256, kUrl)), "columns[0].contexts[0]: has more columns than allowed (limit 255)"},
      {Column("shop.connection.password",
              Row(kUuid) + Context(kUrl + kLogin) + "values: 'v' " + Row(kUuid) + Context(kUrl) + "values: 'v'"),
       "columns[0].contexts[1]: has another number of columns than the first context"},
      {Email(kGoodItem + Context(kUrl)), "columns[0].values[0].context: names a column that the field does not bind"},
  };
}

class BadFieldInput : public BadInput, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override { StartShop(); }
  void ExpectAllRefused(const Refusals& refusals) {
    for (const auto& [request, text] : refusals) ExpectRefused(Invalid(GetParam(), request, text));
  }
};

TEST_P(BadFieldInput, WrongCountsAreRefused) { ExpectAllRefused(WrongCounts()); }
TEST_P(BadFieldInput, UnknownNamesAreRefused) { ExpectAllRefused(WrongNames()); }
TEST_P(BadFieldInput, RowsThatAreNotAsDeclaredAreRefused) { ExpectAllRefused(WrongRows()); }
TEST_P(BadFieldInput, ContextsThatAreNotAsDeclaredAreRefused) { ExpectAllRefused(WrongContexts()); }

INSTANTIATE_TEST_SUITE_P(Rpcs, BadFieldInput,
                         ::testing::Values("FieldService.EncryptFields", "FieldService.DecryptFields",
                                           "FieldService.RewrapFields"),
                         [](const auto& instance) {
                           return std::string(instance.param).substr(std::string("FieldService.").size());
                         });

class FieldLimits : public BadInput {
 protected:
  void SetUp() override { StartShop(); }
};

TEST_F(FieldLimits, SearchesThatCannotBeRead) {
  const std::string marker(kMarker);
  const auto query = [](const std::string& search) {
    return "queries { field: 'shop.user.email' search { index: 'exact' " + search + " } }";
  };
  const std::string rpc = "FieldService.IndexTokens";
  std::string parts;
  for (int i = 0; i < 17; ++i) parts += "values: 'v' ";
  const Refusals cases = {
      {"", "queries: must be 1 or more"},
      {Times(257, query("equals: 'x'")), "queries: has more queries than allowed (limit 256)"},
      {query(""), "queries[0].search: says nothing to look for"},
      {"queries { field: 'shop.user.email' }", "queries[0].search: says nothing to look for"},
      {query("equals: '" + marker + std::string(65536, 'v') + "'"),
       "queries[0].search: is longer than allowed (limit 65536)"},
      {query("parts { " + parts + "}"), "queries[0].search.parts: has more values than a compound index has parts"},
      {query("equals: '" + marker + "'"), "queries[0].search.index: is not an index of the field"},
      {"queries { field: 'shop.user.phone' search { index: 'exact' equals: 'x' } }",
       "queries[0].field: is not a field of an applied catalog"},
      {"queries { field: 'shop.user.email' tenant: '" + marker + "' search { index: 'exact' equals: 'x' } }",
       "queries[0].tenant: there is no tenant of this name"},
  };
  for (const auto& [request, text] : cases) ExpectRefused(Invalid(rpc, request, text));
  const std::string good = Row("parts { int64: 1 }") + Value(kMarker);
  ExpectRefused(Invalid("FieldService.DecryptFields", Email(good + " match { index: 'exact' }"),
                        "columns[0].match: says nothing to look for"));
  ExpectRefused(Invalid("FieldService.DecryptFields", Email(good + " match { index: 'none' equals: 'x' }"),
                        "columns[0].match.index: is not an index of the field"));
}

TEST_F(FieldLimits, AValueHas64KiBAtMost) {
  ExpectRefused(Invalid("FieldService.EncryptFields", Note(Value(kMarker) + Value(std::string(65537, 'v'))),
                        "columns[0].values[1]: is longer than allowed (limit 65536)"));
}

TEST_F(FieldLimits, TheLimitsThemselvesAreAccepted) {
  const std::string longest(65536, 'v');
  const std::string row = "parts { int64: 1 } parts { text: '" + std::string(4096, 'r') + "' }";
  for (const std::string& request :
       {Times(64, Note("values: 'v' ")), Note(Times(4096, "values: 'v' ")), Note(Value(longest)),
        Note(Times(64, Value(longest))), Grant(Row(row) + "values: 'v'"), Note("values: ''")}) {
    const Answer answer = Call("FieldService.EncryptFields", request);
    EXPECT_TRUE(answer.ok()) << answer.ToText() << " " << request.substr(0, 100);
  }
}

TEST_F(FieldLimits, TheLongestCiphertextsDecrypt) {
  v1::DecryptFieldsRequest request;
  v1::Column* column = request.add_columns();
  column->set_field("shop.connection.password");
  const std::string item = Row(kUuid) + Context(kUrl + kLogin) + Value(std::string(65536, 'v'));
  const auto encrypted =
      Call("FieldService.EncryptFields", "columns { field: 'shop.connection.password' " + item + " }")
          .As<v1::EncryptFieldsResponse>();
  column->add_values(encrypted.columns(0).values(0));
  column->add_rows()->add_parts()->set_uuid("0123456789abcdef");
  v1::RowContext* context = column->add_contexts();
  for (const auto& [name, value] : {std::pair("url", "u"), std::pair("login", "l")}) {
    v1::BoundColumn* bound = context->add_columns();
    bound->set_column(name);
    bound->mutable_value()->set_text(value);
  }
  const auto decrypted =
      As(policy::Role::kApp).Call("FieldService.DecryptFields", request).As<v1::DecryptFieldsResponse>();
  EXPECT_EQ(decrypted.columns(0).errors_size(), 0);
  EXPECT_EQ(decrypted.columns(0).values(0), std::string(65536, 'v'));
}

TEST_F(FieldLimits, MoreThan16MiBIsRefusedByTheTransport) {
  const std::string before = Counts();
  for (const char* rpc : {"FieldService.EncryptFields", "SecretService.PutSecret", "AdminService.ApplyCatalog"}) {
    // Field 15 is in no message: what is refused is the size.
    std::string bytes = "\x7a\x80\x80\x80\x08";
    bytes.append(std::size_t{16} << 20, 'v');
    const Answer answer = As(CallerOf(rpc)).CallRaw(Wire::MethodOf(rpc), bytes);
    EXPECT_EQ(answer.code, grpc::StatusCode::RESOURCE_EXHAUSTED) << answer.ToText();
    EXPECT_EQ(answer.error, "") << "not one of our errors";
  }
  EXPECT_EQ(Counts(), before);
}

// Whatever depends on the ciphertext's bytes is one and the same error of the item; the call itself is fine (attack
// M5).
TEST_F(FieldLimits, DamagedCiphertextsFailAloneAndAlike) {
  const auto encrypted = Call("FieldService.EncryptFields", Email(kGoodItem)).As<v1::EncryptFieldsResponse>();
  const std::string good = encrypted.columns(0).values(0);
  std::string flipped = good;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  const std::string id_flipped = good.substr(0, 9) + static_cast<char>(good[9] ^ 1) + good.substr(10);
  std::string items;
  for (const std::string& value : {std::string(), std::string(kMarker), good.substr(0, 9),
                                   good.substr(0, good.size() - 1), good + "x", flipped, id_flipped, good}) {
    items += Row("parts { int64: 1 }") + Value(value);
  }
  const auto decrypted = Call("FieldService.DecryptFields", Email(items)).As<v1::DecryptFieldsResponse>();
  ASSERT_EQ(decrypted.columns(0).values_size(), 8);
  ASSERT_EQ(decrypted.columns(0).errors_size(), 7);
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(decrypted.columns(0).errors(i).index(), static_cast<std::uint32_t>(i));
    EXPECT_EQ(decrypted.columns(0).errors(i).code(), v1::ITEM_ERROR_CODE_DECRYPT_FAILED);
    EXPECT_EQ(decrypted.columns(0).values(i), "");
  }
  EXPECT_EQ(decrypted.columns(0).values(7), "v");
  const auto rewrapped = Call("FieldService.RewrapFields", Email(items)).As<v1::RewrapFieldsResponse>();
  EXPECT_EQ(rewrapped.columns(0).errors_size(), 7);
  EXPECT_EQ(rewrapped.rewrapped(), 0U);
  EXPECT_EQ(rewrapped.columns(0).values(7), good);
}

}  // namespace
}  // namespace coffer::keysvc
