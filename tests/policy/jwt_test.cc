// Tokens whose form, header or signature is not as it must be.
#include "policy/jwt.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "crypto/hash.h"
#include "tests/policy/jwt_fixture.h"

namespace coffer::policy::tokens {
namespace {

constexpr std::string_view kNoSignature = "the token's signature is not of its key";
constexpr std::string_view kParts = "the token is not three parts with dots between them";

TEST(JwtTest, ATokenOfEachKeyIsTaken) {
  const Issuer& issuer = TheIssuer();
  const std::pair<const char*, const JwsSigner*> signers[] = {
      {"rsa", &issuer.rsa}, {"ec", &issuer.ec}, {"ed", &issuer.ed}};
  for (const auto& [key_id, signer] : signers) {
    const Members header = {
        {"alg", "\"" + signer->algorithm() + "\""}, {"kid", "\"" + std::string(key_id) + "\""}, {"typ", "\"JWT\""}};
    const Result<JwtClaims> claims = Verify(signer->Token(Json(header), Json(GoodClaims())));
    ASSERT_TRUE(claims.ok()) << key_id << claims.error().ToString();
    EXPECT_EQ(*claims, (JwtClaims{"grafana", key_id, 1'699'999'900, 1'700'000'500, std::nullopt}));
  }
}

TEST(JwtTest, OtherMembersAreAllowed) {
  EXPECT_TRUE(Verify(TokenWithHeader(With(GoodHeader(), "x5t", "\"abc\""))).ok());
  EXPECT_TRUE(Verify(TokenWithClaims(With(GoodClaims(), "jti", "\"abc\""))).ok());
  EXPECT_TRUE(Verify(TokenWithClaims(With(GoodClaims(), "realm", R"({"roles":["crit","b64"]})"))).ok());
  for (const char* const type : {"JWT", "jwt", "Jwt", "at+jwt", "AT+JWT"}) {
    EXPECT_TRUE(Verify(TokenWithHeader(With(GoodHeader(), "typ", "\"" + std::string(type) + "\""))).ok()) << type;
  }
}

TEST(JwtTest, HeadersThatChooseHowToVerifyAreRefused) {
  constexpr std::string_view kAlg = "the token's alg is none of ES256, RS256 and EdDSA";
  constexpr std::string_view kOtherAlg = "the token's alg is not the one of its key";
  constexpr std::string_view kKid = "the token has no kid that is a text";
  constexpr std::string_view kUnknownKid = "the token's kid names no key of the key set";
  constexpr std::string_view kType = "the token's typ is neither JWT nor at+jwt";
  constexpr std::string_view kChoice =
      "the token's header has one of crit, jku, jwk, x5u, x5c, zip and b64, which are refused";
  const struct {
    const char* member;
    const char* value;
    std::string_view sentence;
  } cases[] = {
      {"alg", "\"none\"", kAlg},
      {"alg", "\"None\"", kAlg},
      {"alg", "\"\"", kAlg},
      {"alg", "\"HS256\"", kAlg},
      {"alg", "\"eddsa\"", kAlg},
      {"alg", "\"PS256\"", kAlg},
      {"alg", "null", kAlg},
      {"alg", "[\"EdDSA\"]", kAlg},
      {"alg", "\"EdDSA\\u0000\"", kAlg},
      {"alg", "\"ES256\"", kOtherAlg},
      {"alg", "\"RS256\"", kOtherAlg},
      {"kid", "1", kKid},
      {"kid", "null", kKid},
      {"kid", "\"\"", kUnknownKid},
      {"kid", "\"Ed\"", kUnknownKid},
      {"kid", "\"ed\\u0000\"", kUnknownKid},
      {"kid", "\"ec\"", kOtherAlg},
      {"kid", "\"rsa\"", kOtherAlg},
      {"typ", "\"JWE\"", kType},
      {"typ", "\"\"", kType},
      {"typ", "\"JWT \"", kType},
      {"typ", "\"application/jwt\"", kType},
      {"typ", "null", kType},
      {"typ", "1", kType},
      {"crit", "[]", kChoice},
      {"crit", "[\"exp\"]", kChoice},
      {"jku", "\"https://evil\"", kChoice},
      {"jwk", "{}", kChoice},
      {"x5u", "\"https://evil\"", kChoice},
      {"x5c", "[\"AAAA\"]", kChoice},
      {"zip", "\"DEF\"", kChoice},
      {"b64", "false", kChoice},
      {"b64", "true", kChoice},
      {"crit", "null", kChoice},
  };
  for (const auto& c : cases) {
    ExpectRefused(Verify(TokenWithHeader(With(GoodHeader(), c.member, c.value))), c.sentence, c.value);
  }
  ExpectRefused(Verify(TokenWithHeader(Without(GoodHeader(), "alg"))), kAlg);
  ExpectRefused(Verify(TokenWithHeader(Without(GoodHeader(), "kid"))), kKid);
}

// The confusion that libraries are known for: the public key's bytes as the secret of an HMAC.
TEST(JwtTest, HmacUnderThePublicKeyIsRefusedUnderEachName) {
  const Issuer& issuer = TheIssuer();
  std::vector<Bytes> secrets = {{}, issuer.rsa.n(), issuer.ed.x(), issuer.ec.x(), CopyOf(AsBytes("rsa"))};
  for (const JwsSigner* const signer : {&issuer.rsa, &issuer.ec}) {
    const internal::Owned<BIO, BIO_free_all> pem(BIO_new(BIO_s_mem()));
    ASSERT_EQ(PEM_write_bio_PUBKEY(pem.get(), signer->evp_key()), 1);
    Bytes text(4096);
    const int size = BIO_read(pem.get(), text.data(), 4096);
    ASSERT_GT(size, 100);
    text.resize(static_cast<std::size_t>(size));
    secrets.push_back(text);
    text.pop_back();  // without its newline
    secrets.push_back(text);
  }
  for (const Bytes& secret : secrets) {
    for (const char* const algorithm : {"HS256", "RS256", "ES256", "EdDSA", "none"}) {
      for (const char* const key_id : {"rsa", "ec", "ed"}) {
        const Members header = {{"alg", "\"" + std::string(algorithm) + "\""},
                                {"kid", "\"" + std::string(key_id) + "\""}};
        const std::string text = ToBase64Url(AsBytes(Json(header))) + "." + ToBase64Url(AsBytes(Json(GoodClaims())));
        const Digest mac = HmacSha256(secret, {AsBytes(text)});
        const Result<JwtClaims> claims = Verify(text + "." + ToBase64Url(mac));
        ASSERT_FALSE(claims.ok()) << algorithm << " " << key_id;
        EXPECT_EQ(claims.error().code(), ErrorCode::kUnauthenticated);
      }
    }
  }
}

TEST(JwtTest, SignaturesOfOthersAreRefused) {
  const Issuer& issuer = TheIssuer();
  const std::string ec_header = R"({"alg":"ES256","kid":"ec"})";
  const std::string rsa_header = R"({"alg":"RS256","kid":"rsa"})";
  const std::string claims = Json(GoodClaims());
  ExpectRefused(Verify(JwsSigner::Ed25519().Token(Json(GoodHeader()), claims)), kNoSignature, "another key");
  ExpectRefused(Verify(JwsSigner::P256().Token(ec_header, claims)), kNoSignature, "another key");
  ExpectRefused(Verify(JwsSigner::Rsa().Token(rsa_header, claims)), kNoSignature, "another key");
  ExpectRefused(Verify(issuer.ed.Token(ec_header, claims)), kNoSignature, "by the key of another kid");
  ExpectRefused(Verify(issuer.ec.Token(Json(GoodHeader()), claims)), kNoSignature, "by the key of another kid");

  const std::string text = ToBase64Url(AsBytes(ec_header)) + "." + ToBase64Url(AsBytes(claims));
  EXPECT_TRUE(Verify(text + "." + ToBase64Url(issuer.ec.Sign(text))).ok());
  ExpectRefused(Verify(text + "." + ToBase64Url(issuer.ec.SignPlainly(text))), kNoSignature, "DER");
  ExpectRefused(Verify(text + "." + ToBase64Url(Bytes(64))), kNoSignature, "r and s are zero");
  ExpectRefused(Verify(text + "." + ToBase64Url(Bytes(64, std::byte{0xff}))), kNoSignature, "not below the order");
  ExpectRefused(Verify(text + "." + ToBase64Url(Bytes(1))), kNoSignature, "a byte");
  Bytes cut = issuer.ec.Sign(text);
  cut.pop_back();
  ExpectRefused(Verify(text + "." + ToBase64Url(cut)), kNoSignature, "a byte less");
}

TEST(JwtTest, PartsOfTwoTokensDoNotMix) {
  const std::string one = GoodToken();
  const std::string two = TokenWithClaims(With(GoodClaims(), "sub", "\"admin\""));
  const std::string claims_of_two = two.substr(0, two.rfind('.'));
  ExpectRefused(Verify(claims_of_two + one.substr(one.rfind('.'))), kNoSignature);
  const std::string other_header = ToBase64Url(AsBytes(R"({"kid":"ed","alg":"EdDSA"})"));
  ExpectRefused(Verify(other_header + one.substr(one.find('.'))), kNoSignature);
}

TEST(JwtTest, WhatIsNotThreePartsIsRefused) {
  const std::string good = GoodToken();
  const std::string text = good.substr(0, good.rfind('.'));
  const std::string claims_on = good.substr(good.find('.'));
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("a"), std::string("a.b"),
        text, text + ".", claims_on, good + ".", "." + good, good + ".AAAA", good + "..",
        good.substr(0, good.find('.')) + "." + good.substr(good.rfind('.')),
        text + ".." + good.substr(good.rfind('.') + 1), good + "." + good}) {
    ExpectRefused(Verify(token), kParts, token);
  }
}

