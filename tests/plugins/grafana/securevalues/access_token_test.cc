// Access tokens: what Grafana's client reads of them, and what passes as one.
#include "plugins/grafana/securevalues/access_token.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "plugins/grafana/securevalues/secure_value.h"
#include "tests/plugins/grafana/memory_vault.h"

namespace coffer::grafana {
namespace {

using nlohmann::json;

constexpr std::int64_t kNow = 1'900'000'000;

Es256PrivateKey KeyOf(std::uint8_t seed) {
  return Es256PrivateKey::FromScalar(SecretBytes::CopyOf(Bytes(32, std::byte{seed}))).value();
}

class AccessTokenTest : public ::testing::Test {
 protected:
  std::string Issue() const { return tokens.Issue(claims, kNow); }
  std::vector<std::string> PartsOf(const std::string& token) const {
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    return {token.substr(0, first), token.substr(first + 1, last - first - 1), token.substr(last + 1)};
  }
  json Decoded(const std::string& part) const { return json::parse(AsText(FromBase64Url(part).value())); }
  // The token that says `changed` instead, with a signature of the same key.
  std::string Forged(const json& changed, std::uint8_t seed = 7) const {
    const std::string text = PartsOf(Issue())[0] + "." + ToBase64Url(AsBytes(changed.dump()));
    return text + "." + ToBase64Url(KeyOf(seed).Sign(AsBytes(text)));
  }
  json Claims() const { return Decoded(PartsOf(Issue())[1]); }

  void ExpectRefused(const std::string& token, const std::string& sentence) const {
    const auto read = tokens.Verify(token, kNow);
    ASSERT_FALSE(read.ok()) << token;
    EXPECT_EQ(read.error().code(), ErrorCode::kUnauthenticated);
    EXPECT_NE(read.error().ToString().find(sentence), std::string::npos) << read.error().ToString();
  }

  const AccessTokens tokens{KeyOf(7)};
  const AccessClaims claims{.identity = "grafana", .namespace_name = "org-2", .expires_at_s = kNow + 600};
};

TEST_F(AccessTokenTest, ItIsWhatGrafanasClientKeeps) {
  const auto parts = PartsOf(Issue());
  const json header = Decoded(parts[0]);
  EXPECT_EQ(header["alg"], "ES256");  // of another algorithm it keeps none, and asks before each call
  EXPECT_EQ(header["typ"], "at+jwt");
  EXPECT_TRUE(header["kid"].is_string());
  const json body = Decoded(parts[1]);
  EXPECT_EQ(body["exp"], kNow + 600);
  EXPECT_EQ(body["iat"], kNow);
  EXPECT_EQ(body["aud"], json::array({"secret.grafana.app"}));
  EXPECT_EQ(body["namespace"], "org-2");
  EXPECT_EQ(body["serviceIdentity"], "grafana");
  EXPECT_EQ(body["sub"], "access-policy:grafana");
  EXPECT_EQ(FromBase64Url(parts[2])->size(), 64U);
}

TEST_F(AccessTokenTest, ItIsGoodUntilItsEnd) {
  const std::string token = Issue();
  const auto read = tokens.Verify(token, kNow + 599);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->identity, "grafana");
  EXPECT_EQ(read->namespace_name, "org-2");
  EXPECT_EQ(read->expires_at_s, kNow + 600);
  ASSERT_FALSE(tokens.Verify(token, kNow + 600).ok());
  EXPECT_EQ(tokens.Verify(token, kNow + 600).error().message(), "the access token has expired");
}

TEST_F(AccessTokenTest, ANamespaceIsCoveredByItselfOrByAll) {
  EXPECT_TRUE(claims.Covers("org-2"));
  EXPECT_FALSE(claims.Covers("org-3"));
  EXPECT_FALSE(claims.Covers("default"));
  const AccessClaims all{.identity = "grafana", .namespace_name = "*", .expires_at_s = 1};
  EXPECT_TRUE(all.Covers("org-3"));
}

TEST_F(AccessTokenTest, AnotherAudienceIsRefused) {
  for (const json& audience : {json("secret.grafana.app"), json::array({"resourceStore"}), json::array(),
                               json::array({"secret.grafana.app.example.com"}), json(nullptr), json(7)}) {
    json body = Claims();
    body["aud"] = audience;
    ExpectRefused(Forged(body), "is not for secret.grafana.app");
  }
  json body = Claims();
  body["aud"] = json::array({"resourceStore", "secret.grafana.app"});
  EXPECT_TRUE(tokens.Verify(Forged(body), kNow).ok());
}

TEST_F(AccessTokenTest, AnotherIssuerIsRefused) {
  json body = Claims();
  body["iss"] = "somebody";
  ExpectRefused(Forged(body), "is not for secret.grafana.app");
}

TEST_F(AccessTokenTest, AMissingClaimIsRefused) {
  for (const char* const name : {"exp", "namespace", "serviceIdentity"}) {
    json body = Claims();
    body.erase(name);
    ExpectRefused(Forged(body), "lacks a claim");
    body[name] = json::array();
    ExpectRefused(Forged(body), "lacks a claim");
  }
  json body = Claims();
  body["exp"] = 1e99;
  ExpectRefused(Forged(body), "lacks a claim");
  ExpectRefused(Forged(json::array({1})), "is not for");
}

TEST_F(AccessTokenTest, AnotherKeysSignatureIsRefused) {
  ExpectRefused(Forged(Claims(), 8), "signature");
  EXPECT_FALSE(AccessTokens(KeyOf(8)).Verify(Issue(), kNow).ok());
}

TEST_F(AccessTokenTest, OnlyOurOwnHeaderIsTaken) {
  const auto parts = PartsOf(Issue());
  for (const std::string_view header :
       {R"({"alg":"none","typ":"at+jwt"})", R"({"alg":"HS256","typ":"at+jwt"})", R"({})", R"({"alg":"ES256"})"}) {
    const std::string text = ToBase64Url(AsBytes(header)) + "." + parts[1];
    ExpectRefused(text + "." + ToBase64Url(KeyOf(7).Sign(AsBytes(text))), "not one of this service's");
    ExpectRefused(text + ".", "not one of this service's");
  }
}

TEST_F(AccessTokenTest, NoChangedCharacterPasses) {
  const std::string token = Issue();
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (const char c : {'A', '.', '=', '\0'}) {
      if (token[at] == c) continue;
      std::string changed = token;
      changed[at] = c;
      EXPECT_FALSE(tokens.Verify(changed, kNow).ok()) << at;
    }
  }
}

