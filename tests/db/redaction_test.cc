#include "db/redaction.h"

#include <gtest/gtest.h>

#include "tests/db/schemas.h"

namespace coffer::db {
namespace {

constexpr std::string_view kCatalog = R"(scope = "shop"
[field."user.email"]
class = "pii"
keyring = "shop"
row = "int64"
expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind = "equality"
keyring = "shop-index"
type = "text"
bits = 16
)";

SchemaTable Users() {
  return TableOf("user",
                 {ColumnOf("id", "int8", true), ColumnOf("email", "bytea", true), ColumnOf("email_exact", "int4"),
                  ColumnOf("email_exact_iv", "int2"), ColumnOf("nick"), ColumnOf("tags", "array", true)});
}

MaskKind KindOf(const Redaction& redaction, std::size_t table, std::string_view column) {
  const ColumnMask* const mask = redaction.tables[table].Find(column);
  EXPECT_NE(mask, nullptr) << column;
  return mask == nullptr ? MaskKind::kByValue : mask->kind;
}

TEST(PlanRedactionTest, ProtectedColumnsBecomePlaceholdersAndTokensNull) {
  const auto catalog = policy::ParseCatalog(kCatalog);
  ASSERT_TRUE(catalog.ok());
  RedactOptions options;
  options.catalog = &*catalog;
  options.mask = {{{"", "user"}, "nick"}, {{"", "user"}, "tags"}};
  const auto redaction = PlanRedaction(SchemaOf({Users()}), options);
  ASSERT_TRUE(redaction.ok()) << redaction.error().ToString();
  EXPECT_EQ(KindOf(*redaction, 0, "email"), MaskKind::kCiphertext);
  EXPECT_EQ(KindOf(*redaction, 0, "email_exact"), MaskKind::kNull);
  EXPECT_EQ(redaction->tables[0].Find("email_exact_iv"), nullptr);
  EXPECT_EQ(KindOf(*redaction, 0, "nick"), MaskKind::kText);
  EXPECT_EQ(KindOf(*redaction, 0, "tags"), MaskKind::kConstant);
}

TEST(PlanRedactionTest, ForeignKeysAndPartitionsFollow) {
  SchemaTable letters = TableOf("letter", {ColumnOf("to_whom", "text")});
  letters.constraints.push_back({ConstraintKind::kForeignKey, "fk", {"to_whom"}, {"public", "user"}, {"nick"}});
  SchemaTable part = TableOf("user_1", {ColumnOf("nick")});
  part.parent = TableName{"public", "user"};
  RedactOptions options;
  options.mask = {{{"", "letter"}, "to_whom"}};
  const auto redaction = PlanRedaction(SchemaOf({letters, Users(), part}), options);
  ASSERT_TRUE(redaction.ok());
  EXPECT_EQ(redaction->tables[1].Find("nick")->reason, MaskReason::kForeignKey);
  EXPECT_EQ(KindOf(*redaction, 1, "nick"), KindOf(*redaction, 0, "to_whom"));
  EXPECT_EQ(KindOf(*redaction, 2, "nick"), MaskKind::kText);
}

TEST(PlanRedactionTest, GuessesAreMaskedUnlessTheyAreKept) {
  const Schema schema = SchemaOf({TableOf("office", {ColumnOf("api_key"), ColumnOf("phone")})});
  RedactOptions options;
  options.keep = {{{"", "office"}, "phone"}};
  const auto redaction = PlanRedaction(schema, options);
  ASSERT_TRUE(redaction.ok());
  EXPECT_EQ(KindOf(*redaction, 0, "api_key"), MaskKind::kOpaque);
  EXPECT_EQ(redaction->tables[0].Find("phone"), nullptr);
  options.guess = false;
  EXPECT_TRUE(PlanRedaction(schema, options)->tables[0].masks.empty());
}

TEST(PlanRedactionTest, GuardedColumnsStayWellFormed) {
  SchemaTable table = TableOf("thing", {ColumnOf("stored", "bytea")});
  table.constraints.push_back({ConstraintKind::kCheck, "c", {"stored"}, {}, {}, true});
  RedactOptions options;
  const auto redaction = PlanRedaction(SchemaOf({table}), options);
  ASSERT_TRUE(redaction.ok());
  EXPECT_EQ(KindOf(*redaction, 0, "stored"), MaskKind::kCiphertext);
}

ErrorCode CodeOf(const SchemaTable& table, const RedactOptions& options) {
  const auto redaction = PlanRedaction(SchemaOf({table}), options);
  return redaction.ok() ? ErrorCode::kInternal : redaction.error().code();
}

TEST(PlanRedactionTest, WhatHasNoMaskIsRefused) {
  SchemaTable table = TableOf("thing", {ColumnOf("mood", "enum", true), ColumnOf("day", "date", true),
                                        ColumnOf("only", "jsonb", true), ColumnOf("list", "enum")});
  table.partition_key = {"day"};
  table.constraints.push_back({ConstraintKind::kUnique, "u", {"only"}, {}, {}});
  const auto mask = [](const std::string& column) {
    RedactOptions options;
    options.mask = {{{"", "thing"}, column}};
    return options;
  };
  for (const char* column : {"mood", "day", "only"}) {
    EXPECT_EQ(CodeOf(table, mask(column)), ErrorCode::kFailedPrecondition) << column;
    RedactOptions omitted = mask(column);
    omitted.omit_rows = {{"", "thing"}};
    EXPECT_TRUE(PlanRedaction(SchemaOf({table}), omitted).ok()) << column;
  }
  EXPECT_TRUE(PlanRedaction(SchemaOf({table}), mask("list")).ok());
  EXPECT_EQ(CodeOf(table, mask("none")), ErrorCode::kNotFound);
  RedactOptions keep;
  keep.keep = {{{"", "nothing"}, "x"}};
  EXPECT_EQ(CodeOf(table, keep), ErrorCode::kNotFound);
}

TEST(PlanRedactionTest, AProtectedColumnCannotBeKept) {
  const auto catalog = policy::ParseCatalog(kCatalog);
  ASSERT_TRUE(catalog.ok());
  RedactOptions options;
  options.catalog = &*catalog;
  options.keep = {{{"public", "user"}, "email"}};
  EXPECT_EQ(CodeOf(Users(), options), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::db