TEST(JwtTest, OtherSpellingsOfBase64UrlAreRefused) {
  const std::string good = GoodToken();
  const std::size_t first = good.find('.');
  const std::size_t last = good.rfind('.');
  constexpr std::string_view kHeader = "header: is not base64url without padding";
  constexpr std::string_view kSignature = "signature: is not base64url without padding";
  ExpectRefused(Verify(std::string(good).insert(first, "=")), kHeader);
  ExpectRefused(Verify(std::string(good).insert(3, "\n")), kHeader);
  ExpectRefused(Verify(" " + good), kHeader);
  ExpectRefused(Verify("Bearer " + good), kHeader);
  ExpectRefused(Verify(good + "="), kSignature);
  ExpectRefused(Verify(good + "=="), kSignature);
  ExpectRefused(Verify(good + "\n"), kSignature);
  ExpectRefused(Verify(good + std::string(1, '\0')), kSignature);
  ExpectRefused(Verify(std::string(good).replace(last + 1, 1, "+")), kSignature);
  ExpectRefused(Verify(std::string(good).replace(last + 1, 1, "/")), kSignature);
  ExpectRefused(Verify(good.substr(0, last + 2)), kSignature, "an impossible length");
  // 64 bytes leave four bits over in the last character, which are zero.
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t digit = kDigits.find(good.back());
  ASSERT_EQ(digit % 16, 0U);
  ExpectRefused(Verify(good.substr(0, good.size() - 1) + kDigits[digit + 1]), kSignature, "bits over");
  // The claims are read behind the signature, so the issuer itself has to have signed them so.
  const std::string padded =
      ToBase64Url(AsBytes(Json(GoodHeader()))) + "." + good.substr(first + 1, last - first - 1) + "=";
  ExpectRefused(Verify(padded + "." + ToBase64Url(TheIssuer().ed.Sign(padded))),
                "claims: is not base64url without padding");
}

