// The token exchange, request by request.
#include "plugins/grafana/securevalues/token_exchange.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "crypto/hash.h"
#include "io/file.h"
#include "plugins/grafana/securevalues/exchange_clients.h"
#include "plugins/grafana/securevalues/secure_value.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {
namespace {

using nlohmann::json;

constexpr char kBody[] = R"({"namespace":"default","audiences":["secret.grafana.app"]})";

class TokenExchangeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("grafana " + HashOf(bearer) + " default,org-2\nall " + HashOf(bearer_of_all) + " *\n");
    auto made = Make({.clients_file = file()});
    ASSERT_TRUE(made.ok()) << made.error().ToString();
    exchange.emplace(std::move(made).value());
  }

  Result<TokenExchange> Make(ExchangeOptions options) {
    return TokenExchange::Create(std::move(options), tokens, clock,
                                 [this](const std::string& line) { log += line + "\n"; });
  }
  static std::string HashOf(const std::string& token) { return ToHex(Sha256({AsBytes(token)})); }
  std::string file() const { return folder / "clients"; }
  void Write(const std::string& text) { ASSERT_TRUE(WriteFileDurably(file(), AsBytes(text), 0600).ok()); }

  HttpRequest RequestOf(const std::string& body) const {
    return {.method = "POST",
            .target = std::string(kTokenExchangePath),
            .body = body,
            .headers = {{"authorization", "Bearer " + bearer}, {"content-type", "application/json"}}};
  }
  HttpReply Post(const std::string& body) const { return exchange->Answer(RequestOf(body)); }

  std::int64_t now() const { return clock.UnixMicros() / kMicrosPerSecond; }
  // What the token of a reply is good for.
  AccessClaims ClaimsOf(const HttpReply& reply) const {
    EXPECT_EQ(reply.status, 200) << reply.body;
    const json body = json::parse(reply.body);
    EXPECT_EQ(body["status"], "success");
    const auto claims = tokens.Verify(body["data"]["token"].get<std::string>(), now());
    EXPECT_TRUE(claims.ok());
    return claims.ok() ? *claims : AccessClaims();
  }

  void ExpectRefused(const HttpReply& reply, int status, const std::string& sentence) const {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.content_type, "application/json");
    const json body = json::parse(reply.body);
    EXPECT_EQ(body["status"], "error");
    EXPECT_FALSE(body.contains("data"));
    EXPECT_NE(body["error"].get<std::string>().find(sentence), std::string::npos) << reply.body;
  }

  const std::string bearer = std::string(43, 'b');
  const std::string bearer_of_all = std::string(43, 'a');
  TempDir folder;
  FakeClock clock;
  AccessTokens tokens{Es256PrivateKey::Generate()};
  std::string log;
  std::optional<TokenExchange> exchange;
};

TEST_F(TokenExchangeTest, AListThatEverybodyMayWriteLetsNobodyIn) {
  std::filesystem::permissions(file(), std::filesystem::perms::others_write, std::filesystem::perm_options::add);
  ExpectRefused(Post(kBody), 503, "the list of clients cannot be read");
  const auto made = Make({.clients_file = file()});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_NE(made.error().ToString().find("chmod o-w"), std::string::npos);
}

TEST_F(TokenExchangeTest, ATokenIsOfWhoAsksAndOfWhatIsAskedFor) {
  const AccessClaims claims = ClaimsOf(Post(R"({"namespace":"org-2","audiences":["secret.grafana.app"]})"));
  EXPECT_EQ(claims.identity, "grafana");
  EXPECT_EQ(claims.namespace_name, "org-2");
  EXPECT_EQ(claims.expires_at_s, now() + 600);
}

TEST_F(TokenExchangeTest, WhatOtherServersAreAskedIsNotLookedAt) {
  EXPECT_EQ(ClaimsOf(Post(R"({"namespace":"default","audiences":["secret.grafana.app"],"subjectToken":"eyJ.x.y",)"
                          R"("orgId":1,"realms":[{"type":"system"}],"expiresIn":null})"))
                .identity,
            "grafana");
}

