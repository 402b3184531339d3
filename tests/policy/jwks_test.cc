// Key sets: what is taken, skipped and refused.
#include "policy/jwks.h"

#include <gtest/gtest.h>

#include "tests/support/jws_signer.h"

namespace coffer::policy {
namespace {

// Made once: RSA keys take a while.
const JwsSigner& RsaSigner() {
  static const JwsSigner signer = JwsSigner::Rsa();
  return signer;
}
const JwsSigner& EcSigner() {
  static const JwsSigner signer = JwsSigner::P256();
  return signer;
}
const JwsSigner& EdSigner() {
  static const JwsSigner signer = JwsSigner::Ed25519();
  return signer;
}

std::string Jwk(const JwsSigner& signer, const std::string& key_id, const std::string& more = "") {
  return "{" + signer.JwkMembers() + ",\"kid\":\"" + key_id + "\"" + more + "}";
}
std::string SetOf(const std::string& keys) { return "{\"keys\":[" + keys + "]}"; }
// A key with these members, behind one that is good.
std::string SetWith(const std::string& members) { return SetOf(Jwk(EdSigner(), "good") + ",{" + members + "}"); }

constexpr char kP384[] =
    R"("kty":"EC","crv":"P-384","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",)"
    R"("y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"p384")";

void ExpectRefused(const std::string& text, std::string_view sentence, std::string_view path) {
  const Result<Jwks> keys = Jwks::Parse(text);
  ASSERT_FALSE(keys.ok()) << sentence;
  EXPECT_EQ(keys.error().code(), ErrorCode::kInvalidArgument) << sentence;
  EXPECT_EQ(keys.error().message(), sentence);
  EXPECT_EQ(keys.error().path(), path) << sentence;
}

TEST(JwksTest, KeysOfTheThreeTypesAreFoundByKid) {
  const std::string list = Jwk(RsaSigner(), "r") + "," + Jwk(EcSigner(), "e", R"(,"use":"sig","alg":"ES256")") + "," +
                           Jwk(EdSigner(), "d", R"(,"key_ops":["verify"],"alg":"EdDSA","x5t":"ignored")");
  const Result<Jwks> keys = Jwks::Parse(" {\"other\":[{}],\n\"keys\":[" + list + "]}\r\n");
  ASSERT_TRUE(keys.ok()) << keys.error().ToString();
  EXPECT_EQ(keys->size(), 3U);
  EXPECT_EQ(keys->skipped(), 0U);
  const std::pair<const char*, const JwsSigner*> expected[] = {
      {"r", &RsaSigner()}, {"e", &EcSigner()}, {"d", &EdSigner()}};
  for (const auto& [key_id, signer] : expected) {
    const JwsPublicKey* const key = keys->Find(key_id);
    ASSERT_NE(key, nullptr) << key_id;
    EXPECT_EQ(JwsAlgorithmName(key->algorithm()), signer->algorithm());
    EXPECT_TRUE(key->Verify(AsBytes("m"), signer->Sign("m"))) << key_id;
  }
}

TEST(JwksTest, OtherKidsAreNotFound) {
  const Jwks keys = Jwks::Parse(SetOf(Jwk(EdSigner(), "good"))).value();
  for (const char* const key_id : {"", "goo", "good ", "Good", "good2"})
    EXPECT_EQ(keys.Find(key_id), nullptr) << key_id;
  EXPECT_EQ(keys.Find(std::string_view("good\0", 5)), nullptr);
}

// RFC 7517 A.1 has one EC key for encryption and one RSA key for RS256.
TEST(JwksTest, ExampleOfRfc7517) {
  const Result<Jwks> keys =
      Jwks::Parse(R"({"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                  R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},{"kty":"RSA",)"
                  R"("n":")"
                  "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
                  "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
                  "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
                  "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
                  R"(","e":"AQAB","alg":"RS256","kid":"2011-04-29"}]})");
  ASSERT_TRUE(keys.ok()) << keys.error().ToString();
  EXPECT_EQ(keys->size(), 1U);
  EXPECT_EQ(keys->skipped(), 1U);
  EXPECT_NE(keys->Find("2011-04-29"), nullptr);
  EXPECT_EQ(keys->Find("1"), nullptr);
}