TEST(JwtTest, LongTokensAreRefusedUnread) {
  const auto padded = [](std::size_t size) {
    return TokenWithClaims(With(GoodClaims(), "pad", "\"" + std::string(size, 'a') + "\""));
  };
  // Four characters a step of three bytes, until the next step would pass the limit.
  std::size_t size = 5900;
  while (padded(size + 1).size() <= kMaxJwtBytes) ++size;
  EXPECT_TRUE(Verify(padded(size)).ok());
  EXPECT_GE(padded(size).size(), kMaxJwtBytes - 2);
  ExpectRefused(Verify(padded(size + 1)), "the token is longer than allowed, in bytes (limit 8192)");
  ExpectRefused(Verify(std::string(1'000'000, '.')), "the token is longer than allowed, in bytes (limit 8192)");
}

TEST(JwtTest, PartsThatAreNoStrictJsonObjectsAreRefused) {
  const std::string header = Json(GoodHeader());
  const std::string claims = Json(GoodClaims());
  const std::string deep = "\"a\":" + std::string(8, '[') + std::string(8, ']') + ",";
  const auto edits = [&deep](const std::string& good) {
    return std::vector<std::pair<std::string, std::string_view>>{
        {"null", "is not a JSON object"},
        {"[" + good + "]", "is not a JSON object"},
        {"\"a\"", "is not a JSON object"},
        {good.substr(1), "is not a JSON object"},
        {good + "}", "is not a JSON object"},
        {good + good, "is not a JSON object"},
        {good + std::string(1, '\0'), "is not a JSON object"},
        {std::string("\0", 1) + good, "is not a JSON object"},
        {"\xEF\xBB\xBF" + good, "is not a JSON object"},
        {good.substr(0, good.size() - 1) + ",\"a\":\"\xc3\"}", "is not a JSON object"},
        {"{\"a\":'b'," + good.substr(1), "is not a JSON object"},
        {"{\"a\":1,\"a\":1," + good.substr(1), "gives a key twice"},
        {"{\"o\":[{\"a\":1,\"\\u0061\":1}]," + good.substr(1), "gives a key twice"},
        {"{" + deep + good.substr(1), "is nested more deeply than allowed (limit 8)"},
    };
  };
  for (const auto& [text, sentence] : edits(header)) {
    ExpectRefused(Verify(TokenOf(text, claims)), "header: " + std::string(sentence), text);
  }
  for (const auto& [text, sentence] : edits(claims)) {
    ExpectRefused(Verify(TokenOf(header, text)), "claims: " + std::string(sentence), text);
  }
}