TEST_F(AccessTokenTest, WhatIsNoTokenIsRefused) {
  const std::string token = Issue();
  const auto parts = PartsOf(token);
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("x"), parts[0], parts[0] + ".",
        parts[0] + "." + parts[1], parts[0] + "..", parts[0] + ".." + parts[2], token + ".", token + "." + parts[2],
        "." + token, " " + token, token + " ", token + "=", token.substr(0, token.size() - 1),
        std::string(kMaxAccessToken + 1, 'a'), std::string(kMaxAccessToken, '.')}) {
    const auto read = tokens.Verify(text, kNow);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::kUnauthenticated);
  }
}

const SecretPath kKeyPath = SecretPath::Parse("grafana/secure-values/access-token-key").value();

TEST(AccessTokenKeyTest, ItIsMadeOnceAndFoundAgain) {
  MemoryVault vault;
  const auto made = FetchAccessTokenKey(vault, kKeyPath);
  ASSERT_TRUE(made.ok());
  const auto found = FetchAccessTokenKey(vault, kKeyPath);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(made->point(), found->point());
  EXPECT_EQ(vault.puts, 1);
  EXPECT_EQ(vault.At(kKeyPath.text())->size(), 32U);
}

// A vault in which somebody else is faster.
class RacedVault final : public MemoryVault {
 public:
  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t expected) override {
    Set(path.text(), std::string(32, '\x05'));
    return MemoryVault::Put(path, value, expected);
  }
};

TEST(AccessTokenKeyTest, WhoeverWasFasterHasMadeIt) {
  RacedVault vault;
  const auto key = FetchAccessTokenKey(vault, kKeyPath);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->point(), KeyOf(5).point());
}

TEST(AccessTokenKeyTest, SomethingElseInItsPlaceIsRefused) {
  for (const std::string& value : {std::string(), std::string("short"), std::string(33, 'x'), std::string(32, '\0')}) {
    MemoryVault vault;
    vault.Set(kKeyPath.text(), value);
    const auto key = FetchAccessTokenKey(vault, kKeyPath);
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code(), ErrorCode::kIntegrity);
    EXPECT_EQ(key.error().path(), kKeyPath.text());
    EXPECT_EQ(vault.puts, 0);
  }
}

TEST(AccessTokenKeyTest, NoneIsMadeWhileTheVaultDoesNotAnswer) {
  MemoryVault vault;
  vault.failure = ErrorCode::kSealed;
  const auto key = FetchAccessTokenKey(vault, kKeyPath);
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().code(), ErrorCode::kSealed);
  EXPECT_EQ(vault.puts, 0);
  vault.failure.reset();
  vault.failing_put = 1;
  ASSERT_FALSE(FetchAccessTokenKey(vault, kKeyPath).ok());
  EXPECT_EQ(vault.size(), 0U);
}

}  // namespace
}  // namespace coffer::grafana