TEST_F(TokenExchangeTest, AShorterLifeIsGivenALongerIsNot) {
  const auto life = [this](const std::string& asked) {
    return ClaimsOf(Post(R"({"namespace":"default","audiences":["secret.grafana.app"],"expiresIn":)" + asked + "}"))
               .expires_at_s -
           now();
  };
  EXPECT_EQ(life("300"), 300);
  EXPECT_EQ(life("601"), 600);
  EXPECT_EQ(life("18446744073709551615"), 600);
  EXPECT_EQ(life("1"), kMinAccessTokenLife);  // else old clients would keep it for ever
}

TEST_F(TokenExchangeTest, AllNamespacesAreForThoseWhoMayHaveThem) {
  constexpr char kAll[] = R"({"namespace":"*","audiences":["secret.grafana.app"]})";
  ExpectRefused(Post(kAll), 403, "is not one of this client's");
  HttpRequest request = RequestOf(kAll);
  request.headers[0].second = "Bearer " + bearer_of_all;
  EXPECT_EQ(ClaimsOf(exchange->Answer(request)).namespace_name, "*");
}

TEST_F(TokenExchangeTest, AnotherNamespaceIsRefused) {
  ExpectRefused(Post(R"({"namespace":"org-3","audiences":["secret.grafana.app"]})"), 403, "namespace");
}

TEST_F(TokenExchangeTest, AnotherAudienceIsRefused) {
  for (const std::string_view audiences :
       {R"(["resourceStore"])", R"(["secret.grafana.app","resourceStore"])", R"(["Secret.grafana.app"])", R"([""])",
        R"(["secret.grafana.app","secret.grafana.app"])"}) {
    ExpectRefused(Post(R"({"namespace":"default","audiences":)" + std::string(audiences) + "}"), 403, "audiences");
  }
}

TEST_F(TokenExchangeTest, OnlyAKnownBearerTokenIsTaken) {
  for (const std::string& value :
       {std::string("Bearer"), std::string("Bearer "), "Bearer " + std::string(43, 'c'), "bearer " + bearer,
        "Basic " + bearer, bearer, "Bearer  " + bearer, "Bearer " + bearer + " ", "Bearer " + HashOf(bearer)}) {
    HttpRequest request = RequestOf(kBody);
    request.headers[0].second = value;
    ExpectRefused(exchange->Answer(request), 401, "nobody's");
  }
  HttpRequest without = RequestOf(kBody);
  without.headers.erase(without.headers.begin());
  ExpectRefused(exchange->Answer(without), 401, "nobody's");
  HttpRequest twice = RequestOf(kBody);
  twice.headers.push_back(twice.headers[0]);
  ExpectRefused(exchange->Answer(twice), 401, "nobody's");
}