TEST(JwtTest, DuplicateMembersThatMatterAreRefused) {
  const std::string header = Json(GoodHeader());
  const std::string claims = Json(GoodClaims());
  for (const char* const member : {R"("alg":"none")", R"("alg":"EdDSA")", R"("kid":"ec")"}) {
    ExpectRefused(Verify(TokenOf("{" + std::string(member) + "," + header.substr(1), claims)),
                  "header: gives a key twice");
  }
  for (const char* const member :
       {R"("sub":"admin")", R"("aud":"coffer")", R"("exp":1)", R"("iss":"evil")", R"("iat":5)"}) {
    ExpectRefused(Verify(TokenOf(header, "{" + std::string(member) + "," + claims.substr(1))),
                  "claims: gives a key twice");
  }
}

TEST(JwtTest, ClaimedNamesAreReadOfWhateverHasTheForm) {
  const JwtNames names = {"https://issuer.example", "grafana"};
  EXPECT_EQ(ClaimedNames(GoodToken()).value(), names);
  const std::string unsigned_token =
      ToBase64Url(AsBytes(R"({"alg":"none"})")) + "." + ToBase64Url(AsBytes(Json(GoodClaims()))) + ".AAAA";
  EXPECT_EQ(ClaimedNames(unsigned_token).value(), names) << "nothing of it is verified";
  for (const std::string& token :
       {std::string(), std::string("a.b"), std::string("a.b.c"), std::string(kMaxJwtBytes + 1, 'a'),
        TokenWithClaims(Without(GoodClaims(), "iss")), TokenWithClaims(With(GoodClaims(), "sub", "1")),
        TokenWithClaims(With(GoodClaims(), "iss", "[\"https://issuer.example\"]"))}) {
    const Result<JwtNames> refused = ClaimedNames(token);
    ASSERT_FALSE(refused.ok()) << token;
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnauthenticated);
  }
}

TEST(JwtTest, NoErrorHoldsAnythingOfTheToken) {
  const char* const canary = "\"canary7f3a\"";
  for (const char* const name : {"iss", "aud", "sub", "iat", "exp", "nbf", "kubernetes.io"}) {
    const Result<JwtClaims> claims = Verify(TokenWithClaims(With(GoodClaims(), name, canary)));
    ASSERT_FALSE(claims.ok()) << name;
    EXPECT_EQ(claims.error().ToString().find("canary"), std::string::npos) << claims.error().ToString();
  }
  for (const char* const name : {"alg", "kid", "typ", "jku"}) {
    const Result<JwtClaims> claims = Verify(TokenWithHeader(With(GoodHeader(), name, canary)));
    ASSERT_FALSE(claims.ok()) << name;
    EXPECT_EQ(claims.error().ToString().find("canary"), std::string::npos) << claims.error().ToString();
  }
}

TEST(JwtTest, RulesOutsideTheirLimitsTakeNoToken) {
  const std::pair<const char*, void (*)(JwtRules&)> cases[] = {
      {"issuer", [](JwtRules& rules) { rules.issuer.clear(); }},
      {"issuer", [](JwtRules& rules) { rules.issuer.assign(1025, 'a'); }},
      {"audience", [](JwtRules& rules) { rules.audience.clear(); }},
      {"audience", [](JwtRules& rules) { rules.audience.assign(1025, 'a'); }},
      {"subject", [](JwtRules& rules) { rules.subject.clear(); }},
      {"subject", [](JwtRules& rules) { rules.subject.assign(257, 'a'); }},
      {"subject", [](JwtRules& rules) { rules.subject = "a b"; }},
      {"max_life_s", [](JwtRules& rules) { rules.max_life_s = 0; }},
      {"max_life_s", [](JwtRules& rules) { rules.max_life_s = -600; }},
      {"max_life_s", [](JwtRules& rules) { rules.max_life_s = 3601; }},
      {"kubernetes_namespace", [](JwtRules& rules) { rules.kubernetes_namespace = ""; }},
      {"service_account", [](JwtRules& rules) { rules.service_account = ""; }},
      {"service_account", [](JwtRules& rules) { rules.service_account = std::string(257, 'a'); }},
  };
  EXPECT_TRUE(SomeRules().Validate().ok());
  EXPECT_TRUE(PodRules().Validate().ok());
  for (const auto& [path, edit] : cases) {
    JwtRules rules = PodRules();
    edit(rules);
    const Status valid = rules.Validate();
    ASSERT_FALSE(valid.ok()) << path;
    EXPECT_EQ(valid.error().path(), path);
    const Result<JwtClaims> claims = Verify(GoodToken(), rules);
    ASSERT_FALSE(claims.ok()) << path;
    EXPECT_EQ(claims.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace coffer::policy::tokens
