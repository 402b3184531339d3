#include "plugins/grafana/database/misplaced.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

std::set<std::string> KindsIn(std::string_view text) {
  std::set<std::string> kinds;
  FindMisplaced(text, [&kinds](MisplacedKind kind) { kinds.insert(std::string(MisplacedKindName(kind))); });
  return kinds;
}

struct Case {
  const char* kind;
  std::vector<std::string> hits;
  std::vector<std::string> misses;
};

std::string Of(std::size_t count, char c) { return std::string(count, c); }
const std::string kAlnum36 = "abcdefghijklmnopqrstuvwxyz0123456789";

// A hit and its near misses, kind by kind. A miss is a miss for every kind.
std::vector<Case> Cases() {
  return {
      {"url-password",
       {"http://admin:hunter2@db.example/", "postgres://app:p%40ss@db:5432/shop?sslmode=require",
        "postgresql://app:pw@h1:5432,h2:5432/shop", "redis://:hunter2@cache:6379/0", "mongodb+srv://u:p@cluster0/x",
        "see https://a.example and https://u:p@ss@b.example/ too", "postgresql://db/shop?user=app&password=hunter2",
        "postgresql:///shop?host=db&sslpassword=x1", "(https://u:pw@host)", "[x](https://u:pw@host/)"},
       {"http://admin@db.example/", "http://db.example:3000/@here", "http://db.example/a:b@c", "http://[::1]:3000/?x=@",
        "https://${user}:${password}@host/", "https://$user:$pass@host", "https://u:***@host/", "https://u:xxxxx@host/",
        "https://user:<password>@host/", "https://u:{{password}}@host", "mail a:b@c.example", "http://u:@host/",
        "postgresql://db/shop?password=", "postgresql://db/?password=$PW", "postgresql://db/shop?xpassword=a",
        "see https://a.example:8080 or admin@b.example", "http://a:80\" href='x@y'", "://u:p@h"}},
      {"connection-password",
       {"host=db user=app password=hunter2", "password='hunter2' host=/run/postgresql",
        "Server=db,1433;Database=x;Pwd=abc;", "Data Source=db;User ID=sa;PASSWORD=abc",
        "AccountName=x;AccountKey=abc123==;EndpointSuffix=y"},
       {"host=db user=app", "password=hunter2", "host=db password=", "host=db password=${PW}", "host=db;Pwd=***;",
        "host=db&xpassword=1", "SELECT * FROM t WHERE password = 'x' AND host = 'y'", "{host=\"a\"} |= `password=`"}},
      {"private-key",
       {"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0B",
        "x\\n-----BEGIN EC PRIVATE KEY-----\r\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5"},
       {"-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "Begins with -----BEGIN RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"}},
      {"grafana-token",
       {"glsa_" + Of(32, 'A') + "_0123abcd", "Bearer glsa_" + Of(32, 'x') + "_0123abcd.", "glc_eyJvIjoi" + Of(40, 'a'),
        "eyJrIjoi" + Of(60, 'b')},
       {"glsa_" + Of(31, 'A') + "_0123abcd", "glsa_" + Of(32, 'A') + "_0123abcg", "glsa_" + Of(32, 'A'),
        "xglsa_" + Of(32, 'A') + "_0123abcd", "glc_eyJvIjoi", "eyJrIjoi" + Of(10, 'b')}},
      {"github-token",
       {"ghp_" + kAlnum36, "token=ghs_" + kAlnum36 + " ", "github_pat_" + Of(22, 'A') + "_" + Of(59, 'b')},
       {"ghp_" + kAlnum36.substr(1), "ghp_" + kAlnum36 + "0", "ghx_" + kAlnum36,
        "github_pat_" + Of(22, 'A') + "_" + Of(58, 'b')}},
      {"aws-access-key",
       {"AKIAIOSFODNN7EXAMPLE", "key: ASIAQWERTYUIOPASDFGH,"},
       {"AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMPLES", "xAKIAIOSFODNN7EXAMPLE", "AKIAiosfodnn7example",
        "AKIA0189FODNN7EXAMPLE"}},
      {"slack-token",
       {"xoxb-1234567890-abcdefghijkl", "xoxp-123456789012-123456789012-abc",
        "https://hooks.slack.com/services/T01234567/B01234567/" + Of(12, 'a') + Of(12, 'b')},
       {"xoxb-short1", "xoxq-1234567890-abcdefghijkl", "xoxb-abcdefghijklmnopqrstuvwxyz",
        "foxxoxb-1234567890-abcdefghijkl",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "https://hooks.slack.com/services/T01234567/B01234567/", "https://hooks.slack.com/services/"}},
      {"json-web-token",
       {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + Of(43, 'x'),
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + Of(43, 'x')},
       {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.short",
        "eyJhbGciOiJIUzI1NiJ9.abcdefghijkl." + Of(43, 'x'), "eyJhbGciOiJIUzI1NiJ9",
        "keyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + Of(43, 'x')}},
  };
}

TEST(MisplacedTest, EachKindHasHits) {
  for (const Case& each : Cases()) {
    for (const std::string& hit : each.hits) EXPECT_EQ(KindsIn(hit), std::set<std::string>{each.kind}) << hit;
  }
}

TEST(MisplacedTest, NearMissesAreNone) {
  for (const Case& each : Cases()) {
    for (const std::string& miss : each.misses) EXPECT_EQ(KindsIn(miss), std::set<std::string>{}) << miss;
  }
}

TEST(MisplacedTest, SeveralKindsOfOneTextAreAllFound) {
  EXPECT_EQ(KindsIn("http://u:pw@h/ AKIAIOSFODNN7EXAMPLE"), (std::set<std::string>{"url-password", "aws-access-key"}));
}

TEST(MisplacedTest, KeysThatNameASecretAreTold) {
  for (const char* name : {"password",
                           "Password",
                           "basicAuthPassword",
                           "sslPassphrase",
                           "client_secret",
                           "clientSecret",
                           "secretKey",
                           "token",
                           "api_token",
                           "bottoken",
                           "apiKey",
                           "api-key",
                           "X-Api-Key",
                           "accessKey",
                           "privateKey",
                           "tlsClientKey",
                           "sharedKey",
                           "connectionString",
                           "integrationKey",
                           "httpHeaderValue1",
                           "authorization",
                           "authorization_credentials",
                           "userPwd"}) {
    EXPECT_TRUE(IsSecretName(name)) << name;
  }
  for (const char* name : {"",
                           "user",
                           "tokenUrl",
                           "token_url",
                           "tokenUri",
                           "accessKeyId",
                           "secretName",
                           "secretArn",
                           "passwordFile",
                           "privateKeyPath",
                           "httpHeaderName1",
                           "authType",
                           "tokenType",
                           "maxTokens",
                           "keyCookies",
                           "timeField",
                           "authorization_scheme",
                           "signatureVersion",
                           "secretsManager.name",
                           "passwordField",
                           "publicKey",
                           "database"}) {
    EXPECT_FALSE(IsSecretName(name)) << name;
  }
}

using Places = std::vector<std::string>;

Places PlacesIn(CellEncoding encoding, std::string_view cell, bool* ok = nullptr) {
  Places places;
  const Status searched =
      FindMisplacedIn(encoding, AsBytes(cell), [&places](std::string_view path, MisplacedKind kind) {
        places.push_back(std::string(path) + ":" + std::string(MisplacedKindName(kind)));
      });
  if (ok != nullptr) *ok = searched.ok();
  return places;
}

TEST(MisplacedTest, SettingsAreSearchedByKeyAndByPattern) {
  const char* const cell = R"({"tokenUrl": "https://x", "password": "hunter2", "nested": [{"api_key": "a"}],
      "url": "http://u:pw@h/", "token": "", "secret": 7, "authorization": "${TOKEN}",
      "accessKey": "AKIAIOSFODNN7EXAMPLE"})";
  EXPECT_EQ(PlacesIn(CellEncoding::kSettings, cell), (Places{"password:named-key", "nested[0].api_key:named-key",
                                                             "url:url-password", "accessKey:aws-access-key"}));
}

TEST(MisplacedTest, TextIsSearchedByPatternAlone) {
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"password": "hunter2", "panels": [{"url": "http://u:pw@h/"}]})"),
            (Places{"panels[0].url:url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, "see http://u:pw@h/ for it"), (Places{":url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, "{curly} http://u:pw@h/"), (Places{":url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"a": "http://u:pw@h/", "b": "AKIAIOSFODNN7EXAMPLE)"),
            (Places{"a:url-password", ":aws-access-key"}));
}

TEST(MisplacedTest, EscapedSlashesAreSeenThrough) {
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"a": "http:\/\/u:pw@h\/"})"), (Places{"a:url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"a": "http://u:p\u0026w@h/"})"), (Places{"a:url-password"}));
}