TEST_F(TokenExchangeTest, BadBodiesAreRefusedWithoutBeingShown) {
  const std::string good_audience = R"("audiences":["secret.grafana.app"])";
  const std::string many = [] {
    std::string list = R"("secret.grafana.app")";
    for (int i = 0; i < 16; ++i) list += R"(,"x")";
    return list;
  }();
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "one JSON object"},
      {"HUNTER2", "one JSON object"},
      {"[]", "one JSON object"},
      {"\"HUNTER2\"", "one JSON object"},
      {std::string(kBody) + "HUNTER2", "one JSON object"},
      {std::string(kBody) + std::string("\0x", 2), "one JSON object"},
      {R"({"namespace":"default","namespace":"HUNTER2",)" + good_audience + "}", "given twice"},
      {R"({"x":{"a":1,"a":2},"namespace":"default",)" + good_audience + "}", "given twice"},
      {R"({"x":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}},"namespace":"default",)" + good_audience + "}",
       "one JSON object"},
      {"{" + good_audience + "}", "namespace"},
      {R"({"namespace":7,)" + good_audience + "}", "namespace"},
      {R"({"namespace":"","audiences":["secret.grafana.app"]})", "namespace"},
      {R"({"namespace":"HUNTER2",)" + good_audience + "}", "namespace"},
      {R"({"namespace":"org-1",)" + good_audience + "}", "namespace"},
      {R"({"namespace":"default"})", "audiences"},
      {R"({"namespace":"default","audiences":"secret.grafana.app"})", "audiences"},
      {R"({"namespace":"default","audiences":[]})", "audiences"},
      {R"({"namespace":"default","audiences":[7]})", "audiences"},
      {R"({"namespace":"default","audiences":[)" + many + "]}", "audiences"},
      {R"({"namespace":"default","expiresIn":0,)" + good_audience + "}", "expiresIn"},
      {R"({"namespace":"default","expiresIn":-5,)" + good_audience + "}", "expiresIn"},
      {R"({"namespace":"default","expiresIn":"60",)" + good_audience + "}", "expiresIn"},
      {R"({"namespace":"default","expiresIn":1.5,)" + good_audience + "}", "expiresIn"},
      {"{\"namespace\":\"\xff\"," + good_audience + "}", "one JSON object"},
  };
  for (const auto& [body, sentence] : bad) {
    SCOPED_TRACE(body);
    const HttpReply reply = Post(body);
    ExpectRefused(reply, 400, sentence);
    EXPECT_EQ(reply.body.find("HUNTER2"), std::string::npos);
  }
  EXPECT_EQ(log.find("HUNTER2"), std::string::npos);
}

TEST_F(TokenExchangeTest, OtherPlacesAndMethodsAreRefused) {
  for (const std::string_view target :
       {"/", "/v1/sign-access-token/", "/v1/sign-access-token?x=1", "/V1/sign-access-token"}) {
    HttpRequest request = RequestOf(kBody);
    request.target = target;
    ExpectRefused(exchange->Answer(request), 404, "nothing here");
  }
  HttpRequest request = RequestOf(kBody);
  request.method = "GET";
  ExpectRefused(exchange->Answer(request), 405, "post");
}

TEST_F(TokenExchangeTest, TheListIsReadAnewEachTime) {
  EXPECT_EQ(Post(kBody).status, 200);
  Write("# nobody any more\n");
  ExpectRefused(Post(kBody), 401, "nobody's");
  Write("grafana " + HashOf(bearer) + " default\n");
  EXPECT_EQ(Post(kBody).status, 200);
}

TEST_F(TokenExchangeTest, AListThatCannotBeReadIsAnOutage) {
  Write("grafana\n");
  ExpectRefused(Post(kBody), 503, "cannot be read");
  ASSERT_TRUE(RemoveFileDurably(file()).ok());
  ExpectRefused(Post(kBody), 503, "cannot be read");
}

TEST_F(TokenExchangeTest, ItDoesNotStartWithoutItsList) {
  EXPECT_EQ(Make({.clients_file = folder / "absent"}).error().code(), ErrorCode::kNotFound);
  Write("grafana x\n");
  EXPECT_EQ(Make({.clients_file = file()}).error().line(), 1U);
  Write("");
  for (const std::int64_t life : {std::int64_t{0}, kMinAccessTokenLife - 1, kMaxAccessTokenLife + 1}) {
    EXPECT_FALSE(Make({.clients_file = file(), .life_s = life}).ok());
  }
}

TEST_F(TokenExchangeTest, TheLogHasNamesAndNoTokens) {
  const std::string token = json::parse(Post(kBody).body)["data"]["token"];
  static_cast<void>(Post("{}"));
  HttpRequest request = RequestOf(kBody);
  request.headers[0].second = "Bearer " + std::string(43, 'c');
  static_cast<void>(exchange->Answer(request));
  EXPECT_EQ(log,
            "exchange grafana: ok\n"
            "exchange grafana: namespace: must be a text\n"
            "exchange nobody: this bearer token is nobody's\n");
  EXPECT_EQ(log.find(bearer), std::string::npos);
  EXPECT_EQ(log.find(token), std::string::npos);
}

}  // namespace
}  // namespace coffer::grafana