TEST(JwksTest, KeysForSomethingElseAreSkippedAndCounted) {
  const std::string others[] = {
      Jwk(RsaSigner(), "a", R"(,"alg":"RS512")"),
      Jwk(RsaSigner(), "a", R"(,"alg":"PS256")"),
      Jwk(RsaSigner(), "a", R"(,"alg":"RSA-OAEP","use":"enc")"),
      Jwk(RsaSigner(), "a", R"(,"alg":"HS256")"),
      Jwk(RsaSigner(), "a", R"(,"alg":"none")"),
      Jwk(EcSigner(), "a", R"(,"alg":"ECDH-ES")"),
      Jwk(EdSigner(), "a", R"(,"use":"enc")"),
      Jwk(EdSigner(), "a", R"(,"use":"SIG")"),
      Jwk(EdSigner(), "a", R"(,"key_ops":[])"),
      Jwk(EdSigner(), "a", R"(,"key_ops":["sign","encrypt",1])"),
      std::string("{") + kP384 + "}",
      R"({"kty":"EC","crv":"secp256k1","kid":"a"})",
      R"({"kty":"OKP","crv":"X25519","kid":"a"})",
      R"({"kty":"OKP","crv":"Ed448","kid":"a"})",
      R"({"kty":"OKP","crv":"P-256","kid":"a"})",
      R"({"kty":"rsa","kid":"a"})",
      R"({"kty":"AKP","kid":"a"})",
  };
  for (const std::string& other : others) {
    const Result<Jwks> keys = Jwks::Parse(SetOf(other + "," + Jwk(EdSigner(), "good")));
    ASSERT_TRUE(keys.ok()) << other << keys.error().ToString();
    EXPECT_EQ(keys->size(), 1U) << other;
    EXPECT_EQ(keys->skipped(), 1U) << other;
    EXPECT_EQ(keys->Find("a"), nullptr) << other;
    ExpectRefused(SetOf(other), "the key set has no RSA, P-256 or Ed25519 key for RS256, ES256 or EdDSA signatures",
                  "");
  }
}

TEST(JwksTest, SymmetricKeysAreRefused) {
  constexpr std::string_view kSentence = "is a symmetric key, which would let every reader of the key set make tokens";
  ExpectRefused(SetWith(R"("kty":"oct","k":"c2VjcmV0","kid":"h","alg":"HS256")"), kSentence, "keys[1]");
  ExpectRefused(SetWith(R"("kty":"oct","kid":"h")"), kSentence, "keys[1]");
  ExpectRefused(SetWith(R"("kty":"oct")"), kSentence, "keys[1]");
}

TEST(JwksTest, PrivateKeysAreRefusedOfWhateverType) {
  for (const std::string member : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    const std::string more = ",\"" + member + "\":\"AQ\"";
    for (const std::string& key :
         {Jwk(RsaSigner(), "a", more), Jwk(EcSigner(), "a", more), Jwk(EdSigner(), "a", more + R"(,"use":"enc")"),
          std::string("{") + kP384 + more + "}", R"({"kty":"AKP")" + more + "}"}) {
      ExpectRefused(SetOf(key), "holds a private key, which would let every reader of the key set make tokens",
                    "keys[0]");
    }
  }
}

TEST(JwksTest, MalformedKeysAreRefusedWithTheirPlace) {
  const std::string ed = EdSigner().JwkMembers();
  const std::string kid = R"(,"kid":"a")";
  constexpr std::string_view kKid = "needs a kid of 1 to 256 visible ASCII characters";
  constexpr std::string_view kAlgType = "has an alg that belongs to another type of key";
  const std::pair<std::string, std::string_view> cases[] = {
      {R"("kid":"a")", "has no kty that is a text"},
      {R"("kty":7,"kid":"a")", "has no kty that is a text"},
      {ed, kKid},
      {ed + R"(,"kid":"")", kKid},
      {ed + R"(,"kid":1)", kKid},
      {ed + R"(,"kid":null)", kKid},
      {ed + R"(,"kid":"a b")", kKid},
      {ed + R"(,"kid":"a\n")", kKid},
      {ed + R"(,"kid":"\u00e4")", kKid},
      {ed + R"(,"kid":"a\u0000")", kKid},
      {ed + R"(,"kid":")" + std::string(257, 'a') + "\"", kKid},
      {R"("kty":"AKP")", kKid},
      {ed + R"(,"kid":"good")", "has the kid of a key before it"},
      {R"("kty":"AKP","kid":"good")", "has the kid of a key before it"},
      {ed + kid + R"(,"alg":"ES256")", kAlgType},
      {ed + kid + R"(,"alg":"RS256")", kAlgType},
      {RsaSigner().JwkMembers() + kid + R"(,"alg":"EdDSA")", kAlgType},
      {EcSigner().JwkMembers() + kid + R"(,"alg":"RS256")", kAlgType},
      {ed + kid + R"(,"alg":5)", "has an alg that is no text"},
      {ed + kid + R"(,"alg":null)", "has an alg that is no text"},
      {ed + kid + R"(,"use":["sig"])", "has a use that is no text"},
      {ed + kid + R"(,"key_ops":"verify")", "has key_ops that are no list"},
      {R"("kty":"EC","kid":"a")", "has no crv that is a text"},
      {R"("kty":"OKP","crv":1,"kid":"a")", "has no crv that is a text"},
  };
  for (const auto& [members, sentence] : cases) ExpectRefused(SetWith(members), sentence, "keys[1]");
  EXPECT_TRUE(Jwks::Parse(SetWith(ed + R"(,"kid":")" + std::string(256, '~') + "\"")).ok());
}

