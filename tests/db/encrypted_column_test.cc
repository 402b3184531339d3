#include "db/encrypted_column.h"

#include <gtest/gtest.h>

namespace coffer::db {
namespace {

policy::CatalogLock Lock() {
  policy::CatalogLock lock;
  lock.scope = "shop";
  policy::LockedField field;
  field.name = {"connection", "password"};
  field.now.row = {ValueType::kUuid, ValueType::kInt64};
  field.now.bind = {{"login", ValueType::kText}, {"url", ValueType::kText}};
  field.now.form.context_bound = true;
  lock.fields.push_back(field);
  field.name = {"connection", "unbound"};
  field.now.form.row_bound = false;
  field.now.form.context_bound = false;
  field.now.bind.clear();
  lock.fields.push_back(field);
  return lock;
}

const FieldName kPassword = {"shop", "connection", "password"};

TEST(ColumnPlaceTest, TwoOrThreeNamesArePlaces) {
  const auto two = ColumnPlace::Parse("connection.password");
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(*two, (ColumnPlace{{"", "connection"}, "password"}));
  EXPECT_EQ(two->ToText(), "connection.password");
  const auto three = ColumnPlace::Parse("Shop.User.E mail");
  ASSERT_TRUE(three.ok());
  EXPECT_EQ(*three, (ColumnPlace{{"Shop", "User"}, "E mail"}));
  EXPECT_EQ(three->ToText(), "Shop.User.E mail");
}

TEST(ColumnPlaceTest, AnythingElseIsRefused) {
  const std::string long_name(64, 'a');
  const std::string with_nul("a.b\0c", 5);
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("."), std::string("a."), std::string(".b"), std::string("a..b"),
        std::string("a.b.c.d"), std::string("a.b."), "a." + long_name, long_name + ".b", with_nul}) {
    EXPECT_FALSE(ColumnPlace::Parse(text).ok()) << text;
  }
}

TEST(MapFieldTest, NamesAreTheCatalogsUnlessTold) {
  const auto column = MapField(Lock(), kPassword, {});
  ASSERT_TRUE(column.ok());
  EXPECT_EQ(column->field, "shop.connection.password");
  EXPECT_EQ(column->place, (ColumnPlace{{"", "connection"}, "password"}));
  ASSERT_EQ(column->row.size(), 2U);
  EXPECT_EQ(column->row[0].column, "");
  EXPECT_EQ(column->row[1].type, ValueType::kInt64);
  ASSERT_EQ(column->context.size(), 2U);
  EXPECT_EQ(column->context[1].name, "url");
  EXPECT_EQ(column->context[1].value.column, "url");
}

TEST(MapFieldTest, NamesMayBeOthers) {
  ColumnNames names;
  names.place = ColumnPlace{{"app", "conn"}, "password_enc"};
  names.row = {"id", "part"};
  names.context = {{"url", "base_url"}};
  const auto column = MapField(Lock(), kPassword, names);
  ASSERT_TRUE(column.ok());
  EXPECT_EQ(column->place.ToText(), "app.conn.password_enc");
  EXPECT_EQ(column->row[1].column, "part");
  EXPECT_EQ(column->context[0].value.column, "login");
  EXPECT_EQ(column->context[1].value.column, "base_url");
}

TEST(MapFieldTest, AFieldThatBindsNothingNeedsNothing) {
  const auto column = MapField(Lock(), {"shop", "connection", "unbound"}, {});
  ASSERT_TRUE(column.ok());
  EXPECT_TRUE(column->row.empty());
  EXPECT_TRUE(column->context.empty());
}

TEST(MapFieldTest, WhatTheCatalogDoesNotHaveIsRefused) {
  EXPECT_EQ(MapField(Lock(), {"shop", "connection", "other"}, {}).error().code(), ErrorCode::kNotFound);
  ColumnNames short_row;
  short_row.row = {"id"};
  ColumnNames unbound;
  unbound.context = {{"port", "port"}};
  for (const ColumnNames& names : {short_row, unbound}) {
    const auto column = MapField(Lock(), kPassword, names);
    ASSERT_FALSE(column.ok());
    EXPECT_EQ(column.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(MapFieldTest, TheCiphertextsColumnIsNothingElse) {
  ColumnNames row;
  row.row = {"id", "password"};
  ColumnNames context;
  context.context = {{"url", "password"}};
  ColumnNames tenant;
  tenant.tenant_column = "password";
  for (const ColumnNames& names : {row, context, tenant}) {
    const auto column = MapField(Lock(), kPassword, names);
    ASSERT_FALSE(column.ok());
    EXPECT_EQ(column.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace coffer::db
