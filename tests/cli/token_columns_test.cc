#include "cli/token_columns.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

using Records = std::vector<std::vector<AppendedValue>>;

PlannedIndex IndexOf(const std::string& name, IndexKind kind = IndexKind::kEquality) {
  PlannedIndex index;
  index.name = name;
  index.kind = kind;
  index.versions = {1, 2};
  index.written = 1;
  return index;
}

// Column 0 is the row id, column 1 the field's.
FieldPlan PlanOf(std::vector<PlannedIndex> indexes) {
  FieldPlan plan;
  plan.columns = {"id", "email"};
  MappedField field;
  field.field = "shop.user.email";
  field.value = 1;
  field.indexes = std::move(indexes);
  plan.fields.push_back(std::move(field));
  return plan;
}

v1::IndexColumn& AddTokens(v1::ColumnResult& result, const std::string& index, std::uint32_t version,
                           const std::vector<std::int64_t>& numbers, std::uint32_t width = 1) {
  v1::IndexColumn& column = *result.add_indexes();
  column.set_index(index);
  column.set_version(version);
  column.set_width(width);
  for (const std::int64_t number : numbers) column.add_numbers(number);
  return column;
}

TEST(TokenColumns, AnIndexHasTwoColumnsAndAUniqueOneAColumnAVersion) {
  PlannedIndex unique = IndexOf("one");
  unique.unique = true;
  const auto columns = TokenColumns::Of(PlanOf({IndexOf("exact"), unique}));
  ASSERT_TRUE(columns.ok());
  EXPECT_EQ(columns->names(), (std::vector<std::string>{"email_exact", "email_exact_iv", "email_one", "email_one_2"}));
}

TEST(TokenColumns, ValuesGoToTheRecordsThatHaveThem) {
  const auto columns = TokenColumns::Of(PlanOf({IndexOf("exact"), IndexOf("part", IndexKind::kNgram)}));
  v1::ColumnResult result;
  AddTokens(result, "part", 1, {1, 2, 3, 4}, 2);
  AddTokens(result, "exact", 1, {70, 90});
  Records records(3, std::vector<AppendedValue>(4));
  ASSERT_TRUE(columns->Take(0, result, {0, 2}, records).ok());
  const auto number = [](std::int64_t value) { return AppendedValue(value); };
  const auto array = [](std::vector<std::int64_t> values) { return AppendedValue(std::move(values)); };
  EXPECT_EQ(records[0], (std::vector<AppendedValue>{number(70), number(1), array({1, 2}), number(1)}));
  EXPECT_EQ(records[1], std::vector<AppendedValue>(4));
  EXPECT_EQ(records[2], (std::vector<AppendedValue>{number(90), number(1), array({3, 4}), number(1)}));
}

TEST(TokenColumns, AValueWithoutATokenStaysNull) {
  const auto columns = TokenColumns::Of(PlanOf({IndexOf("exact")}));
  v1::ColumnResult result;
  AddTokens(result, "exact", 1, {0, 90}).add_nulls(0);
  Records records(2, std::vector<AppendedValue>(2));
  ASSERT_TRUE(columns->Take(0, result, {0, 1}, records).ok());
  EXPECT_EQ(records[0], std::vector<AppendedValue>(2));
  EXPECT_EQ(records[1][1], AppendedValue(std::int64_t{1}));
}

TEST(TokenColumns, BytesAreWrittenAsBytea) {
  const auto columns = TokenColumns::Of(PlanOf({IndexOf("exact")}));
  v1::ColumnResult result;
  AddTokens(result, "exact", 1, {}).add_bytes("\xff");
  Records records(1, std::vector<AppendedValue>(2));
  ASSERT_TRUE(columns->Take(0, result, {0}, records).ok());
  EXPECT_EQ(records[0][0], AppendedValue(std::string("\\xff")));
}

TEST(TokenColumns, AnAnswerWithoutTheseTokensIsRefused) {
  const auto columns = TokenColumns::Of(PlanOf({IndexOf("exact")}));
  Records records(1, std::vector<AppendedValue>(2));
  v1::ColumnResult none;
  v1::ColumnResult other_index;
  AddTokens(other_index, "part", 1, {5});
  v1::ColumnResult other_version;
  AddTokens(other_version, "exact", 2, {5});
  EXPECT_EQ(columns->Take(0, none, {0}, records).error().sentence,
            "the service gave no index tokens of shop.user.email");
  for (const v1::ColumnResult& result : {other_index, other_version}) {
    EXPECT_EQ(columns->Take(0, result, {0}, records).error().sentence,
              "the indexes of shop.user.email have changed meanwhile");
  }
}

TEST(TokenColumns, AnAnswerOfAnotherShapeIsRefused) {
  const auto columns = TokenColumns::Of(PlanOf({IndexOf("exact")}));
  std::vector<v1::ColumnResult> results(6);
  AddTokens(results[0], "exact", 1, {});
  AddTokens(results[1], "exact", 1, {1, 2});
  AddTokens(results[2], "exact", 1, {1, 2}, 2);
  AddTokens(results[3], "exact", 1, {1}, 0);
  AddTokens(results[4], "exact", 1, {1}).add_nulls(1);
  AddTokens(results[5], "exact", 1, {1}).add_bytes("a");
  for (const v1::ColumnResult& result : results) {
    Records records(1, std::vector<AppendedValue>(2));
    const auto taken = columns->Take(0, result, {0}, records);
    ASSERT_FALSE(taken.ok()) << result.indexes(0).width();
    EXPECT_EQ(taken.error().sentence, "the service's answer has another shape");
  }
}

TEST(TokenColumns, WithoutAnIndexThereAreNone) { EXPECT_FALSE(TokenColumns::Of(PlanOf({})).ok()); }

TEST(TokenColumns, TwoColumnsOfOneNameAreRefused) {
  FieldPlan plan = PlanOf({IndexOf("exact")});
  plan.columns[0] = "email_exact_iv";
  const auto columns = TokenColumns::Of(plan);
  ASSERT_FALSE(columns.ok());
  EXPECT_EQ(columns.error().sentence, "two columns of the output would be called email_exact_iv");
}

TEST(MaxRecordsWithTokens, SlowAndWideIndexesMakeSmallCalls) {
  EXPECT_EQ(MaxRecordsWithTokens(PlanOf({}), 1'000), 1'000U);
  PlannedIndex slow = IndexOf("slow");
  slow.slow = true;
  EXPECT_EQ(MaxRecordsWithTokens(PlanOf({slow}), 1'000), 16U);
  PlannedIndex wide = IndexOf("wide", IndexKind::kNgram);
  wide.count = 255;
  const std::size_t records = MaxRecordsWithTokens(PlanOf({wide, wide}), 1'000);
  EXPECT_GT(records, 100U);
  EXPECT_LT(records, 1'000U);
}

}  // namespace
}  // namespace coffer::cli
