#include "client/search.h"

#include <gtest/gtest.h>

#include "tests/client/fake_service.h"
#include "tests/support/temp_dir.h"

namespace coffer::client {
namespace {

class SearchTest : public ::testing::Test {
 protected:
  SearchTest()
      : server_(service_, "unix:" + (dir_ / "app.sock"), grpc::experimental::LocalServerCredentials(UDS)),
        client_(Connected()) {}

  std::unique_ptr<Client> Connected() {
    ClientOptions options;
    options.server = "unix:" + dir_.path();
    options.deadline = std::chrono::seconds(20);
    auto client = Client::Connect(options);
    COFFER_CHECK(client.ok());
    return std::move(client).value();
  }

  static v1::Search Exactly(const std::string& value) {
    v1::Search search;
    search.set_index("exact");
    search.set_equals(value);
    return search;
  }

  static v1::Column Found() {
    v1::Column column;
    column.set_field("shop.user.email");
    column.add_values("ciphertext");
    return column;
  }

  TempDir dir_;
  FakeService service_;
  FakeServer server_;
  std::unique_ptr<Client> client_;
};

TEST_F(SearchTest, TokensAreAskedForAgainWhileTheServiceIsUnavailable) {
  service_.failures = 2;
  v1::IndexTokensRequest request;
  *request.add_queries()->mutable_search() = Exactly("a");
  const auto answer = client_->IndexTokens(request);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->answers(0).versions(0).version(), 7U);
  EXPECT_EQ(service_.calls, 3);
}

TEST_F(SearchTest, AQuotaThatIsUsedUpIsNotAskedAgain) {
  service_.failures = 1;
  service_.word = "resource_exhausted";
  const auto answer = client_->IndexTokens({});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(SearchTest, WhatWasFoundIsDecryptedWithTheSearchAsItsMatch) {
  const auto answer = DecryptFound(*client_, Found(), Exactly("ada@example.org"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->columns(0).values(0), "ciphertext");
  ASSERT_EQ(service_.decrypted.columns_size(), 1);
  const v1::Column& sent = service_.decrypted.columns(0);
  EXPECT_EQ(sent.field(), "shop.user.email");
  EXPECT_EQ(sent.match().index(), "exact");
  EXPECT_EQ(sent.match().equals(), "ada@example.org");
}

TEST_F(SearchTest, AnotherMatchOfTheColumnIsReplaced) {
  v1::Column column = Found();
  *column.mutable_match() = Exactly("bo@example.org");
  ASSERT_TRUE(DecryptFound(*client_, column, Exactly("ada@example.org")).ok());
  EXPECT_EQ(service_.decrypted.columns(0).match().equals(), "ada@example.org");
}

TEST_F(SearchTest, ASearchForNothingIsNeverSent) {
  v1::Search no_term;
  no_term.set_index("exact");
  v1::Search no_index;
  no_index.set_equals("a");
  for (const v1::Search& search : {v1::Search(), no_term, no_index}) {
    const auto answer = DecryptFound(*client_, Found(), search);
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(answer.error().from_service);
  }
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(SearchTest, TheServicesRefusalComesBack) {
  service_.failures = 1;
  service_.word = "invalid_argument";
  const auto answer = DecryptFound(*client_, Found(), Exactly("a"));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(answer.error().from_service);
}

TEST(WipeSearch, LeavesNothingOfAnyKind) {
  const std::string term(100, 's');
  std::vector<v1::Search> searches(5);
  searches[0].set_equals(term);
  searches[1].set_begins_with(term);
  searches[2].mutable_contains()->set_text(term);
  searches[3].mutable_between()->set_low(term);
  searches[3].mutable_between()->set_high(term);
  searches[4].mutable_parts()->add_values(term);
  for (v1::Search& search : searches) {
    search.set_index("exact");
    WipeSearch(search);
    EXPECT_EQ(search.what_case(), v1::Search::WHAT_NOT_SET);
    EXPECT_EQ(search.index(), "exact");
  }
}

}  // namespace
}  // namespace coffer::client