TEST(MisplacedTest, EachHitIsFoundInACellAsWell) {
  for (const Case& each : Cases()) {
    for (const std::string& hit : each.hits) {
      EXPECT_EQ(PlacesIn(CellEncoding::kText, hit), Places{std::string(":") + each.kind}) << hit;
    }
  }
}

TEST(MisplacedTest, SettingsThatAreNoJsonAreSearchedAndReported) {
  bool ok = true;
  EXPECT_EQ(PlacesIn(CellEncoding::kSettings, "http://u:pw@h/", &ok), (Places{":url-password"}));
  EXPECT_FALSE(ok);
  PlacesIn(CellEncoding::kSettings, "{}", &ok);
  EXPECT_TRUE(ok);
}

TEST(MisplacedTest, WhatIsASecretsPlaceIsLeftToItsReader) {
  const char* const alerting = R"({"receivers": [{"settings": {"url": "http://u:pw@h/", "password": "x"},
      "secureSettings": {"url": "http://u:pw@h/", "password": "x"}}]})";
  EXPECT_EQ(PlacesIn(CellEncoding::kAlertingJson, alerting),
            (Places{"receivers[0].settings.url:url-password", "receivers[0].settings.password:named-key"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kSsoJson, R"({"client_secret": "http://u:pw@h/", "api_url": "http://u:pw@h/"})"),
            (Places{"api_url:url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kJsonMap, R"({"a": "http://u:pw@h/"})"), Places{});
}

TEST(MisplacedTest, ManyStartsAreReadInLinearTime) {
  // Each would take minutes if every start read all that follows.
  const std::size_t kMany = 2'000'000;
  for (const std::string part :
       {"eyJ", "eyJ-", "eyJ.", "eyJ/", "xoxb-", "xoxb-a", "glc_eyJ/", "http://", "http://a?", "-----BEGIN ",
        "password=", " password=", "://a:b", "http://a?password=&", "ghp_", "AKIA", "AKIA ", "@", "host=;"}) {
    std::string text;
    while (text.size() < kMany) text += part;
    KindsIn(text);
  }
}

}  // namespace
}  // namespace coffer::grafana