TEST(JwksTest, NumbersOfKeysMustBeCanonicalBase64Url) {
  constexpr std::string_view kSentence = "needs each number of its key as base64url without padding";
  const std::string x = ToBase64Url(EdSigner().x());
  const std::string head = R"("kid":"a","kty":"OKP","crv":"Ed25519")";
  const std::string ec_x = ToBase64Url(EcSigner().x());
  const std::pair<std::string, const char*> cases[] = {
      {head, "keys[1].x"},
      {head + R"(,"x":"")", "keys[1].x"},
      {head + R"(,"x":5)", "keys[1].x"},
      {head + R"(,"x":")" + x + "=\"", "keys[1].x"},
      {head + R"(,"x":")" + x + "\\n\"", "keys[1].x"},
      {head + R"(,"x":"+)" + x.substr(1) + "\"", "keys[1].x"},
      {head + R"(,"x":")" + x.substr(0, 42) + "B\"", "keys[1].x"},
      {head + R"(,"x":"A")", "keys[1].x"},
      {R"("kid":"a","kty":"EC","crv":"P-256","x":")" + ec_x + "\"", "keys[1].y"},
      {R"("kid":"a","kty":"RSA","e":"AQAB")", "keys[1].n"},
      {R"("kid":"a","kty":"RSA","n":"AQAB")", "keys[1].e"},
  };
  for (const auto& [members, path] : cases) ExpectRefused(SetWith(members), kSentence, path);
}

TEST(JwksTest, KeysThatAreNoneAreRefused) {
  const std::string weak = ToBase64Url(JwsSigner::Rsa(1024).n());
  ExpectRefused(SetWith(R"("kid":"a","kty":"RSA","e":"AQAB","n":")" + weak + "\""),
                "an RSA modulus has 2048 to 8192 bits", "keys[1]");
  ExpectRefused(SetWith(R"("kid":"a","kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA")"),
                "a P-256 key's x and y have 32 bytes each", "keys[1]");
  ExpectRefused(SetWith(R"("kid":"a","kty":"OKP","crv":"Ed25519","x":"AAAA")"), "an Ed25519 public key is 32 bytes",
                "keys[1]");
}

TEST(JwksTest, WhatIsNoKeySetIsRefused) {
  const std::string good = SetOf(Jwk(EdSigner(), "good"));
  constexpr std::string_view kNoObject = "is not a JSON object";
  constexpr std::string_view kNoList = "the key set has no list of keys";
  constexpr std::string_view kTwice = "gives a key twice";
  const std::string deep = std::string(8, '[') + std::string(8, ']');
  const std::pair<std::string, std::string_view> cases[] = {
      {"", kNoObject},
      {"[]", kNoObject},
      {"null", kNoObject},
      {"\"keys\"", kNoObject},
      {"{\"keys\":[}", kNoObject},
      {good + ",", kNoObject},
      {good + good, kNoObject},
      {good + std::string(1, '\0'), kNoObject},
      {good + std::string("\0 and more", 10), kNoObject},
      {"\xEF\xBB\xBF" + good, kNoObject},
      {"// a comment\n" + good, kNoObject},
      {"{\"keys\":[],\"a\":\"\xff\"}", kNoObject},
      {"{\"a\":\"\\ud800\"," + good.substr(1), kNoObject},
      {"{\"a\":1e999," + good.substr(1), kNoObject},
      {"{\"a\":NaN," + good.substr(1), kNoObject},
      {"{}", kNoList},
      {"{\"keys\":{}}", kNoList},
      {"{\"keys\":\"\"}", kNoList},
      {"{\"keys\":[]}", "the key set has no RSA, P-256 or Ed25519 key for RS256, ES256 or EdDSA signatures"},
      {"{\"keys\":[]," + good.substr(1), kTwice},
      {"{\"a\":{\"b\":1,\"\\u0062\":1}," + good.substr(1), kTwice},
      {SetWith(EdSigner().JwkMembers() + R"(,"kid":"a","kid":"a")"), kTwice},
      {"{\"a\":" + deep + "," + good.substr(1), "is nested more deeply than allowed"},
      {std::string(60'000, '['), "is nested more deeply than allowed"},
  };
  for (const auto& [text, sentence] : cases) ExpectRefused(text, sentence, "");
  EXPECT_TRUE(Jwks::Parse("{\"a\":" + deep.substr(1, 14) + "," + good.substr(1)).ok()) << "the limit itself";
  for (const char* const item : {"null", "[]", "\"a\"", "1"}) {
    ExpectRefused("{\"keys\":[" + std::string(item) + "]}", "is not a JSON object", "keys[0]");
  }
}

TEST(JwksTest, LimitsAreKept) {
  const std::string good = SetOf(Jwk(EdSigner(), "good"));
  EXPECT_TRUE(Jwks::Parse(good + std::string(kMaxJwksBytes - good.size(), ' ')).ok());
  const Result<Jwks> longer = Jwks::Parse(good + std::string(kMaxJwksBytes - good.size() + 1, ' '));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().limit(), kMaxJwksBytes);

  std::string list = Jwk(EdSigner(), "k0");
  for (int i = 1; i < 32; ++i) list += "," + Jwk(EdSigner(), "k" + std::to_string(i));
  EXPECT_EQ(Jwks::Parse(SetOf(list)).value().size(), 32U);
  const Result<Jwks> more = Jwks::Parse(SetOf(list + R"(,{"kty":"AKP","kid":"skipped"})"));
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().limit(), kMaxJwksKeys);
}

}  // namespace
}  // namespace coffer::policy
