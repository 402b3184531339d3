#include "db/guess.h"

#include <gtest/gtest.h>

#include "tests/db/schemas.h"

namespace coffer::db {
namespace {

std::optional<Content> Guess(const std::string& column, const std::string& type = "text",
                             const std::string& table = "thing") {
  return GuessByName(TableOf(table, {ColumnOf(column, type)}), ColumnOf(column, type));
}

TEST(GuessByNameTest, NamesOfManyStylesAreKnown) {
  for (const char* name :
       {"email", "user_email", "userEmail", "EMAIL", "e_mail", "email2", "emails", "primary-email"}) {
    EXPECT_EQ(Guess(name), Content::kEmail) << name;
  }
  EXPECT_EQ(Guess("password"), Content::kPassword);
  EXPECT_EQ(Guess("db_password"), Content::kPassword);
  EXPECT_EQ(Guess("apiKey"), Content::kApiKey);
  EXPECT_EQ(Guess("refresh_token"), Content::kToken);
  EXPECT_EQ(Guess("clientSecret"), Content::kSecret);
  EXPECT_EQ(Guess("ssh_private_key"), Content::kPrivateKey);
  EXPECT_EQ(Guess("iban"), Content::kBankAccount);
  EXPECT_EQ(Guess("ssn"), Content::kNationalId);
  EXPECT_EQ(Guess("street_address"), Content::kAddress);
  EXPECT_EQ(Guess("date_of_birth", "date"), Content::kBirthDate);
  EXPECT_EQ(Guess("password_hash"), Content::kPasswordHash);
  EXPECT_EQ(Guess("client_ip", "inet"), Content::kNetworkAddress);
}

TEST(GuessByNameTest, WhatIsOnlyAboutItIsNot) {
  for (const char* name : {"email_verified_at", "token_id", "password_changed", "token_count", "phone_type", "mailbox",
                           "spin", "company", "japan", "panel", "secretary", "tokenizer", "address_id"}) {
    EXPECT_EQ(Guess(name), std::nullopt) << name;
  }
}

TEST(GuessByNameTest, TypesThatCannotHoldItAreLeftOut) {
  EXPECT_EQ(Guess("email", "int4"), std::nullopt);
  EXPECT_EQ(Guess("password", "bool"), std::nullopt);
  EXPECT_EQ(Guess("email", "ciphertext"), std::nullopt);
}

TEST(GuessByNameTest, TokensOfIndexesAreOurs) {
  const SchemaTable table = TableOf("user", {ColumnOf("email_token"), ColumnOf("email_token_iv", "int2")});
  EXPECT_EQ(GuessByName(table, table.columns[0]), std::nullopt);
  EXPECT_EQ(GuessByName(table, table.columns[1]), std::nullopt);
}

TEST(GuessByNameTest, HistoriesHoldRows) {
  EXPECT_EQ(Guess("old_row", "jsonb", "audit_log"), Content::kRowCopy);
  EXPECT_EQ(Guess("object", "text", "versions"), Content::kRowCopy);
  EXPECT_EQ(Guess("old_row", "jsonb", "orders"), std::nullopt);
  const Schema schema = SchemaOf({TableOf("catalog", {}), TableOf("user", {}), TableOf("user_history", {})});
  EXPECT_EQ(HistoryOf(schema, schema.tables[2]), &schema.tables[1]);
  EXPECT_EQ(HistoryOf(schema, schema.tables[0]), nullptr);
}

TEST(IsNeighbourTest, SaysWhereASecretGoes) {
  for (const char* name : {"url", "base_url", "host", "login", "userName", "port"})
    EXPECT_TRUE(IsNeighbour(name)) << name;
  for (const char* name : {"id", "created_at", "user_count", "hostess", "note"})
    EXPECT_FALSE(IsNeighbour(name)) << name;
}

std::optional<Content> FormOf(const std::vector<std::string>& values) {
  FormCounter counter;
  for (int i = 0; i < 5; ++i) {
    for (const std::string& value : values) counter.Add(AsBytes(value));
  }
  return counter.Guess();
}

TEST(FormCounterTest, KnowsFormsOfValues) {
  EXPECT_EQ(FormOf({"a@example.org"}), Content::kEmail);
  EXPECT_EQ(FormOf({"+49 30 1234567"}), Content::kPhone);
  EXPECT_EQ(FormOf({"GB82 WEST 1234 5698 7654 32"}), Content::kBankAccount);
  EXPECT_EQ(FormOf({"4111 1111 1111 1111"}), Content::kCard);
  EXPECT_EQ(FormOf({"-----BEGIN RSA PRIVATE KEY-----\n"}), Content::kPrivateKey);
  EXPECT_EQ(FormOf({"glpat-0123456789abcdef"}), Content::kToken);
  EXPECT_EQ(FormOf({"$2b$12$abcdefghijkl"}), Content::kPasswordHash);
}

TEST(FormCounterTest, OtherValuesAreNothing) {
  EXPECT_EQ(FormOf({"GB82 WEST 1234 5698 7654 33"}), std::nullopt);  // its sum is wrong
  EXPECT_EQ(FormOf({"4111 1111 1111 1112"}), std::nullopt);
  EXPECT_EQ(FormOf({"12345", "a sentence with @ in it", "", "a@b"}), std::nullopt);
  EXPECT_EQ(FormOf({"a@example.org", "x", "y"}), std::nullopt);  // a third of them only
  FormCounter few;
  for (int i = 0; i < 4; ++i) few.Add(AsBytes(std::string_view("a@example.org")));
  EXPECT_EQ(few.Guess(), std::nullopt);
}

}  // namespace
}  // namespace coffer::db
